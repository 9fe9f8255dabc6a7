"""Documents are found by what is written in them, by who may see them, under the name that they have now."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from sync.library.previews.drawing import text as drawing
from sync.library.words.models import DocumentWords
from sync.library.words.rules import WORDS_MOST, is_readable
from tests.house import Person
from tests.sync.library.agents import delete, make_folder, rename
from tests.sync.library.conftest import Room

SignedIn = Callable[[str], Person]
Opens = Callable[..., Any]
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def package(**parts: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in parts.items():
            file.writestr(name.replace("__", "/").replace("_xml", ".xml"), text)
    return out.getvalue()


def docx(*paragraphs: str) -> bytes:
    body = "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in paragraphs)
    return package(word__document_xml=f"<w:document {W}><w:body>{body}</w:body></w:document>")


def xlsx(*cells: str) -> bytes:
    return package(xl__sharedStrings_xml="<sst>" + "".join(f"<si><t>{cell}</t></si>" for cell in cells) + "</sst>")


def pdf(text: str) -> bytes:
    content = f"BT /F1 24 Tf 72 700 Td ({text}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content), b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]  # fmt: skip
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    return bytes(out + b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % start)


def found(person: Person, question: str) -> list[str]:
    return [one["title"] for one in person.get("/api/search", query_string={"q": question}).get_json()]


@pytest.mark.parametrize(
    ("name", "content", "question"),
    [
        ("活动方案.docx", docx("预售期满三百减五十", "尾款付清后发货"), "满三百减五十"),
        ("清单.xlsx", xlsx("冲锋衣", "抓绒帽"), "抓绒帽"),
        ("brief.pdf", pdf("Pre-sale starts at midnight"), "midnight"),
        ("说明.txt", "退换货须在七日内提出\n第二行".encode("gb18030"), "七日内提出"),
        ("notes.md", "# 主推色\n雾霾蓝".encode(), "雾霾蓝"),
        ("wide.txt", "宽字符".encode("utf-16"), "宽字符"),
    ],
)
def test_document_when_saved_then_found_by_its_words(
    room: Room, signed_in: SignedIn, run_jobs: Callable[[], int], name: str, content: bytes, question: str
) -> None:
    saved = room.su.save(room.id, room.root, name, content).node
    run_jobs()
    assert found(signed_in("linyue"), question) == [name]
    assert found(signed_in("zhaoning"), question) == []
    if not name.endswith("pdf"):  # Which has a picture.
        assert question in signed_in("linyue").get(f"/library/assets/{saved.id}").get_data(as_text=True)


def test_document_when_renamed_saved_anew_and_deleted_then_the_index_follows(
    room: Room, signed_in: SignedIn, run_jobs: Callable[[], int]
) -> None:
    person = signed_in("suhang")
    node = room.su.save(room.id, room.root, "a.txt", "第一稿写着晨雾".encode()).node
    run_jobs()
    room.su.op(room.id, rename(node.id, room.root, "b.txt"))
    run_jobs()
    assert found(person, "晨雾") == ["b.txt"]
    room.su.save(room.id, room.root, "b.txt", "第二稿写着晚霞".encode(), node=node.id, base=1)
    run_jobs()
    assert (found(person, "晨雾"), found(person, "晚霞")) == ([], ["b.txt"])
    room.su.op(room.id, delete(node.id, 2))
    run_jobs()
    assert found(person, "晚霞") == []


def test_document_when_it_is_hostile_then_a_reason_and_no_words(room: Room, run_jobs: Callable[[], int], work_as: Opens) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><w:document ' + W + "><w:p>&b;</w:p></w:document>"
    huge = package(word__document_xml="<x>" + "<p>a</p>" * 8_000_000 + "</x>")
    outside = f'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><w:document {W}><w:p>&f;</w:p></w:document>'
    hostile = {
        "bomb.docx": package(word__document_xml=bomb), "huge.docx": huge, "outside.docx": package(word__document_xml=outside),
        "broken.docx": docx("x")[:-30], "none.docx": package(other_xml="<x/>"), "binary.txt": bytes(range(256)) * 10,
        "broken.pdf": pdf("x")[:120],
    }  # fmt: skip
    for name, content in hostile.items():
        room.su.save(room.id, room.root, name, content)
    run_jobs()
    with work_as("苏航") as work:
        rows = list(work.session.query(DocumentWords))
        assert [(row.words, row.reason is not None) for row in rows] == [("", True)] * len(hostile)


def test_document_when_it_is_long_then_cut(room: Room, run_jobs: Callable[[], int], work_as: Opens) -> None:
    room.su.save(room.id, room.root, "long.txt", ("一二三四五六七八九十\n" * 20_000).encode())
    run_jobs()
    with work_as("苏航") as work:
        assert 0 < len(work.session.query(DocumentWords).one().words) <= WORDS_MOST


def test_limits_when_stated_twice_then_the_same() -> None:
    """The child that reads knows nothing of the product."""
    assert drawing.WORDS_MOST == WORDS_MOST
    assert is_readable("方案.DOCX", 1000)
    assert not is_readable("kv.png", 1000)
    assert not is_readable("empty.txt", 0)


def test_document_when_its_name_and_its_words_match_then_found_once(room: Room, signed_in: SignedIn, run_jobs: Callable[[], int]) -> None:
    room.su.save(room.id, room.root, "晨雾.txt", "晨雾里的街道".encode())
    run_jobs()
    assert found(signed_in("suhang"), "晨雾") == ["晨雾.txt"]


def test_folder_when_found_then_called_one(room: Room, signed_in: SignedIn, run_jobs: Callable[[], int]) -> None:
    room.su.ops(room.id, make_folder(room.root, "夏季画册"))
    run_jobs()
    assert "文件夹" in signed_in("linyue").get("/search?q=夏季画册").get_data(as_text=True)
