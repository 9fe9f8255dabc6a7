"""A program that speaks to a network folder, for tests."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from sync.library.assets.models import Node, Version
from tests.house import Person

SignedIn = Callable[[str], Person]
Opens = Callable[..., Any]
TOP = "/dav/主视觉素材"


@dataclass
class Program:
    """A program that opened the network folder with somebody's password."""

    client: FlaskClient
    login: str
    password: str

    def send(self, method: str, path: str, data: bytes | str = b"", **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.open(path, method=method, data=data, auth=(self.login, self.password), headers=named)

    def names(self, path: str) -> list[str]:
        answer = self.send("PROPFIND", path, Depth="1")
        assert answer.status_code == 207, answer.get_data(as_text=True)
        return re.findall(r"<[\w:]*displayname>([^<]*)</", answer.get_data(as_text=True))[1:]

    def lock(self, path: str) -> str:
        body = (
            '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype>'
            "<D:owner>Word</D:owner></D:lockinfo>"
        )
        answer = self.send("LOCK", path, body, Depth="0", Timeout="Second-600", Content_Type="application/xml")
        assert answer.status_code in (200, 201), answer.get_data(as_text=True)
        return answer.headers["Lock-Token"]


def versions(work_as: Opens, name: str) -> list[tuple[int, str, int]]:
    with work_as("苏航") as work:
        query = select(Version.number, Version.author_name, Version.size_bytes).join(Node, Node.id == Version.node_id)
        query = query.where(Node.name == name, Node.deleted_at.is_(None)).order_by(Version.number)
        return [tuple(row) for row in work.session.execute(query)]


def lock_body(scope: str = "exclusive") -> str:
    return (
        f'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:{scope}/></D:lockscope><D:locktype><D:write/></D:locktype>'
        "<D:owner>Word</D:owner></D:lockinfo>"
    )
