"""One desktop, one pass: read what is wanted, look at what is there, decide, write it down, do one step.

The database is never held while the hypervisor is asked. What is read may be outdated when it is acted upon: every step
is idempotent, and the next pass sees the newer wish.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from desktops.hosts.access import candidates
from desktops.hosts.drivers import Hypervisors
from desktops.hosts.models import Host
from desktops.hosts.rules import Candidate, Refusal, place
from desktops.hypervisor.base import Accelerator
from desktops.images.access import newest_image
from desktops.images.models import ImageVersion
from desktops.machines.carry import Commission, Seen, carry_out, in_words, look
from desktops.machines.files import files_of, installation_id
from desktops.machines.models import Desktop, DesktopActivity
from desktops.machines.progress import note_decision, note_waiting
from desktops.machines.rules import Power, Situation, State, Step, Wanted, decide
from desktops.templates.models import DesktopTemplate
from workspace.devices.actions import issue_code
from workspace.devices.models import Device, DeviceSeen
from workspace.errors import MainlineError
from workspace.i18n import _
from workspace.jobs.worker import Again, JobRun
from workspace.people.models import Member
from workspace.secrets import SigningKey
from workspace.settings import Settings
from workspace.work import Work

UNREACHABLE_S = 5.0
WAIT_S = 3.0


@dataclass(frozen=True)
class Order:
    """A desktop as the reconciler reads it. commission and uri are None until it is placed.

    A simulated desktop has nothing that could be carried on once its host became real: it is placed again, with an image.
    """

    desktop_id: str
    state: State
    wanted: Wanted
    restart: bool
    heard: bool
    simulated: bool
    attempts: int
    retry_at: datetime | None
    deadline_at: datetime | None
    uri: str | None
    commission: Commission | None

    def still_stands(self, desktop: Desktop) -> bool:
        """Whether nobody asked for something else since it was read."""
        return (desktop.wanted, desktop.state, desktop.restart) == (self.wanted, self.state, self.restart)

    def situation(self, seen: Seen) -> Situation:
        return Situation(
            state=self.state,
            wanted=self.wanted,
            power=seen.power,
            placed=self.commission is not None,
            disks=seen.disks and not (self.simulated and self.wanted is Wanted.GONE),
            heard=self.heard,
            restart=self.restart,
            simulated=self.simulated,
        )


def read_order(work: Work, desktop_id: str) -> Order | None:
    """None when there is no such desktop."""
    desktop = work.session.get(Desktop, desktop_id)
    if desktop is None:
        return None
    host = work.session.get(Host, desktop.host_id) if desktop.host_id else None
    return Order(
        desktop_id=desktop.id,
        state=State(desktop.state),
        wanted=Wanted(desktop.wanted),
        restart=desktop.restart,
        heard=was_heard(work, desktop),
        simulated=bool(host and host.simulated),
        attempts=desktop.attempts,
        retry_at=desktop.retry_at,
        deadline_at=desktop.deadline_at,
        uri=host.uri if host else None,
        commission=_commission(work, desktop, host) if host and (host.simulated or desktop.image_id) else None,
    )


def was_heard(work: Work, desktop: Desktop) -> bool:
    """Whether the desktop's sync client said "mounted" since the last start or wake."""
    if desktop.booted_at is None:
        return False
    if desktop.ready_at is not None and desktop.ready_at > desktop.booted_at:
        return True
    query = select(DeviceSeen.at, DeviceSeen.status).join(Device, Device.id == DeviceSeen.device_id)
    query = query.where(Device.desktop_id == desktop.id, Device.revoked_at.is_(None))
    mounted = [at for at, status in work.session.execute(query) if status.get("state") == "mounted"]
    if any(at > desktop.booted_at for at in mounted):
        return True
    # A woken guest goes on where it was: its mount is there, and the channel says before the next heartbeat that it lives.
    activity = work.session.get(DesktopActivity, desktop.id)
    answered = activity is not None and activity.channel_up_at is not None and activity.channel_up_at > desktop.booted_at
    return desktop.state == State.WAKING and bool(mounted) and answered


def one_pass(run: JobRun, order: Order, *, may_act: bool) -> tuple[Step | None, str]:
    """Look, decide, write, act once. Returns the step that was taken (None = nothing to do) and why it failed (empty = it did not).

    may_act False: look and write only, after too many failures. Raises Again while its host cannot be asked.
    """
    seen = _look(run, order)
    if seen.trouble:
        raise Again(UNREACHABLE_S, seen.trouble)
    decision = decide(order.situation(seen))
    with run.open_work() as work:
        desktop = work.session.get_one(Desktop, order.desktop_id, with_for_update=True)
        if not order.still_stands(desktop):
            return decision.step, ""  # Somebody was faster; nothing was done, the next pass reads again.
        note_decision(work, desktop, decision, begins=may_act)
        if decision.step is Step.PLACE:
            waits = _place(work, desktop)
        seed = _seed(work, desktop) if may_act and decision.step is Step.DEFINE and not order.simulated else None
    if decision.step is Step.PLACE and waits:
        raise Again(WAIT_S, waits)
    if decision.step in (None, Step.PLACE) or not may_act:
        return decision.step if may_act else None, ""
    assert order.uri is not None
    assert order.commission is not None
    try:
        carry_out(run.parts.get(Hypervisors).of(order.uri), decision.step, order.commission, seed=seed)
    except MainlineError as error:
        return decision.step, in_words(error)
    return decision.step, ""


def _look(run: JobRun, order: Order) -> Seen:
    if order.commission is None or order.uri is None:
        return Seen(Power.ABSENT, False)
    try:
        hypervisor = run.parts.get(Hypervisors).of(order.uri)
    except MainlineError as error:
        return Seen(Power.UNKNOWN, False, in_words(error))
    return look(hypervisor, order.commission)


def _place(work: Work, desktop: Desktop) -> str:
    """Choose host and image in this transaction, which is what reserves the memory. Returns what it waits for, empty when placed."""
    member = work.session.get_one(Member, desktop.member_id)
    template = work.session.get_one(DesktopTemplate, desktop.template_id)
    chosen = place(candidates(work), memory_mib=desktop.memory_mib, site_id=member.site_id)
    image = newest_image(work, template.image_name)
    if isinstance(chosen, Refusal):
        return note_waiting(work, desktop, _REFUSALS[chosen]())
    if image is None and not chosen.simulated:
        return note_waiting(work, desktop, _("镜像“%(name)s”还没有制作完成", name=template.image_name))
    _reserve(work, desktop, chosen, image)
    return ""


def _reserve(work: Work, desktop: Desktop, chosen: Candidate, image: ImageVersion | None) -> None:
    desktop.host_id, desktop.image_id, desktop.problem = chosen.host_id, image.id if image else None, ""
    note_decision(work, desktop, decide(Situation(State(desktop.state), Wanted(desktop.wanted), Power.ABSENT, disks=False)))


def _seed(work: Work, desktop: Desktop) -> dict[str, Any]:
    """What the desktop's sync client finds at its first start: where the product is and a one-time code."""
    member = work.session.get_one(Member, desktop.member_id)
    name = f"{member.name} · {desktop.name}"
    code = issue_code(work, member_id=member.id, kind="desktop", name=name, desktop_id=desktop.id)
    return {"api": f"http://127.0.0.1:{work.parts.get(Settings).port}", "code": code, "device_name": name}


def _commission(work: Work, desktop: Desktop, host: Host) -> Commission:
    template = work.session.get_one(DesktopTemplate, desktop.template_id)
    image = work.session.get(ImageVersion, desktop.image_id) if desktop.image_id else None
    member = work.session.get_one(Member, desktop.member_id)
    return Commission(
        desktop_id=desktop.id,
        number=desktop.number,
        owner=installation_id(work.parts.get(SigningKey)),
        title=f"{member.name} · {desktop.name}",
        generation=desktop.generation,
        memory_mib=desktop.memory_mib,
        vcpus=desktop.vcpus,
        home_gib=template.home_gib,
        accelerator=Accelerator(host.facts.get("accelerator", Accelerator.TEST)),
        image=image.facts if image else {},
        files=files_of(work.parts.get(Settings), desktop.id),
    )


_REFUSALS = {
    Refusal.NO_HOST: lambda: _("还没有可用的宿主机"),
    Refusal.UNREACHABLE: lambda: _("宿主机暂时联系不上"),
    Refusal.FULL: lambda: _("宿主机内存不足，请稍后再试或先让不用的云桌面休眠"),
}
