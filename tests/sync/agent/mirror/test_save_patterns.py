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


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=list(PATTERNS))
def test_document_when_looked_at_after_each_step_of_a_save_then_the_same_asset_with_the_new_bytes(
    lin: Device, fake: FakeLibrary, library: str, pattern: Pattern
) -> None:
    document = f"海报{pattern.suffix}"
    lin.sync()
    (lin.library / document).write_bytes(b"old")
    lin.sync()
    node = fake.live(library)[document].id
    for step in steps_for(pattern, document):
        do(lin, *step)
        lin.look()
        lin.engine.send()
    lin.sync()
    assert fake.live(library)[document].id == lin.node(document) == node
    assert contents(fake, library) == {document: b"new", **{name.replace("DOC", document): b"old" for name in pattern.left}}
    assert {version.name for version in fake.versions(library, document)} == {document}


def test_documents_when_looked_at_once_after_all_saves_then_the_same_assets_with_the_new_bytes(
    lin: Device, fake: FakeLibrary, library: str
) -> None:
    documents = {f"{number}/海报{pattern.suffix}": pattern for number, pattern in enumerate(PATTERNS.values())}
    lin.sync()
    for path in documents:
        (lin.library / path).parent.mkdir()
        (lin.library / path).write_bytes(b"old")
    lin.sync()
    nodes = {path: fake.live(library)[path].id for path in documents}
    wanted = {}
    for path, pattern in documents.items():
        folder, _, document = path.partition("/")
        for verb, *names in steps_for(pattern, document):
            do(lin, verb, *(f"{folder}/{name}" if verb != "write" or n == 0 else name for n, name in enumerate(names)))
        wanted |= {path: b"new", **{f"{folder}/{name.replace('DOC', document)}": b"old" for name in pattern.left}}
    lin.sync()
    assert contents(fake, library) == wanted
    assert {path: fake.live(library)[path].id for path in documents} == nodes
