"""A desktop from the golden image, seen and used through its screen: starts, hibernates, wakes, switches itself off.

Figures go to the report (`-rA` shows them); a picture of the screen to artefacts/.
"""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from PIL import Image

from desktops.hypervisor.base import DomainFiles, DomainSpec, DomainState
from desktops.hypervisor.libvirt_driver import LibvirtHost
from desktops.images.build import Image as GoldenImage
from tests.desktops.rfb_client import RfbClient
from workspace.settings import ROOT

pytestmark = pytest.mark.guest
PANEL = (16, 32, 47)
TERMINAL = (23, 32, 43)
LIMIT_S = 180.0  # twenty times what it takes on an idle machine: only a hang should fail here


def wait_for(condition: Callable[[], object], what: str) -> float:
    """Ask twice a second; returns the seconds it took. A guest cannot be waited on in any other way."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < LIMIT_S, f"{what} did not happen within {LIMIT_S:.0f} s"
        time.sleep(0.5)
    return time.monotonic() - began


def serial(files: DomainFiles) -> str:
    return files.boot_log.read_text("utf-8", "replace")


def marks(files: DomainFiles) -> dict[str, float]:
    """What the guest's scripts said on the serial port: text -> seconds since its kernel started."""
    found = re.findall(r"mainline: ([\d.]+) (.+)", serial(files))
    return {text.strip(): float(seconds) for seconds, text in reversed(found)}


def shows_panel(picture: Image.Image) -> bool:
    return picture.size == (1280, 800) and picture.getpixel((640, 790)) == PANEL


def shows_files(picture: Image.Image) -> bool:
    """The white of the file manager's middle and the grey of its title bar."""
    return picture.getpixel((640, 450)) == (255, 255, 255) and (231, 234, 239) in {picture.getpixel((300, y)) for y in range(50, 120)}


def test_desktop_lives_through_start_hibernate_wake_and_shut_down(
    real_host: LibvirtHost,
    new_desktop: Callable[..., tuple[DomainSpec, DomainFiles]],
    golden_image: GoldenImage,
    record_property: Callable[[str, object], None],
) -> None:
    spec, files = new_desktop(home=True, memory_mib=golden_image.memory_mib)
    real_host.define(spec)
    began = time.monotonic()
    real_host.start(spec.desktop_id)
    figures = {"start_s": time.monotonic() - began}

    screen = RfbClient(files.vnc_socket)
    wait_for(lambda: shows_panel(screen.picture()), "the panel")
    figures["panel_visible_s"] = time.monotonic() - began
    wait_for(lambda: "agent start" in marks(files), "the start of the sync agent")
    wait_for(lambda: shows_files(screen.picture()), "the file manager")
    figures["files_visible_s"] = time.monotonic() - began
    figures.update({f"mark: {text}": seconds for text, seconds in marks(files).items()})
    use = real_host.use(spec.desktop_id)
    assert use is not None
    figures["resident_mib"] = (use.resident_bytes or 0) >> 20

    began = time.monotonic()
    screen.press("ctrl", "alt", "t")
    wait_for(lambda: screen.picture().getpixel((640, 450)) == TERMINAL, "the terminal")
    figures["terminal_visible_s"] = time.monotonic() - began
    blank = screen.picture().tobytes()
    wait_for(lambda: screen.picture().tobytes() != blank, "its prompt")
    screen.type("echo typed on the screen $(id -un) $LANG > /dev/ttyS0\n")
    wait_for(lambda: "typed on the screen designer zh_CN.UTF-8" in serial(files), "what was typed")
    (ROOT / "artefacts").mkdir(exist_ok=True)
    screen.picture().save(ROOT / "artefacts" / "desktop.png")
    screen.close()

    began = time.monotonic()
    real_host.hibernate(spec.desktop_id, record=files.saved_record)
    figures["hibernate_s"] = time.monotonic() - began
    domain = real_host.domain(spec.desktop_id)
    assert domain is not None
    assert domain.state is DomainState.SAVED

    began = time.monotonic()
    real_host.wake(spec.desktop_id, record=files.saved_record)
    figures["wake_s"] = time.monotonic() - began
    assert wait_for(lambda: real_host.set_clock(spec.desktop_id, datetime.now(UTC)), "the guest agent's answer") < LIMIT_S
    screen = RfbClient(files.vnc_socket)
    wait_for(lambda: shows_panel(screen.picture()), "the panel after waking")
    asked = time.time()
    screen.type("echo awake at $(date +%s) > /dev/ttyS0\n")
    awake = re.compile(r"awake at (\d+)")
    wait_for(lambda: awake.search(serial(files)), "typing after waking")
    said = awake.search(serial(files))
    assert said is not None
    assert asked - 30 < int(said[1]) < time.time() + 30
    screen.close()

    began = time.monotonic()
    real_host.shut_down(spec.desktop_id)

    def is_off() -> bool:
        domain = real_host.domain(spec.desktop_id)
        return domain is not None and domain.state is DomainState.OFF

    wait_for(is_off, "switching off")
    figures["shut_down_s"] = time.monotonic() - began
    for name, value in figures.items():
        record_property(name, value)
        print(f"{name}: {value:.1f}")
