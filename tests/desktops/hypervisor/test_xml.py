"""The domain XML, compared with golden files; `--regenerate` writes them anew."""

from dataclasses import fields, replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from desktops.hypervisor.base import Accelerator, DomainSpec, domain_uuid
from desktops.hypervisor.xml import NAMESPACE, definition_digest, disk_files, domain_xml, read_metadata

GOLDEN = Path(__file__).parent / "golden"
PLAIN = DomainSpec(
    desktop_id="01890a5d-0000-7000-8000-000000000001",
    owner="installation",
    generation=1,
    title="林晓的云桌面",
    accelerator=Accelerator.QEMU,
    memory_mib=512,
    vcpus=2,
    system_disk=Path("/d/system-1.qcow2"),
    image_disk=Path("/images/desktop-1/rootfs.qcow2"),
    kernel=Path("/images/desktop-1/vmlinux"),
    initrd=Path("/images/desktop-1/initrd"),
    cmdline="root=/dev/vda quiet",
    vnc_socket=Path("/r/vnc.sock"),
    channel_socket=Path("/r/channel.sock"),
    agent_socket=Path("/r/qga.sock"),
)
FULL = replace(
    PLAIN,
    accelerator=Accelerator.KVM,
    seed=Path("/d/seed.json"),
    home_disk=Path("/d/home.qcow2"),
    qemu_uid=70001,
    qemu_gid=107,
    boot_log=Path("/d/boot.log"),
)
CASES = {"plain": PLAIN, "full": FULL, "simulated": replace(PLAIN, accelerator=Accelerator.TEST)}
OTHER_VALUES = {
    **{"desktop_id": "01890a5d-0000-7000-8000-000000000002", "owner": "another", "generation": 2, "title": "别的标题"},
    **{"accelerator": Accelerator.KVM, "memory_mib": 768, "vcpus": 1, "system_disk": Path("/d/system-2.qcow2")},
    **{"image_disk": Path("/images/2/rootfs.qcow2"), "kernel": Path("/images/2/vmlinux"), "initrd": Path("/images/2/initrd")},
    **{"cmdline": "root=/dev/vdb", "vnc_socket": Path("/q/v"), "channel_socket": Path("/q/c"), "agent_socket": Path("/q/a")},
    **{"seed": Path("/q/s"), "home_disk": Path("/q/h"), "qemu_uid": 70002, "qemu_gid": 70003, "boot_log": Path("/q/b")},
    **{"width_px": 1920, "height_px": 1080},
}


@pytest.mark.parametrize("name", CASES)
def test_domain_xml_is_what_the_golden_file_says(name: str, regenerate: bool) -> None:
    path, text = GOLDEN / f"{name}.xml", domain_xml(CASES[name])
    if regenerate:
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


@pytest.mark.parametrize("field", [field.name for field in fields(DomainSpec)])
def test_domain_xml_changes_with_every_field(field: str) -> None:
    other = replace(FULL if field == "qemu_gid" else PLAIN, **{field: OTHER_VALUES[field]})
    before = FULL if field == "qemu_gid" else PLAIN
    assert domain_xml(other) != domain_xml(before)
    assert definition_digest(other) != definition_digest(before)


def test_domain_xml_of_the_story_has_no_network_and_no_tcp_port() -> None:
    root = ElementTree.fromstring(domain_xml(FULL))
    assert root.findall(".//interface") == []
    assert [listen.attrib["type"] for listen in root.findall(".//graphics/listen")] == ["socket"]
    assert "port" not in root.find(".//graphics").attrib  # type: ignore[union-attr]


def test_metadata_tells_whose_domain_it_is() -> None:
    element = ElementTree.fromstring(domain_xml(PLAIN)).find(f"metadata/{{{NAMESPACE}}}desktop")
    assert element is not None
    assert read_metadata(ElementTree.tostring(element, encoding="unicode")) == {
        "id": PLAIN.desktop_id, "owner": "installation", "generation": "1", "definition": definition_digest(PLAIN),
    }  # fmt: skip


def test_disk_files_name_the_image_too() -> None:
    assert disk_files(domain_xml(FULL)) == [PLAIN.system_disk, PLAIN.image_disk, Path("/d/home.qcow2")]


def test_domain_uuid_is_the_same_everywhere() -> None:
    assert domain_uuid("desktop-1") == "96d3e1bf-a401-595b-840b-9f9ae784c8f8"  # changing it would orphan every domain that exists
    assert domain_uuid("desktop-2") != domain_uuid("desktop-1")
