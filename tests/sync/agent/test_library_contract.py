"""The fake library of these tests keeps the same contract as the real one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.library_contract import LibraryContract, Subject
from tests.fakes.library_server import FakeLibrary


class TestFakeLibrary(LibraryContract):
    """The suite on the fake."""

    @pytest.fixture
    def subject(self, tmp_path: Path) -> Iterator[Subject]:
        fake = FakeLibrary(tmp_path)
        fake.start()
        yield Subject(fake.api, fake.add_library("双十一大促"), fake.issue_code, fake.grant)
        fake.stop()
