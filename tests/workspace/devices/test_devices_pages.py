"""A member's own devices in the browser: adding a computer or a network folder, and stopping them."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from tests.house import Person
from workspace.devices.access import actor_by_device_token, actor_by_folder_password
from workspace.devices.actions import enrol_device

SignedIn = Callable[[str], Person]
Opens = Callable[..., Any]


def seed_in(page: str) -> dict[str, str]:
    found = re.search(r"<pre class=\"secret\"[^>]*>(\{.*?\})</pre>", page, re.DOTALL)
    assert found
    return dict(json.loads(found[1].replace("&#34;", '"')))


def facts_in(page: str) -> list[str]:
    return re.findall(r"<dd><code>(.*?)</code></dd>", page)


def test_computer_when_added_then_its_code_enrols_it_and_it_is_listed(signed_in: SignedIn, work_as: Opens) -> None:
    person = signed_in("suhang")
    page = person.post("/devices/computers", {"name": " 家里的  电脑 "}).get_data(as_text=True)
    seed = seed_in(page)
    assert seed["device_name"] == "家里的 电脑"
    with work_as("苏航", now=datetime.now(UTC)) as work:
        enrolment = enrol_device(work, seed["code"], nonce="n")
        assert enrolment.device.kind == "pc"
    listed = person.get("/devices").get_data(as_text=True)
    assert "家里的 电脑" in listed
    assert seed["code"] not in listed


def test_folder_when_added_then_its_password_is_for_folders_alone(signed_in: SignedIn, work_as: Opens) -> None:
    page = signed_in("suhang").post("/devices/folders", {"name": "会议室"}).get_data(as_text=True)
    address, login, password = facts_in(page)
    assert address.endswith("/dav/")
    with work_as("苏航") as work:
        actor = actor_by_folder_password(work, login, password)
        assert actor is not None
        assert actor.name == "苏航"
        assert actor.device_id
        assert actor_by_folder_password(work, "chenmo", password) is None
        assert actor_by_device_token(work, password) is None


def test_folder_password_when_it_asks_for_anything_else_then_a_visitor(app: Flask, signed_in: SignedIn) -> None:
    page = signed_in("suhang").post("/devices/folders", {"name": "会议室"}).get_data(as_text=True)
    _address, login, password = facts_in(page)
    client = app.test_client()
    for url in ("/api/notices", "/api/agent/libraries"):
        assert client.get(url, auth=(login, password)).status_code == 401, url


def test_device_when_revoked_then_stopped_and_told(signed_in: SignedIn, work_as: Opens) -> None:
    person = signed_in("suhang")
    _address, login, password = facts_in(person.post("/devices/folders", {"name": "会议室"}).get_data(as_text=True))
    with work_as("苏航") as work:
        device_id = actor_by_folder_password(work, login, password).device_id
    assert signed_in("chenmo").post(f"/devices/{device_id}/revocation", {}).status_code == 404
    assert person.post(f"/devices/{device_id}/revocation", {}).status_code == 303
    assert person.post(f"/devices/{device_id}/revocation", {}).status_code == 404
    with work_as("苏航") as work:
        assert actor_by_folder_password(work, login, password) is None


@pytest.mark.parametrize("name", ["", "  ", "x" * 61])
def test_device_when_its_name_does_not_fit_then_a_sentence(signed_in: SignedIn, name: str) -> None:
    for url in ("/devices/computers", "/devices/folders"):
        assert signed_in("suhang").post(url, {"name": name}).status_code == 422
