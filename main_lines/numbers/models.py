"""Metrics of a main line, their targets and actuals, its stock, where each number came from, and the passes by which programs send them.

Numbers are never overwritten: a later one stands beside the former, and ``current`` says which counts.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from main_lines.numbers.rules import PLACES, Aim, Better
from main_lines.seen import mark_of
from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind

NAME_LENGTH = 30
UNIT_LENGTH = 10
SOURCE_LENGTH = 120
SKU_LENGTH = 60
PLACE_LENGTH = 60


class Amount(TypeDecorator[Decimal]):
    """A decimal of four places, kept as a whole number of ten-thousandths: exact, and added up by any database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Any) -> int | None:
        return None if value is None else int(value / PLACES)

    def process_result_value(self, value: int | None, dialect: Any) -> Decimal | None:
        return None if value is None else value * PLACES


class Metric(Base):
    """adds: values of days and places add up; else each stands for itself. start_offset, end_offset: days from D-day, the first and
    last of the time for which its target is set. alert_below: percent of what is expected by now under which everybody is told; 0
    never, None as the line's own rule says. archived_at: None while it is shown.
    """

    __tablename__ = "line_metric"
    __table_args__ = (
        CheckConstraint(f"better IN ({', '.join(repr(one.value) for one in Better)})", name="better"),
        CheckConstraint("start_offset <= end_offset", name="time"),
        CheckConstraint("alert_below BETWEEN 0 AND 100", name="alert_below"),
        UniqueConstraint("line_id", "name"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    line_id: Mapped[str] = mapped_column(Id, ForeignKey("main_line.id"))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    unit: Mapped[str] = mapped_column(String(UNIT_LENGTH), default="")
    better: Mapped[str] = mapped_column(String(10), default=Better.HIGHER.value)
    adds: Mapped[bool] = mapped_column(default=True)
    start_offset: Mapped[int] = mapped_column(Integer)
    end_offset: Mapped[int] = mapped_column(Integer)
    alert_below: Mapped[int | None] = mapped_column(Integer)
    defined_at: Mapped[datetime]
    defined_by_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"))
    archived_at: Mapped[datetime | None]

    @property
    def mark(self) -> str:
        """Another one whenever how it is defined changes."""
        return mark_of([self.name, self.unit, self.better, self.adds, self.start_offset, self.end_offset, self.alert_below])


class NumberSource(Base):
    """Where numbers came from, once for each file, message or hand. what: numbers or stock.

    name: of the file or the pass; empty when typed. digest: SHA-256 of a file, so that the same one changes nothing; None otherwise.
    at: as of when it says its numbers are; noted_at: when they came.
    """

    __tablename__ = "number_source"
    __table_args__ = (
        CheckConstraint("kind IN ('xlsx', 'csv', 'api', 'typed')", name="kind"),
        CheckConstraint("what IN ('numbers', 'stock')", name="what"),
        UniqueConstraint("line_id", "what", "digest"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    line_id: Mapped[str] = mapped_column(Id, ForeignKey("main_line.id"))
    what: Mapped[str] = mapped_column(String(10))
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(SOURCE_LENGTH), default="")
    digest: Mapped[str | None] = mapped_column(String(64))
    by_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"))
    at: Mapped[datetime]
    noted_at: Mapped[datetime]
    count: Mapped[int] = mapped_column(Integer)
    changed: Mapped[int] = mapped_column(Integer, default=0)


class MetricValue(Base):
    """day: None for the whole time so far. scope: empty for the whole line, else "city:ID", "store:ID", "department:ID".

    since: as of when it was first said; at: as of when it was last said again, by this source. former: the other value that it replaced.
    """

    __tablename__ = "metric_value"
    __table_args__ = (
        CheckConstraint(f"aim IN ({', '.join(repr(one.value) for one in Aim)})", name="aim"),
        Index("ix_metric_value_metric_current", "metric_id", "current"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    metric_id: Mapped[str] = mapped_column(Id, ForeignKey("line_metric.id"))
    source_id: Mapped[str] = mapped_column(Id, ForeignKey("number_source.id"))
    aim: Mapped[str] = mapped_column(String(10))
    day: Mapped[date | None] = mapped_column(Date)
    scope: Mapped[str] = mapped_column(String(40), default="")
    value: Mapped[Decimal] = mapped_column(Amount)
    former: Mapped[Decimal | None] = mapped_column(Amount)
    since: Mapped[datetime]
    at: Mapped[datetime]
    current: Mapped[bool]


class StockCount(Base):
    """place: a warehouse or city, as the file calls it, empty where site_id names a store. safety: the quantity below which it is low;
    None when nobody says.
    """

    __tablename__ = "stock_count"
    __table_args__ = (Index("ix_stock_count_line_current", "line_id", "current"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    line_id: Mapped[str] = mapped_column(Id, ForeignKey("main_line.id"))
    source_id: Mapped[str] = mapped_column(Id, ForeignKey("number_source.id"))
    sku: Mapped[str] = mapped_column(String(SKU_LENGTH))
    name: Mapped[str] = mapped_column(String(SOURCE_LENGTH), default="")
    place: Mapped[str] = mapped_column(String(PLACE_LENGTH), default="")
    site_id: Mapped[str | None] = mapped_column(Id, ForeignKey("site.id"))
    quantity: Mapped[Decimal] = mapped_column(Amount)
    safety: Mapped[Decimal | None] = mapped_column(Amount)
    former: Mapped[Decimal | None] = mapped_column(Amount)
    at: Mapped[datetime]
    current: Mapped[bool]


class NumberDraft(Base):
    """A file that somebody has brought and not yet confirmed: its text, cell by cell, read again when they do."""

    __tablename__ = "number_draft"
    __unaudited__ = "what somebody is about to import; the import itself is recorded"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    line_id: Mapped[str] = mapped_column(Id, ForeignKey("main_line.id"), index=True)
    by_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"))
    what: Mapped[str] = mapped_column(String(10))
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(SOURCE_LENGTH))
    digest: Mapped[str] = mapped_column(String(64))
    header: Mapped[list[str]]
    rows: Mapped[list[Any]]
    at: Mapped[datetime]
    made_at: Mapped[datetime]


class NumberPass(Base):
    """What a program shows to send numbers into this line, on behalf of whoever made it and as long as they are in the line.

    digest: SHA-256 of the secret, which is shown once. used_at: None before the first time.
    """

    __tablename__ = "number_pass"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    line_id: Mapped[str] = mapped_column(Id, ForeignKey("main_line.id"), index=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    made_by_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"))
    made_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class NumberEvent(EventKind):
    DEFINED = "main_lines.number.defined", N_("%(actor)s 设定了指标“%(metric)s”")
    CHANGED = "main_lines.number.changed", N_("%(actor)s 修改了指标“%(metric)s”的设定")
    ARCHIVED = "main_lines.number.archived", N_("%(actor)s 收起了指标“%(metric)s”")
    IMPORTED = "main_lines.number.imported", N_("%(actor)s 从“%(name)s”导入 %(count)s 个数值，其中改动 %(changed)s 个")
    RECEIVED = "main_lines.number.received", N_("接口“%(name)s”送来 %(count)s 个数值，其中改动 %(changed)s 个")
    NOTED = "main_lines.number.noted", N_("%(actor)s 填写了“%(metric)s”的%(aim_words)s：%(value)s")
    STOCK_IMPORTED = "main_lines.stock.imported", N_("%(actor)s 从“%(name)s”导入 %(count)s 条库存：缺货 %(out)s，低于安全库存 %(low)s")
    STOCK_RECEIVED = "main_lines.stock.received", N_("接口“%(name)s”送来 %(count)s 条库存：缺货 %(out)s，低于安全库存 %(low)s")
    PASS_MADE = "main_lines.pass.made", N_("%(actor)s 开通了数据接口“%(name)s”")
    PASS_REVOKED = "main_lines.pass.revoked", N_("%(actor)s 停用了数据接口“%(name)s”")
