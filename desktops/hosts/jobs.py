"""Looking at the hosts and at what images they have; runs in the worker."""

import json
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

import structlog
from sqlalchemy import select

from desktops.caching.counts import cache_counts
from desktops.hosts.actions import ensure_own_host, note_host_seen, note_probe
from desktops.hosts.drivers import Hypervisors
from desktops.hosts.models import Host
from desktops.hosts.words import verdict
from desktops.hypervisor.base import HostFacts
from desktops.images.access import gone_digests, known_digests
from desktops.images.actions import add_image, remove_superseded
from desktops.images.build import image_facts, list_images
from desktops.images.prune import delete_images, folders_in_use
from workspace.errors import MainlineError
from workspace.jobs.registry import periodic
from workspace.jobs.worker import JobRun
from workspace.settings import Settings

log = structlog.get_logger("desktops")


@periodic("desktops.look_at_hosts", every_s=30, lane="desktops", lease_s=120)
def look_at_hosts(run: JobRun) -> None:
    """Probe each host: what it is, what accelerates it, what it holds."""
    with run.open_work() as work:
        ensure_own_host(work)
    with run.open_work(writes=False) as work:
        hosts = list(work.session.scalars(select(Host)))
    for host in hosts:
        try:
            facts = run.parts.get(Hypervisors).of(host.uri).facts()
        except MainlineError as error:
            log.warning("host.unreachable", host=host.name, uri=host.uri, problem=str(error.title))
            with run.open_work() as work:
                note_host_seen(work, host.id, str(error.title))
            continue
        with run.open_work() as work:
            note_probe(work, host.id, simulated=facts.simulated, facts=_plain(facts), verdict=verdict(facts.reasons))
            note_host_seen(work, host.id, cache=cache_counts(run.parts.get(Settings)) if _is_here(host) else None)


@periodic("desktops.find_images", every_s=15, lane="desktops")
def find_images(run: JobRun) -> None:
    """Make images known that were built since."""
    built = list_images(run.parts.get(Settings).effective_image_dir)
    with run.open_work(writes=False) as work:
        known = known_digests(work)
    new = [image for image in built if image.digest not in known]
    if new:
        with run.open_work() as work:
            for image in new:
                add_image(work, name=image.name, title=image.title, digest=image.digest, path=str(image.folder), facts=image_facts(image))


@periodic("desktops.prune_images", every_s=3600, lane="desktops", lease_s=300)
def prune_images(run: JobRun) -> None:
    """Let superseded images go, each about 1 GB.

    Only in the data directory: another folder may serve other installations, whose desktops nobody knows here.
    """
    settings = run.parts.get(Settings)
    if settings.effective_image_dir.resolve() != (settings.data_dir / "images").resolve():
        return
    in_use = folders_in_use(settings.data_dir / "desktops")
    with run.open_work() as work:
        remove_superseded(work, in_use=in_use)
    with run.open_work(writes=False) as work:
        gone = gone_digests(work)
    for name in delete_images(settings.effective_image_dir, gone, keep=in_use):
        log.info("image.deleted", image=name)


def _is_here(host: Host) -> bool:
    """Whether the host is the worker's own machine."""
    return host.uri == "" or urlsplit(host.uri).netloc == ""


def _plain(facts: HostFacts) -> dict[str, Any]:
    """As JSON keeps it, so that what is known and what was found can be compared."""
    found: dict[str, Any] = json.loads(json.dumps(asdict(facts)))
    return found
