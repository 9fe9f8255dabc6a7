"""Putting this machine's desktops to sleep before its own libvirt daemon stops, so that Ctrl-C leaves nothing running.

What is wanted of each desktop stays as it is: the next start finds it saved, and wakes those that were up.
"""

from collections.abc import Callable

from desktops.hypervisor.base import DomainState, Hypervisor
from desktops.machines.carry import in_words
from desktops.machines.files import files_of
from workspace.errors import MainlineError
from workspace.settings import Settings


def put_to_sleep(hypervisor: Hypervisor, settings: Settings, *, tell: Callable[[str], None]) -> int:
    """Hibernate every running domain of ours; one that cannot be saved is switched off. Returns how many were running.

    One after the other, as a host's calls always run; about 4 s a desktop under emulation.
    """
    try:
        running = [domain.desktop_id for domain in hypervisor.domains() if domain.state in (DomainState.RUNNING, DomainState.PAUSED)]
    except MainlineError as error:
        tell(f"desktops   {in_words(error)}")
        return 0
    if running:
        tell(f"desktops   putting {len(running)} to sleep; they wake with the next start")
    for desktop_id in running:
        _put_one_to_sleep(hypervisor, desktop_id, settings, tell)
    return len(running)


def _put_one_to_sleep(hypervisor: Hypervisor, desktop_id: str, settings: Settings, tell: Callable[[str], None]) -> None:
    try:
        try:
            hypervisor.hibernate(desktop_id, record=files_of(settings, desktop_id).saved_record)
        except MainlineError as error:
            tell(f"desktops   {desktop_id} could not be saved and is switched off: {in_words(error)}")
            hypervisor.destroy(desktop_id)
    except MainlineError as error:  # The others must not stay up because of it.
        tell(f"desktops   {desktop_id} could not be switched off: {in_words(error)}")
