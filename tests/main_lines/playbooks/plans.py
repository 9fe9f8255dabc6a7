"""Playbooks made up by Hypothesis: sound ones, in which nothing waits for itself and all texts are as they are kept."""

from datetime import date, timedelta

from hypothesis import strategies as st

from main_lines.gates.rules import GateKey
from main_lines.lines.rules import WORK_PHASES
from main_lines.playbooks.rules import Content, Entry, Milestone

D_DAY = date(2027, 11, 11)
DEPARTMENTS = ("运营推广", "设计策划", "客服", "没有这个部门")
WORDS = st.text(st.sampled_from("选品主视觉页面定稿 ab1，。\n"), max_size=12).map(str.strip)


@st.composite
def contents(draw: st.DrawFn, *, least: int = 0) -> Content:
    entries: list[Entry] = []
    for number in range(draw(st.integers(least, 9))):
        offset = draw(st.none() | st.integers(-120, 40))
        on = draw(st.none() | st.integers(-120, 40).map(lambda days: D_DAY + timedelta(days=days))) if offset is None else None
        entries.append(Entry(
            key=f"o{number}", department=draw(st.sampled_from(DEPARTMENTS)), offset=offset, days=draw(st.integers(1, 20)),
            title=draw(WORDS) or f"第 {number} 张", requirements=draw(WORDS), phase=draw(st.sampled_from(WORK_PHASES)),
            needs=tuple(sorted(draw(st.sets(st.sampled_from([entry.key for entry in entries]), max_size=3)))) if entries else (),
            checklist=tuple(item for item in draw(st.lists(WORDS.map(lambda text: text.replace("\n", " ")), max_size=2)) if item), on=on,
            expected=tuple(sorted(draw(st.sets(st.sampled_from(("页面", "表格")))))),
            involved=tuple(sorted(draw(st.sets(st.sampled_from(DEPARTMENTS))))),
        ))  # fmt: skip
    days = st.tuples(st.sampled_from("甲乙丙"), st.integers(-90, 30))
    gates = tuple(
        Milestone("" if name == "甲" else name, offset, GateKey.GO if name == "甲" else None)
        for name, offset in draw(st.lists(days, max_size=3))
    )
    named = draw(st.permutations(DEPARTMENTS))
    return Content(tuple(entries), gates, tuple(named[: draw(st.integers(0, 4))]))


def whole(content: Content) -> Content:
    """With every department named, as it is kept."""
    return Content(content.entries, content.gates, tuple(content.all_departments()))
