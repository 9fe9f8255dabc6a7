"""A store checklist of a main line, and the sheet that each of its stores fills in."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from main_lines.checks.rules import Item, Kind
from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind, make_quiet

TITLE_LENGTH = 120
ITEM_LENGTH = 120
REASON_LENGTH = 500


class StoreCheck(Base):
    """One checklist for n stores. items: [{"key": …, "text": …, "kind": …, "offset": … or null}], never changed once it is out.

    task_id: the task order that it carries out, None for none. department_id: whose people in the stores fill it in.
    scope, scope_ids: see Scope; ids of cities or of stores. due_offset, due_on: exactly one, as in a task order.
    reminded_at: when those who are missing were last reminded; reminded_on: the last day on which that happened by itself.
    """

    __tablename__ = "store_check"
    __table_args__ = (
        CheckConstraint("scope IN ('all', 'cities', 'stores')", name="scope"),
        CheckConstraint("(due_offset IS NULL) <> (due_on IS NULL)", name="one_due"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    line_id: Mapped[str] = mapped_column(Id, ForeignKey("main_line.id"), index=True)
    task_id: Mapped[str | None] = mapped_column(Id, ForeignKey("task_order.id"), index=True)
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH))
    note: Mapped[str] = mapped_column(Text, default="")
    department_id: Mapped[str] = mapped_column(Id, ForeignKey("department.id"))
    items: Mapped[list[Any]]
    scope: Mapped[str] = mapped_column(String(10))
    scope_ids: Mapped[list[str]]
    due_offset: Mapped[int | None] = mapped_column(Integer)
    due_on: Mapped[date | None] = mapped_column(Date)
    made_by_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"))
    made_at: Mapped[datetime]
    reminded_at: Mapped[datetime | None]
    reminded_on: Mapped[date | None] = mapped_column(Date)
    closed_at: Mapped[datetime | None]
    closed_by_id: Mapped[str | None] = mapped_column(Id, ForeignKey("member.id"))
    closed_reason: Mapped[str] = mapped_column(String(REASON_LENGTH), default="")

    @property
    def wanted(self) -> list[Item]:
        return [Item(item["key"], item["text"], Kind(item["kind"]), item["offset"]) for item in self.items]


class StoreSheet(Base):
    """What one store answered. answers: item's key -> {"value": …, "by": member id, "by_name": …, "at": ISO instant, "n": …}.

    value: True, a text, or of a photo {"asset_id": …, "version": …, "name": …, "digest": …}. n: counts the answers to that item.
    done_at, done_by_id: when and by whom the last missing item was answered; None while one is missing.
    """

    __tablename__ = "store_sheet"
    __table_args__ = (UniqueConstraint("check_id", "site_id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    check_id: Mapped[str] = mapped_column(Id, ForeignKey("store_check.id"))
    line_id: Mapped[str] = mapped_column(Id, ForeignKey("main_line.id"), index=True)
    site_id: Mapped[str] = mapped_column(Id, ForeignKey("site.id"))
    answers: Mapped[dict[str, Any]]
    opened_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    done_by_id: Mapped[str | None] = mapped_column(Id, ForeignKey("member.id"))

    @property
    def answered(self) -> set[str]:
        return {key for key, answer in self.answers.items() if answer["value"] is not None}


class CheckEvent(EventKind):
    OPENED = "main_lines.check.opened", N_("%(actor)s 向 %(stores)s 家门店下发了清单“%(title)s”")
    STORES_ADDED = "main_lines.check.stores_added", N_("%(actor)s 将清单“%(title)s”下发到%(stores)s")
    REMINDED = "main_lines.check.reminded", N_("%(actor)s 提醒%(stores)s完成清单“%(title)s”")
    CLOSED = "main_lines.check.closed", N_("%(actor)s 关闭了清单“%(title)s”，完成 %(done)s / %(all)s 家%(because)s")
    REOPENED = "main_lines.check.reopened", N_("%(actor)s 重新打开了清单“%(title)s”，完成 %(done)s / %(all)s 家")
    FILLED = "main_lines.sheet.filled", N_("%(actor)s 填写了%(store)s的“%(item)s”（%(title)s）")
    CLEARED = "main_lines.sheet.cleared", N_("%(actor)s 撤回了%(store)s的“%(item)s”（%(title)s）")
    DONE = "main_lines.sheet.done", N_("%(store)s完成了清单“%(title)s”（%(done)s / %(all)s 家）")


make_quiet(CheckEvent.FILLED, CheckEvent.CLEARED)
