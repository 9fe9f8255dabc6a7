"""What people and programs do to the numbers of a main line: define metrics, say what is wanted and what is, bring stock.

Whatever brings numbers, a file, a program or a hand, ends in ``take_numbers`` or ``take_stock``: one transaction in which all of it is
kept, the former values stand beside it, and the alerts of the line are made to agree.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, select, update

from main_lines.alerts.actions import clear_by_rule, raise_by_rule, replace_by_rule
from main_lines.alerts.rules import AlertRule
from main_lines.lines.access import company_today, get_line, get_line_as_director, is_director
from main_lines.lines.models import MainLine
from main_lines.numbers.access import StockRow, company_zone, current_figures, current_stock, get_metric, metrics_of, places_of
from main_lines.numbers.models import Metric, MetricValue, NumberEvent, NumberSource, StockCount
from main_lines.numbers.queries import metric_rows, short_stock
from main_lines.numbers.reading import METRICS_MAX, Entry, Item, Wanted
from main_lines.numbers.rules import Aim, Better, Call, Replaced, Supply, Verdict, replaces, stock_call
from main_lines.numbers.words import AIMS, BETTERS, METRIC_FIELDS, amount_kept, exact
from main_lines.seen import others, refuse_unseen
from workspace.db import insert_into, new_id
from workspace.errors import Conflict, InvalidInput, NotAllowed
from workspace.events.kinds import N_
from workspace.i18n import _, source
from workspace.phrases import Phrase, phrase
from workspace.work import Work

IDS_AT_ONCE = 500
STOCK_SUBJECT = "stock"
NAMED_IN_ALERT = 8
_ADD_VALUES, _ADD_COUNTS = insert_into(MetricValue), insert_into(StockCount)


@dataclass(frozen=True)
class MetricDraft:
    """How a metric is to be. See Metric; start, end: days, kept as offsets from D-day so that they move with it."""

    name: str
    unit: str
    better: Better
    adds: bool
    start: date
    end: date
    alert_below: int | None = None


@dataclass(frozen=True)
class Origin:
    """Where numbers come from. See NumberSource."""

    kind: str
    at: datetime
    name: str = ""
    digest: str | None = None


@dataclass(frozen=True)
class Taken:
    """count: numbers that came; changed: those that say something else than before; older: those that do not count, being older."""

    count: int
    changed: int
    older: int


# --- metrics ----------------------------------------------------------------------------------------------------------


def define_metric(work: Work, line_id: str, draft: MetricDraft) -> Metric:
    """Director only. Conflict when there is one of this name."""
    line = get_line_as_director(work, line_id)
    return _define(work, line, draft, metrics_of(work, line.id, archived=True))


def change_metric(work: Work, metric_id: str, draft: MetricDraft, *, seen: str = "") -> Metric:
    """Director only. What was said of it stays; alerts agree with its new rule at once. seen: its mark when it was read."""
    metric = get_metric(work, metric_id, as_director=True)
    line = work.session.get_one(MainLine, metric.line_id)
    now = {name: getattr(metric, name) for name in METRIC_FIELDS}
    theirs = [(METRIC_FIELDS[name], _metric_said(line, name, now[name])) for name in others(now, _columns(line, draft))]
    refuse_unseen(seen, metric.mark, theirs)
    _check_free(draft.name, [other for other in metrics_of(work, line.id, archived=True) if other.id != metric.id])
    for name, value in _columns(line, draft).items():
        setattr(metric, name, value)
    metric.archived_at = None
    work.session.flush()
    _record(work, NumberEvent.CHANGED, line, metric=metric.name, metric_id=metric.id)
    watch_sales(work, line, [metric.id])
    return metric


def archive_metric(work: Work, metric_id: str) -> Metric:
    """Director only. It is no longer shown or watched; its numbers stay, and saving it again brings it back."""
    metric = get_metric(work, metric_id, as_director=True)
    if metric.archived_at is not None:
        raise Conflict(_("指标已经收起"))
    metric.archived_at = work.now
    line = work.session.get_one(MainLine, metric.line_id)
    _record(work, NumberEvent.ARCHIVED, line, metric=metric.name, metric_id=metric.id)
    clear_by_rule(work, line.id, AlertRule.SALES, _subject(metric.id))
    return metric


def _define(work: Work, line: MainLine, draft: MetricDraft, others: Sequence[Metric]) -> Metric:
    _check_free(draft.name, others)
    if sum(other.archived_at is None for other in others) >= METRICS_MAX:
        raise Conflict(_("一条主线最多 %(n)s 个指标。", n=METRICS_MAX))
    metric = Metric(id=new_id(), line_id=line.id, defined_at=work.now, defined_by_id=work.actor.member_id, **_columns(line, draft))
    work.session.add(metric)
    work.session.flush()
    _record(work, NumberEvent.DEFINED, line, metric=metric.name, metric_id=metric.id)
    return metric


def _check_free(name: str, others: Iterable[Metric]) -> None:
    for other in others:
        if other.name.casefold() == name.casefold():
            said = _("已有这个指标，它被收起了：打开它并保存即可恢复。") if other.archived_at else _("已有这个指标，请换一个名称。")
            raise InvalidInput(_("名称重复"), said, fields={"name": said})


def _columns(line: MainLine, draft: MetricDraft) -> dict[str, Any]:
    if draft.start > draft.end:
        said = _("结束日不能早于开始日")
        raise InvalidInput(_("有内容需要修改"), said, fields={"end": said})
    return {
        "name": draft.name, "unit": draft.unit, "better": draft.better.value, "adds": draft.adds, "alert_below": draft.alert_below,
        "start_offset": (draft.start - line.d_day).days, "end_offset": (draft.end - line.d_day).days,
    }  # fmt: skip


def _metric_said(line: MainLine, name: str, value: Any) -> str:
    """A part of how a metric is defined, in words."""
    match name:
        case "better":
            return str(BETTERS[Better(value)])
        case "adds":
            return _("各日、各地相加（销售额、订单数）") if value else _("只看最新一个（转化率、退货率）")
        case "start_offset" | "end_offset":
            return (line.d_day + timedelta(days=value)).isoformat()
        case "alert_below":
            return {None: _("按主线的预警规则"), 0: _("不预警")}.get(value) or f"{value}%"
    return str(value) or "—"


def usual_time(d_day: date, today: date) -> tuple[date, date]:
    """First and last day of a metric's time where nobody says: until D-day, and after it for ten days more."""
    return (min(today, d_day), d_day) if today <= d_day else (d_day, max(today, date.fromordinal(d_day.toordinal() + 10)))


# --- numbers ----------------------------------------------------------------------------------------------------------


def note_value(work: Work, metric_id: str, *, aim: Aim, value: Decimal, day: date | None = None, scope: str = "") -> Taken:
    """Typed by hand, as of now. Targets are the director's; any member may say what is."""
    metric = get_metric(work, metric_id)
    line = get_line(work, metric.line_id, lock=True)
    if aim is Aim.TARGET and not is_director(work, line.id):
        raise NotAllowed(_("只有主线负责人可以设定目标"), _("请联系主线负责人。"))
    if scope and scope not in places_of(work).names():
        raise InvalidInput(_("没有找到这个地点"), fields={"scope": _("请重新选择")})
    if aim is Aim.ACTUAL and day is not None and day > company_today(work):
        raise InvalidInput(_("这一天还没有到"), fields={"day": _("这一天还没有到")})
    origin = _source(work, line, Origin("typed", work.now), "numbers", 1)
    entry = Entry(metric.name, aim, value, work.now.replace(microsecond=0), day, scope)
    taken = _keep(work, [(metric.id, entry)], origin)
    facts = {"metric": metric.name, "metric_id": metric.id, "aim_words": source(AIMS[aim]), "value": f"{exact(value)}{metric.unit}"}
    _record(work, NumberEvent.NOTED, line, **facts, changed=taken.changed)
    watch_sales(work, line, [metric.id])
    return taken


def take_numbers(work: Work, line: MainLine, entries: Sequence[Entry], origin: Origin, *, define: Iterable[Wanted] = ()) -> Taken:
    """All of a file or message. The line is held, and the caller has read every entry without a problem."""
    start, end = usual_time(line.d_day, company_today(work))
    known = metrics_of(work, line.id, archived=True)
    for wanted in define:
        draft = MetricDraft(wanted.name, wanted.unit, Better.HIGHER, wanted.unit != "%", start, end)
        known.append(_define(work, line, draft, known))
    ids = {metric.name.casefold(): metric.id for metric in known}
    row = _source(work, line, origin, "numbers", len(entries))
    taken = _keep(work, [(ids[entry.metric.casefold()], entry) for entry in entries], row)
    kind = NumberEvent.RECEIVED if origin.kind == "api" else NumberEvent.IMPORTED
    _record(work, kind, line, name=origin.name, count=taken.count, changed=taken.changed, source_id=row.id)
    watch_sales(work, line, sorted({ids[entry.metric.casefold()] for entry in entries}))
    return taken


def _keep(work: Work, entries: Sequence[tuple[str, Entry]], row: NumberSource) -> Taken:
    """Write what is new beside what was said before; what is said again is dated again."""
    ids = {metric_id for metric_id, _entry in entries}
    current = {(one.metric_id, one.aim, one.day, one.scope): one for one in current_figures(work, ids)}
    rows: list[dict[str, Any]] = []
    over: list[str] = []
    again: list[dict[str, Any]] = []
    done = dict.fromkeys(Replaced, 0)
    for metric_id, entry in entries:
        before = current.get((metric_id, entry.aim.value, entry.day, entry.scope))
        outcome = replaces((before.value, before.at) if before else None, entry.value, entry.at)
        done[outcome] += 1
        if before is not None and outcome is Replaced.SAME:
            again.append({"known": before.id, "said": entry.at, "by": row.id})
            continue
        if before is not None and outcome is Replaced.CHANGED:
            over.append(before.id)
        rows.append({
            "id": new_id(), "metric_id": metric_id, "source_id": row.id, "aim": entry.aim.value, "day": entry.day, "scope": entry.scope,
            "value": entry.value, "former": before.value if before and outcome is Replaced.CHANGED else None, "since": entry.at,
            "at": entry.at, "current": outcome is not Replaced.OLDER,
        })  # fmt: skip
    _retire(work, MetricValue, over)
    work.write(_ADD_VALUES, rows)
    _date_again(work, MetricValue, again)
    row.changed = done[Replaced.CHANGED]
    return Taken(len(entries), done[Replaced.CHANGED], done[Replaced.OLDER])


def _retire(work: Work, model: type[MetricValue] | type[StockCount], ids: Sequence[str]) -> None:
    for start in range(0, len(ids), IDS_AT_ONCE):
        statement = update(model).where(model.id.in_(ids[start : start + IDS_AT_ONCE])).values(current=False)
        work.session.execute(statement, execution_options={"synchronize_session": False})


def _date_again(work: Work, model: type[MetricValue] | type[StockCount], said: Sequence[dict[str, Any]]) -> None:
    if said:
        statement = update(model.__table__).where(model.__table__.c.id == bindparam("known"))  # type: ignore[arg-type]
        work.session.connection().execute(statement.values(at=bindparam("said"), source_id=bindparam("by")), list(said))


def _source(work: Work, line: MainLine, origin: Origin, what: str, count: int) -> NumberSource:
    """Conflict, with who and when, for a file that has been imported already: the same one changes nothing."""
    if origin.digest is not None and (earlier := same_file(work, line.id, what, origin.digest)) is not None:
        raise Conflict(_("这个文件已经导入过"), _("同一个文件不会再改变任何数。要更正，请修改文件后再导入。"), source_id=earlier.id)
    row = NumberSource(
        id=new_id(), line_id=line.id, what=what, kind=origin.kind, name=origin.name, digest=origin.digest, by_id=work.actor.member_id,
        at=origin.at, noted_at=work.now, count=count,
    )  # fmt: skip
    work.session.add(row)
    work.session.flush()
    return row


def same_file(work: Work, line_id: str, what: str, digest: str) -> NumberSource | None:
    """The import of exactly this file into the line, if there was one."""
    query = select(NumberSource).where(NumberSource.line_id == line_id, NumberSource.what == what, NumberSource.digest == digest)
    return work.session.scalar(query)


def watch_sales(work: Work, line: MainLine, metric_ids: Sequence[str]) -> None:
    """Let the alerts of these metrics agree with how they stand now."""
    metrics = [metric for metric in metrics_of(work, line.id) if metric.id in metric_ids]
    for row in metric_rows(work, line, metrics):
        stands = row.standing
        if stands.verdict is not Verdict.OFF or stands.stale:
            if not stands.stale:
                clear_by_rule(work, line.id, AlertRule.SALES, _subject(row.id))
            continue
        text = N_("%(name)s落后于进度：实际 %(actual)s，到此时应达 %(due)s")
        if row.better is Better.LOWER:
            text = N_("%(name)s超出进度：实际 %(actual)s，到此时应不超过 %(due)s")
        title = phrase(text, name=row.name, actual=amount_kept(stands.actual, row.unit), due=amount_kept(stands.expected, row.unit))
        at = stands.at.astimezone(company_zone(work)).strftime("%m-%d %H:%M") if stands.at else ""
        target = amount_kept(stands.target, row.unit)
        detail = phrase(N_("为进度的 %(pace)s%%，目标 %(target)s，数据截至 %(at)s。"), pace=stands.pace, target=target, at=at)
        raise_by_rule(work, line.id, AlertRule.SALES, _subject(row.id), title, detail)


def _subject(metric_id: str) -> str:
    return f"metric:{metric_id}"


# --- stock ------------------------------------------------------------------------------------------------------------


def take_stock(work: Work, line: MainLine, items: Sequence[Item], origin: Origin) -> Taken:
    """All of a file or message; what it does not name stays as it is. The line is held."""
    row = _source(work, line, origin, "stock", len(items))
    before = current_stock(work, line.id)
    current: dict[tuple[str, str], list[StockRow]] = defaultdict(list)
    for one in before:
        current[one.key].append(one)
    rows: list[dict[str, Any]] = []
    over: list[str] = []
    again: list[dict[str, Any]] = []
    changed = older = 0
    for item in items:
        known = max(current[item.key], key=lambda one: (one.at, one.id), default=None)
        # An older file may have called one store in two ways: of these counts the newest stays.
        over += [one.id for one in current[item.key] if one is not known]
        outcome = replaces((known.quantity, known.at) if known else None, item.quantity, item.at)
        older += outcome is Replaced.OLDER
        changed += outcome is Replaced.CHANGED
        if known is not None and outcome is Replaced.SAME and item.safety in (None, known.safety) and item.name in ("", known.name):
            again.append({"known": known.id, "said": item.at, "by": row.id})
            continue
        if known is not None and outcome is not Replaced.OLDER:
            over.append(known.id)
        rows.append({
            "id": new_id(), "line_id": line.id, "source_id": row.id, "sku": item.sku, "name": item.name or (known.name if known else ""),
            "place": item.place, "site_id": item.scope.removeprefix("store:") or None, "quantity": item.quantity,
            "safety": item.safety if item.safety is not None or not known else known.safety,
            "former": known.quantity if known and outcome is Replaced.CHANGED else None, "at": item.at,
            "current": outcome is not Replaced.OLDER,
        })  # fmt: skip
    _retire(work, StockCount, over)
    work.write(_ADD_COUNTS, rows)
    _date_again(work, StockCount, again)
    row.changed = changed
    was, now = short_stock(before), short_stock(current_stock(work, line.id))
    counts = {supply: sum(one is supply for one in now.values()) for supply in (Supply.OUT, Supply.LOW)}
    kind = NumberEvent.STOCK_RECEIVED if origin.kind == "api" else NumberEvent.STOCK_IMPORTED
    _record(work, kind, line, name=origin.name, count=len(items), out=counts[Supply.OUT], low=counts[Supply.LOW], source_id=row.id)
    _call_about_stock(work, line, was, now)
    return Taken(len(items), changed, older)


def _call_about_stock(work: Work, line: MainLine, was: dict[str, Supply], now: dict[str, Supply]) -> None:
    """One alert for all of it, raised anew when something got worse, cleared when everything is there again."""
    match stock_call(was.items(), now.items()):
        case Call.CLEAR:
            clear_by_rule(work, line.id, AlertRule.OUT_OF_STOCK, STOCK_SUBJECT)
        case Call.RAISE:
            replace_by_rule(work, line.id, AlertRule.OUT_OF_STOCK, STOCK_SUBJECT, *_stock_alert(work, line, was, now))


def _stock_alert(work: Work, line: MainLine, was: dict[str, Supply], now: dict[str, Supply]) -> tuple[Phrase, Phrase]:
    """What is new first, what is out before what is low: the one line that a director reads aloud."""
    out, low = (sum(one is supply for one in now.values()) for supply in (Supply.OUT, Supply.LOW))
    parts = [phrase(N_("%(n)s 个缺货"), n=out)] if out else []
    parts += [phrase(N_("%(n)s 个低于安全库存"), n=low)] if low else []
    title = phrase(N_("库存预警：%(parts)s"), parts=parts)
    rows = {"\n".join(row.key): row for row in current_stock(work, line.id)}
    order = sorted(now, key=lambda key: (key in was and was[key] is now[key], now[key] is not Supply.OUT, rows[key].quantity, key))
    named = [_stock_words(rows[key]) for key in order[:NAMED_IN_ALERT]]
    if len(order) > NAMED_IN_ALERT:
        return title, phrase(N_("%(named)s…等 %(n)s 个 SKU"), named=named, n=len(order))
    return title, phrase("%(named)s", named=named)


def _stock_words(row: Any) -> Phrase:
    what = " ".join(part for part in (row.sku, row.name) if part)
    where = f"{what} · {row.place}" if row.place else what
    if row.safety is None:
        return phrase(N_("%(where)s 剩 %(left)s"), where=where, left=exact(row.quantity))
    return phrase(N_("%(where)s 剩 %(left)s（安全 %(safety)s）"), where=where, left=exact(row.quantity), safety=exact(row.safety))


def _record(work: Work, kind: NumberEvent, line: MainLine, **facts: Any) -> None:
    work.record(kind, subject=line.room, rooms=[line.room], line=line.name, line_id=line.id, **facts)
