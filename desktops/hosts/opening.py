"""How this installation opens its hypervisors. Imported by the composition when the worker first asks; it loads libvirt."""

from desktops.hosts.drivers import Hypervisors
from desktops.hypervisor.choose import Choice, choose_hypervisor, open_host
from desktops.hypervisor.libvirt_driver import LibvirtHost
from desktops.machines.files import installation_id
from workspace.parts import Parts
from workspace.secrets import SigningKey
from workspace.settings import Settings


def open_hypervisors(parts: Parts) -> Hypervisors:
    """The part ``Hypervisors`` of a worker process."""
    settings, owner = parts.get(Settings), installation_id(parts.get(SigningKey))

    def open_one(uri: str) -> LibvirtHost:
        choice = Choice(uri) if uri else choose_hypervisor(settings.libvirt_uri, settings.data_dir)
        return open_host(choice.uri, owner=owner, data_dir=settings.data_dir, why=choice.why)

    return Hypervisors(open_one)
