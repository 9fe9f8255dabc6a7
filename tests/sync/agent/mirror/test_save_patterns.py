"""Programs save in many ways; the asset stays one asset. On a mirrored folder, however often it is looked at in between."""

from __future__ import annotations

import pytest

from tests.fakes.library_server import FakeLibrary
from tests.sync.agent.mirror.conftest import Device, contents
from tests.sync.agent.save_patterns import PATTERNS, Pattern, steps_for


def do(device: Device, verb: str, path: str, argument: str = "") -> None:
    at = device.library / path
    if verb == "write":
        at.write_bytes(argument.encode())
    elif verb == "rename":
        at.replace(device.library / argument)
    elif verb == "delete":
        at.unlink()
    elif verb == "folder":
        at.mkdir()
    else:
        at.rmdir()


@pytest.mark.parametrize("looks", [False, True], ids=["looked at once", "looked at after each step"])
@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=list(PATTERNS))
def test_document_when_saved_by_a_program_then_the_same_asset_with_the_new_bytes(
    lin: Device, fake: FakeLibrary, library: str, pattern: Pattern, looks: bool
) -> None:
    document = f"海报{pattern.suffix}"
    lin.sync()
    (lin.library / document).write_bytes(b"old")
    lin.sync()
    node = fake.live(library)[document].id
    for step in steps_for(pattern, document):
        do(lin, *step)
        if looks:
            lin.look()
            lin.engine.send()
    lin.sync()
    assert fake.live(library)[document].id == node
    wanted = {document: b"new", **{name.replace("DOC", document): b"old" for name in pattern.left}}
    assert contents(fake, library) == wanted
    assert {version.name for version in fake.versions(library, document)} == {document}
    assert lin.node(document) == node
