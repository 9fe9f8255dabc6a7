"""Putting this machine's desktops to sleep before its own libvirt daemon stops, so that Ctrl-C leaves nothing running.

What is wanted of each desktop stays as it is: the next start finds it saved, and wakes those that were up.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from desktops.hypervisor.base import DomainState, Hypervisor
from desktops.machines.carry import in_words
from desktops.machines.files import files_of
from workspace.errors import MainlineError
from workspace.settings import Settings

AT_ONCE = 2


def put_to_sleep(hypervisor: Hypervisor, settings: Settings, *, tell: Callable[[str], None]) -> int:
    """Hibernate every running domain of ours; one that cannot be saved is switched off. Returns how many were running.

    Takes about 4 s a desktop under emulation, two at a time.
    """
    try:
        running = [domain.desktop_id for domain in hypervisor.domains() if domain.state in (DomainState.RUNNING, DomainState.PAUSED)]
    except MainlineError as error:
        tell(f"desktops   {in_words(error)}")
        return 0
    if running:
        tell(f"desktops   putting {len(running)} to sleep; they wake with the next start")

    def sleep(desktop_id: str) -> None:
        try:
            hypervisor.hibernate(desktop_id, record=files_of(settings, desktop_id).saved_record)
        except MainlineError as error:
            tell(f"desktops   {desktop_id} could not be saved and is switched off: {in_words(error)}")
            hypervisor.destroy(desktop_id)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(sleep, running))
    return len(running)
