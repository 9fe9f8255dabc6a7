"""Uploading in a real browser: files and folders, a line that breaks, a reload, pause and retry."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.pages import OpenPage
from tests.sync.library.conftest import Room
from tests.sync.library.test_uploads import MIB, nodes, noise

pytestmark = pytest.mark.browser

DROP = """([files]) => {
    const transfer = new DataTransfer();
    for (const [name, text] of files) transfer.items.add(new File([text], name));
    const target = document.querySelector('[data-drop]');
    for (const type of ['dragenter', 'dragover', 'drop'])
        target.dispatchEvent(new DragEvent(type, {bubbles: true, cancelable: true, dataTransfer: transfer}));
}"""


@pytest.fixture
def folder(room: Room, open_page: OpenPage) -> Page:
    page = open_page(f"/library/{room.id}", "suhang")
    page.wait_for_selector("#uploads[data-ready]", state="attached")
    return page


def test_files_when_dropped_then_saved_with_their_note(room: Room, folder: Page) -> None:
    folder.locator(".uploads-note summary").click()
    folder.fill("#upload-note", "按林悦的意见改了标题")
    folder.evaluate(DROP, [[["a.txt", "one"], ["b.txt", "two"], [".DS_Store", "x"]]])
    expect(folder.locator("#toasts")).to_contain_text("已上传 2 个文件")
    expect(folder.locator("[data-drop]")).to_contain_text("b.txt")
    assert set(nodes(room)) >= {"a.txt", "b.txt"}
    assert ".DS_Store" not in nodes(room)


def test_folder_when_chosen_then_its_tree_is_made(room: Room, folder: Page, tmp_path: Path) -> None:
    deep = tmp_path / "素材包" / "图"
    deep.mkdir(parents=True)
    for number in range(5):
        (deep / f"{number}.txt").write_text(f"file {number}")
    folder.set_input_files("#upload-folder", tmp_path / "素材包")
    expect(folder.locator("#toasts")).to_contain_text("已上传 5 个文件")
    found = nodes(room)
    assert [found[f"{number}.txt"].parent == found["图"].id for number in range(5)] == [True] * 5
    assert found["图"].parent == found["素材包"].id


def test_name_when_refused_then_the_reason_stands_beside_it(room: Room, folder: Page) -> None:
    folder.evaluate(DROP, [[["CON.txt", "one"], ["b.txt", "two"]]])
    expect(folder.locator("#uploads-rows .is-failed")).to_contain_text("这个名称被 Windows 保留")
    expect(folder.locator("#toasts")).to_contain_text("已上传 1 个文件")
    folder.click('[data-all="close"]')
    expect(folder.locator("#uploads")).to_be_hidden()


def test_line_when_it_breaks_then_goes_on_where_it_was(room: Room, folder: Page, tmp_path: Path) -> None:
    data = noise(20 * MIB)
    (tmp_path / "大图.psd").write_bytes(data)
    sent: list[str] = []

    def cut(route: Route) -> None:
        sent.append(route.request.method)
        if route.request.method == "PATCH" and sent.count("PATCH") < 3:
            route.abort("connectionreset")
        else:
            route.fallback()

    folder.route("**/library/uploads/*", cut)
    folder.set_input_files("#upload-files", tmp_path / "大图.psd")
    expect(folder.locator("#toasts")).to_contain_text("已上传 1 个文件", timeout=60_000)
    assert sent.count("HEAD") >= 2
    assert sent[-1] == "PATCH"
    assert (nodes(room)["大图.psd"].size_bytes, nodes(room)["大图.psd"].version) == (len(data), 1)


def test_reload_when_half_done_then_the_same_file_goes_on(room: Room, folder: Page, tmp_path: Path) -> None:
    (tmp_path / "大图.psd").write_bytes(noise(20 * MIB))
    folder.route("**/library/uploads/*", lambda route: route.abort("connectionreset"))
    folder.set_input_files("#upload-files", tmp_path / "大图.psd")
    expect(folder.locator("#uploads-rows .uploads-state")).to_contain_text("等待网络")
    folder.unroute("**/library/uploads/*")
    folder.on("dialog", lambda dialog: dialog.accept())
    folder.reload()
    expect(folder.locator("#uploads-left")).to_contain_text("上次还有“大图.psd”没有传完（80%）")
    made: list[Any] = []
    folder.on("request", lambda request: made.append(request) if request.method == "POST" else None)
    folder.set_input_files("#upload-files", tmp_path / "大图.psd")
    expect(folder.locator("#toasts")).to_contain_text("已上传 1 个文件")
    assert [request.url for request in made if request.url.endswith("/uploads")] == []
    assert nodes(room)["大图.psd"].size_bytes == 20 * MIB


def test_upload_when_paused_then_waits_and_resumed_then_done(room: Room, folder: Page, tmp_path: Path) -> None:
    (tmp_path / "大图.psd").write_bytes(noise(20 * MIB))
    held: list[Route] = []
    folder.route("**/library/uploads/*", lambda route: held.append(route) if route.request.method == "PATCH" else route.fallback())
    folder.set_input_files("#upload-files", tmp_path / "大图.psd")
    folder.get_by_role("button", name="全部暂停").click()
    expect(folder.locator(".uploads-state")).to_have_text("已暂停")
    folder.get_by_role("button", name="全部继续").click()
    folder.get_by_role("button", name="暂停“大图.psd”").click()
    expect(folder.locator(".uploads-state")).to_have_text("已暂停")
    folder.unroute("**/library/uploads/*")
    folder.get_by_role("button", name="继续“大图.psd”").click()
    expect(folder.locator("#toasts")).to_contain_text("已上传 1 个文件")


def test_tray_when_seen_on_a_phone_then_inside_its_width(room: Room, open_page: OpenPage) -> None:
    page = open_page(f"/library/{room.id}", "suhang", width=390)
    page.wait_for_selector("#uploads[data-ready]", state="attached")
    page.evaluate(DROP, [[["CON." + "很长的名字" * 12 + ".txt", "one"]]])
    expect(page.locator("#uploads-rows .is-failed")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_form_when_without_script_then_still_uploads(room: Room, open_page: OpenPage, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    page = open_page(f"/library/{room.id}", "suhang", script=False)
    page.set_input_files("#upload-files", tmp_path / "a.txt")
    with page.expect_navigation():
        page.get_by_role("button", name="开始上传").click()
    assert "a.txt" in nodes(room)
    assert page.locator("#upload-folder").count() == 1
    assert not page.locator('label[for="upload-folder"]').is_visible()


def test_folder_when_dropped_then_its_empty_folders_are_kept(room: Room, folder: Page) -> None:
    folder.evaluate(
        """() => {
            const file = {isFile: true, name: 'a.txt', file: done => done(new File(['one'], 'a.txt'))};
            const reader = list => ({readEntries: done => done(list.splice(0))});
            const dir = (name, inside) => ({isFile: false, name, createReader: () => reader([...inside])});
            const top = dir('拍摄', [dir('空的', []), file]);
            const event = new Event('drop', {bubbles: true, cancelable: true});
            event.dataTransfer = {types: ['Files'], items: [{webkitGetAsEntry: () => top}], files: []};
            document.querySelector('[data-drop]').dispatchEvent(event);
        }"""
    )
    expect(folder.locator("#toasts")).to_contain_text("已上传 1 个文件")
    assert set(nodes(room)) >= {"拍摄", "空的", "a.txt"}
