"""What follows for store checklists: who is told, stores that are opened later, and the reminder of the day."""

from zoneinfo import ZoneInfo

from sqlalchemy import select

from main_lines.checks.actions import add_stores, missing_stores, remind_by_itself
from main_lines.checks.models import CheckEvent, StoreCheck
from main_lines.checks.queries import asked_to_fill, tallies_of
from main_lines.checks.rules import Scope, reminds_itself, takes
from main_lines.lines.access import company_today, director_ids, line_member_ids
from main_lines.lines.models import MainLine
from workspace.jobs.registry import periodic, reacts_to
from workspace.jobs.worker import JobRun
from workspace.notices.actions import send_notices
from workspace.people.models import PeopleEvent, Site
from workspace.settings import Settings

REMIND_EVERY_S = 600


@reacts_to(CheckEvent.OPENED, CheckEvent.STORES_ADDED, CheckEvent.REMINDED, CheckEvent.REOPENED, name="main_lines.check_notices")
def ask_stores(run: JobRun, seq: int) -> None:
    """Who has a sheet to fill in is asked to, as far as they are in the line now; who has one alone is led right to it."""
    event = run.event(seq)
    with run.open_work() as work:
        check = work.session.get(StoreCheck, event.facts["check_id"])
        if check is None or check.closed_at is not None:
            return
        for member_id, sheet_ids in sorted(asked_to_fill(work, check.id).items()):
            if member_id != event.actor_id:
                url = f"/sheets/{sheet_ids[0]}" if len(sheet_ids) == 1 else f"/checks/{check.id}"
                send_notices(work, event, [member_id], url=url, asking=[member_id])


@reacts_to(CheckEvent.DONE, name="main_lines.check_done")
def tell_that_all_are_done(run: JobRun, seq: int) -> None:
    """Who sent it out hears when the last store is done, and not of each store."""
    event = run.event(seq)
    with run.open_work() as work:
        check = work.session.get(StoreCheck, event.facts["check_id"])
        if check is None or check.closed_at is not None or missing_stores(work, check):
            return
        told = {check.made_by_id, *director_ids(work, check.line_id)} & set(line_member_ids(work, check.line_id)) - {event.actor_id}
        send_notices(work, event, sorted(told), url=f"/checks/{check.id}")


@reacts_to(PeopleEvent.SITE_ADDED, name="main_lines.check_new_store")
def give_to_new_store(run: JobRun, seq: int) -> None:
    """A store that opens while a checklist is out gets its sheet, where all stores or those of its city have one."""
    site_id = run.event(seq).subject.partition(":")[2]
    with run.open_work() as work:
        site = work.session.get(Site, site_id)
        if site is None or site.kind != "store":
            return
        for check in work.session.scalars(select(StoreCheck).where(StoreCheck.closed_at.is_(None))).all():
            if takes(Scope(check.scope), check.scope_ids, store_id=site.id, city_id=site.parent_id) and check.scope != Scope.STORES:
                add_stores(work, check.id, [site.id])


@periodic("main_lines.check_reminders", every_s=REMIND_EVERY_S)
def remind_of_the_day(run: JobRun) -> None:
    """On each day on which something is due or late, once and by day, the stores that are missing are reminded."""
    with run.open_work() as work:
        hour = work.now.astimezone(ZoneInfo(work.parts.get(Settings).time_zone)).hour
        today = company_today(work)
        query = select(StoreCheck, MainLine).join(MainLine, MainLine.id == StoreCheck.line_id)
        for check, line in work.session.execute(query.where(StoreCheck.closed_at.is_(None), MainLine.phase != "closed")).all():
            if reminds_itself(tallies_of(work, line, check), last=check.reminded_on, today=today, hour=hour):
                remind_by_itself(work, check, today)
