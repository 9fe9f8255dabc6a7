"""Domain XML as a pure function of a DomainSpec, one small function per libvirt element, in libvirt's own words.

Golden files: tests/desktops/hypervisor/golden/. Reference: https://libvirt.org/formatdomain.html
"""

import hashlib
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from desktops.hypervisor.base import Accelerator, DomainSpec

NAMESPACE = "urn:mainline:desktop:1"
GATEWAY_CHANNEL = "com.mainline.gateway.0"
AGENT_CHANNEL = "org.qemu.guest_agent.0"
SEED_ENTRY = "opt/com.mainline/seed"
TRANSLATED_CODE_MIB = 256

ElementTree.register_namespace("mainline", NAMESPACE)


def domain_xml(spec: DomainSpec) -> str:
    """The domain's definition. Its metadata carries the digest of the rest, by which a saved state is bound to it."""
    domain = _domain(spec)
    metadata = domain.find(f"metadata/{{{NAMESPACE}}}desktop")
    assert metadata is not None
    metadata.set("definition", hashlib.blake2b(ElementTree.tostring(domain), digest_size=16).hexdigest())
    ElementTree.indent(domain)
    return ElementTree.tostring(domain, encoding="unicode") + "\n"


def definition_digest(spec: DomainSpec) -> str:
    """The digest that `domain_xml` puts into the metadata of this spec."""
    return hashlib.blake2b(ElementTree.tostring(_domain(spec)), digest_size=16).hexdigest()


def read_metadata(text: str) -> dict[str, str]:
    """The attributes of our metadata element as libvirt hands it out: id, owner, generation, definition."""
    return dict(ElementTree.fromstring(text).attrib)


def disk_files(text: str) -> list[Path]:
    """The files behind the disks of a domain's XML as libvirt gives it, backing files included."""
    root = ElementTree.fromstring(text)
    return [Path(source.attrib["file"]) for source in root.findall("devices/disk//source") if "file" in source.attrib]


def _domain(spec: DomainSpec) -> Element:
    domain = Element("domain", type=spec.accelerator.value)
    _text(domain, "name", spec.name)
    _text(domain, "uuid", spec.uuid)
    _text(domain, "title", spec.title)
    _metadata(SubElement(domain, "metadata"), spec)
    _text(domain, "memory", str(spec.memory_mib), unit="MiB")
    _text(domain, "vcpu", str(spec.vcpus))
    if spec.seed is not None:
        _sysinfo(SubElement(domain, "sysinfo", type="fwcfg"), spec.seed)
    _os(SubElement(domain, "os"), spec)
    _features(SubElement(domain, "features"), spec.accelerator)
    _cpu(domain, spec.accelerator)
    _clock(SubElement(domain, "clock", offset="utc"))
    for event, action in (("on_poweroff", "destroy"), ("on_reboot", "restart"), ("on_crash", "destroy")):
        _text(domain, event, action)
    _devices(SubElement(domain, "devices"), spec)
    if spec.qemu_uid is not None:
        _seclabel(domain, spec.qemu_uid, spec.qemu_gid if spec.qemu_gid is not None else spec.qemu_uid)
    return domain


def _metadata(metadata: Element, spec: DomainSpec) -> None:
    values = {"id": spec.desktop_id, "owner": spec.owner, "generation": str(spec.generation)}
    SubElement(metadata, f"{{{NAMESPACE}}}desktop", values)


def _sysinfo(sysinfo: Element, seed: Path) -> None:
    """The seed as a file of the firmware's configuration: in the guest only root can read it."""
    SubElement(sysinfo, "entry", name=SEED_ENTRY, file=str(seed))


def _os(os: Element, spec: DomainSpec) -> None:
    _text(os, "type", "hvm", arch="x86_64", **({} if spec.accelerator is Accelerator.TEST else {"machine": "pc"}))
    _text(os, "kernel", str(spec.kernel))
    _text(os, "initrd", str(spec.initrd))
    _text(os, "cmdline", spec.cmdline)


def _features(features: Element, accelerator: Accelerator) -> None:
    SubElement(features, "acpi")
    if accelerator is Accelerator.QEMU:
        # QEMU's default of 1 GiB for translated code would be charged to each desktop.
        _text(SubElement(features, "tcg"), "tb-cache", str(TRANSLATED_CODE_MIB), unit="MiB")


def _cpu(domain: Element, accelerator: Accelerator) -> None:
    """Under emulation a CPU of x86-64-v2: every instruction beyond that is emulated at a loss."""
    if accelerator is Accelerator.KVM:
        SubElement(domain, "cpu", mode="host-passthrough", check="none", migratable="on")
    elif accelerator is Accelerator.QEMU:
        cpu = SubElement(domain, "cpu", mode="custom", match="exact", check="none")
        _text(cpu, "model", "Nehalem", fallback="forbid")
        for name in ("aes", "rdrand"):
            SubElement(cpu, "feature", policy="require", name=name)


def _clock(clock: Element) -> None:
    SubElement(clock, "timer", name="rtc", tickpolicy="catchup")
    SubElement(clock, "timer", name="pit", tickpolicy="delay")
    SubElement(clock, "timer", name="hpet", present="no")


def _devices(devices: Element, spec: DomainSpec) -> None:
    """No network device: the guest reaches the product through its channel alone. No USB until something is plugged in."""
    _system_disk(SubElement(devices, "disk", type="file", device="disk"), spec.system_disk, spec.image_disk)
    if spec.home_disk is not None:
        _disk(SubElement(devices, "disk", type="file", device="disk"), spec.home_disk, target="vdb")
    SubElement(devices, "controller", type="usb", model="none")
    for kind in ("tablet", "keyboard"):
        SubElement(devices, "input", type=kind, bus="virtio")
    if spec.boot_log is not None:
        SubElement(SubElement(devices, "serial", type="file"), "source", path=str(spec.boot_log), append="on")
    _channel(devices, GATEWAY_CHANNEL, spec.channel_socket)
    _channel(devices, AGENT_CHANNEL, spec.agent_socket)
    _graphics(SubElement(devices, "graphics", type="vnc", sharePolicy="force-shared"), spec.vnc_socket)
    SubElement(devices, "audio", id="1", type="none")
    _video(SubElement(devices, "video"), spec)
    SubElement(devices, "memballoon", model="virtio", freePageReporting="on")


def _disk(disk: Element, path: Path, *, target: str) -> None:
    SubElement(disk, "driver", name="qemu", type="qcow2", discard="unmap")
    SubElement(disk, "source", file=str(path))
    SubElement(disk, "target", dev=target, bus="virtio")


def _system_disk(disk: Element, path: Path, image: Path) -> None:
    """The backing chain is spelled out, so that libvirt never probes a format that the guest could have written."""
    SubElement(disk, "driver", name="qemu", type="qcow2", discard="unmap")
    SubElement(disk, "source", file=str(path))
    backing = SubElement(disk, "backingStore", type="file")
    SubElement(backing, "format", type="qcow2")
    SubElement(backing, "source", file=str(image))
    SubElement(backing, "backingStore")
    SubElement(disk, "target", dev="vda", bus="virtio")


def _channel(devices: Element, name: str, socket: Path) -> None:
    channel = SubElement(devices, "channel", type="unix")
    SubElement(channel, "source", mode="bind", path=str(socket))
    SubElement(channel, "target", type="virtio", name=name)


def _graphics(graphics: Element, socket: Path) -> None:
    """A unix socket only: a TCP port could be reached by others on the host, and by guests through user networking."""
    SubElement(graphics, "listen", type="socket", socket=str(socket))


def _video(video: Element, spec: DomainSpec) -> None:
    model = SubElement(video, "model", type="virtio", heads="1", primary="yes")
    SubElement(model, "resolution", x=str(spec.width_px), y=str(spec.height_px))


def _seclabel(domain: Element, uid: int, gid: int) -> None:
    """Each desktop's QEMU under its own account, so that one that breaks out reads no other desktop's files."""
    seclabel = SubElement(domain, "seclabel", type="static", model="dac", relabel="no")
    _text(seclabel, "label", f"+{uid}:+{gid}")


def _text(parent: Element, tag: str, text: str, **attributes: str) -> Element:
    element = SubElement(parent, tag, attributes)
    element.text = text
    return element
