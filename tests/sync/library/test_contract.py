"""The library's contract with the agent on the real server: the app over TCP, the real object store, both databases."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest
from werkzeug.serving import make_server

import app as composition
from demo import seed_company
from sync.core.protocol import Right
from sync.library.embedded_store import EmbeddedStore
from sync.library.libraries.actions import open_library
from sync.library.libraries.rules import Right as Level
from tests.contracts.library_contract import LibraryContract, Subject
from tests.house import member_named
from tests.sync.library.grants import grant_member
from workspace.db import Base, Database
from workspace.devices.actions import issue_code
from workspace.parts import Parts
from workspace.people.actions import add_member, make_group
from workspace.people.models import Department, Site
from workspace.settings import Settings
from workspace.work import Work, open_work

pytestmark = pytest.mark.server


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def parts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, weed: EmbeddedStore) -> Iterator[Parts]:
    """A company with 林悦 and 陈帆, for all tests of one database: each gets a library of its own."""
    url, name = "", f"contract_{uuid.uuid4().hex}"
    if request.param == "postgresql":
        postgres = request.getfixturevalue("postgres")
        postgres.execute(f"CREATE DATABASE {name}")
        url = postgres.url(name)
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("contract"), secret_key="tests only", rate_limit="100000 per minute", database_url=url,
        s3_endpoint=weed.endpoint, s3_access_key=weed.access_key, s3_secret_key=weed.secret_key, s3_bucket=weed.bucket,
    )  # fmt: skip
    made = composition.make_parts(settings)
    Base.metadata.create_all(made.get(Database).engine)
    seed_company(made.get(Database), made)
    with work(made) as opened:
        department, site = opened.session.query(Department).first(), opened.session.query(Site).first()
        add_member(opened, login="chenfan", name="陈帆", title="", password_hash="", department=department, site=site)
    yield made
    made.stop()
    made.get(Database).dispose()


@pytest.fixture(scope="module")
def api(parts: Parts) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, composition.create_app(parts.get(Settings), parts), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def work(parts: Parts) -> AbstractContextManager[Work]:
    return open_work(parts.get(Database), parts=parts)


class TestRealLibrary(LibraryContract):
    @pytest.fixture
    def subject(self, parts: Parts, api: str) -> Subject:
        with work(parts) as opened:
            members = [member_named(opened, name).id for name in ("林悦", "陈帆")]
            group = make_group(opened, name="合同", kind="free", member_ids=members)
            library = open_library(opened, name="合同素材", scope_room=None, group_id=group.id)

        def code_for(name: str) -> str:
            with work(parts) as opened:
                return issue_code(opened, member_id=member_named(opened, name).id, kind="pc", name="test")

        def grant(folder: str, name: str, right: Right | None) -> None:
            with work(parts) as opened:
                grant_member(opened, folder, name, Level[right.name] if right is not None else None)

        return Subject(api, library.id, code_for, grant)
