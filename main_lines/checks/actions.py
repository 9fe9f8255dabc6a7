"""What people do to store checklists: send one out, fill in a store's sheet, remind who is missing, close and reopen it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select

from main_lines.checks.access import fills, get_check, get_sheet, keeps, line_of_check
from main_lines.checks.models import REASON_LENGTH, CheckEvent, StoreCheck, StoreSheet
from main_lines.checks.rules import CloseHold, Item, Kind, Misfit, Scope, Value, closing, may_remind, read_value, takes
from main_lines.checks.words import MISFITS
from main_lines.lines.access import get_line, is_director
from main_lines.lines.models import MainLine
from main_lines.tasks.access import get_task, standing_of
from main_lines.tasks.rules import OPEN, UNSIGNED, State
from workspace.db import new_id
from workspace.errors import Conflict, InvalidInput, NotAllowed
from workspace.i18n import _
from workspace.people.access import get_department
from workspace.people.models import Site
from workspace.people.queries import StoreRow, list_stores
from workspace.search.actions import index_document
from workspace.work import Work

STORES_NAMED = 5


@dataclass(frozen=True)
class CheckDraft:
    """What is sent out. items: (text, kind, offset), see Item. due_offset, due_on: exactly one. chosen: ids, as the scope says."""

    title: str
    department_id: str
    items: Sequence[tuple[str, Kind, int | None]]
    scope: Scope
    chosen: Sequence[str] = ()
    note: str = ""
    due_offset: int | None = None
    due_on: date | None = None
    task_id: str | None = None


def open_check(work: Work, line_id: str, draft: CheckDraft) -> StoreCheck:
    """Send a checklist out to its stores, each of which gets a sheet of its own at once.

    The director may, and who works on the signed task order that it carries out. InvalidInput when no store is meant.
    """
    line = get_line(work, line_id)
    _may_open(work, line, draft.task_id)
    get_department(work, draft.department_id)
    stores = _stores_of(work, draft.scope, draft.chosen)
    if not stores:
        raise InvalidInput(_("没有选中任何门店"), _("请选择城市或门店。"), fields={"scope": _("请选择城市或门店")})
    if (draft.due_offset is None) == (draft.due_on is None):
        raise InvalidInput(_("请写明截止日"), fields={"due_offset": _("写 D 日偏移或日期，只写一种")})
    check = StoreCheck(
        id=new_id(), line_id=line.id, task_id=draft.task_id, title=draft.title.strip(), note=draft.note.strip(),
        department_id=draft.department_id, items=_items(draft.items), scope=draft.scope.value, scope_ids=list(draft.chosen),
        due_offset=draft.due_offset, due_on=draft.due_on, made_by_id=work.actor.member_id, made_at=work.now,
    )  # fmt: skip
    work.session.add(check)
    work.session.flush()
    _add_sheets(work, check, stores)
    words = "\n".join([check.note, *(item.text for item in check.wanted)])
    index_document(
        work, subject=f"check:{check.id}", room=line.room, title=check.title, note=line.name, url=f"/checks/{check.id}", words=words
    )
    _record(work, CheckEvent.OPENED, check, stores=len(stores))
    return check


def _may_open(work: Work, line: MainLine, task_id: str | None) -> None:
    if task_id is not None:
        order = get_task(work, task_id)
        if order.line_id != line.id:
            raise InvalidInput(_("只能挂在同一条主线的任务单上"), fields={"task_id": _("只能挂在同一条主线的任务单上")})
        state = State(order.state)
        if state in OPEN - UNSIGNED and standing_of(work, order).works:
            return
    if not is_director(work, line.id):
        raise NotAllowed(_("清单由主线负责人下发"), _("您执行的任务单签发以后，也可以从那张任务单下发清单。"))


def _items(items: Sequence[tuple[str, Kind, int | None]]) -> list[dict[str, Any]]:
    if not items:
        raise InvalidInput(_("清单是空的"), _("请至少写一项。"), fields={"texts": _("请至少写一项")})
    return [
        {"key": str(number), "text": text.strip(), "kind": kind.value, "offset": offset}
        for number, (text, kind, offset) in enumerate(items, 1)
    ]


def _stores_of(work: Work, scope: Scope, chosen: Collection[str]) -> list[StoreRow]:
    return [store for store in list_stores(work) if takes(scope, chosen, store_id=store.id, city_id=store.city_id)]


def add_stores(work: Work, check_id: str, store_ids: Collection[str]) -> list[str]:
    """Send the checklist to further stores; returns the names of those that did not have it. Saying it twice changes nothing.

    Used by who keeps it, and by the reaction to a store that the company has opened.
    """
    check = get_check(work, check_id, lock=True)
    _must_keep(work, check)
    _must_be_open(check)
    new = _without_sheet(work, check, [store for store in list_stores(work) if store.id in store_ids])
    if new:
        _add_sheets(work, check, new)
        _record(work, CheckEvent.STORES_ADDED, check, stores=_named([store.name for store in new]))
    return [store.name for store in new]


def _without_sheet(work: Work, check: StoreCheck, stores: Sequence[StoreRow]) -> list[StoreRow]:
    there = set(work.session.scalars(select(StoreSheet.site_id).where(StoreSheet.check_id == check.id)))
    return [store for store in stores if store.id not in there]


def _add_sheets(work: Work, check: StoreCheck, stores: Sequence[StoreRow]) -> None:
    work.session.add_all(
        StoreSheet(id=new_id(), check_id=check.id, line_id=check.line_id, site_id=store.id, answers={}, opened_at=work.now)
        for store in stores
    )
    work.session.flush()


def fill_item(work: Work, sheet_id: str, key: str, text: str, *, seen: int | None = None) -> StoreSheet:
    """Answer one item by text; an empty text takes the answer back.

    seen: how often the item had been answered when its writer saw it (``n``); Conflict when somebody else has answered it
    otherwise since. None says nothing.
    """
    return fill_items(work, sheet_id, {key: text}, seen={} if seen is None else {key: seen})


def fill_items(work: Work, sheet_id: str, texts: Mapping[str, str], *, seen: Mapping[str, int] | None = None) -> StoreSheet:
    """Answer several items in one go; all of them or none."""
    check, sheet, items = _for_filling(work, sheet_id, texts)
    values = {key: _value(items[key], text) for key, text in texts.items()}
    for key, value in values.items():
        _check_seen(work, sheet, items[key], value, (seen or {}).get(key))
        _answer(work, check, sheet, items[key], value)
    _settle(work, check, sheet)
    return sheet


def attach_photo(work: Work, sheet_id: str, key: str, photo: Mapping[str, Any] | None) -> StoreSheet:
    """Answer an item by a photo that lies in the line's library: asset_id, version, name and digest. None takes it back."""
    check, sheet, items = _for_filling(work, sheet_id, [key])
    if items[key].kind is not Kind.PHOTO:
        raise InvalidInput(_("这一项不是照片"), fields={"photo": _("这一项不是照片")})
    _answer(work, check, sheet, items[key], dict(photo) if photo is not None else None)
    _settle(work, check, sheet)
    return sheet


def _for_filling(work: Work, sheet_id: str, keys: Collection[str]) -> tuple[StoreCheck, StoreSheet, dict[str, Item]]:
    """The sheet, held, with its checklist and items; raises unless the actor may fill in these items now."""
    sheet = get_sheet(work, sheet_id, lock=True)
    check = get_check(work, sheet.check_id)
    if not fills(work, check, work.session.get_one(Site, sheet.site_id)):
        raise NotAllowed(_("这家门店的清单不由您填写"), _("由门店和所在城市的成员填写，负责人可以代填。"))
    _must_be_open(check)
    items = {item.key: item for item in check.wanted}
    if not set(keys) <= set(items):
        raise InvalidInput(_("清单里没有这一项"), _("请刷新后查看最新的清单。"), fields={"key": _("清单里没有这一项")})
    return check, sheet, items


def _value(item: Item, text: str) -> bool | str | None:
    read = read_value(item.kind, text)
    if isinstance(read, Misfit):
        words = str(MISFITS[read])
        raise InvalidInput(_("“%(item)s”没有填好", item=item.text), words, fields={"value": words, f"item-{item.key}": words})
    assert isinstance(read, Value)
    return read.value


def _check_seen(work: Work, sheet: StoreSheet, item: Item, value: bool | str | None, seen: int | None) -> None:
    """Two phones in one store: whoever comes second learns what the first one said, instead of wiping it out unread."""
    there = sheet.answers.get(item.key)
    if seen is None or there is None or there["n"] <= seen or there["by"] == work.actor.member_id or there["value"] == value:
        return
    raise Conflict(
        _("%(name)s刚刚填写了“%(item)s”", name=there["by_name"], item=item.text),
        _("您填写的内容还在。请核对后再填一次，会以您填写的为准。"),
        code="sheet_changed", item=item.key, n=there["n"],
    )  # fmt: skip


def _answer(work: Work, check: StoreCheck, sheet: StoreSheet, item: Item, value: bool | str | dict[str, Any] | None) -> None:
    there = sheet.answers.get(item.key, {"value": None, "n": 0})
    if there["value"] == value:
        return
    answer = {"value": value, "by": work.actor.member_id, "by_name": work.actor.name, "at": work.now.isoformat(), "n": there["n"] + 1}
    sheet.answers = {**sheet.answers, item.key: answer}
    kind = CheckEvent.CLEARED if value is None else CheckEvent.FILLED
    _record_sheet(work, kind, check, sheet, item=item.text)


def _settle(work: Work, check: StoreCheck, sheet: StoreSheet) -> None:
    """Note when the sheet becomes whole, or is whole no more."""
    whole = {item.key for item in check.wanted} <= sheet.answered
    if whole == (sheet.done_at is not None):
        return
    sheet.done_at, sheet.done_by_id = (work.now, work.actor.member_id) if whole else (None, None)
    if whole:
        work.session.flush()
        done, everything = _counts(work, check)
        _record_sheet(work, CheckEvent.DONE, check, sheet, done=done, all=everything)


def remind_missing(work: Work, check_id: str) -> list[str]:
    """Remind the stores whose sheet is not done; returns their names. At most once an hour by hand."""
    check = get_check(work, check_id, lock=True)
    _must_keep(work, check)
    _must_be_open(check)
    if not may_remind(check.reminded_at, work.now):
        raise Conflict(_("一小时内已经提醒过"), _("请稍后再提醒。"))
    names = missing_stores(work, check)
    if not names:
        raise Conflict(_("所有门店都已完成"))
    check.reminded_at = work.now
    _record(work, CheckEvent.REMINDED, check, stores=_named(names))
    return names


def remind_by_itself(work: Work, check: StoreCheck, today: date) -> None:
    """The day's own reminder; the caller has decided that it is time."""
    check.reminded_on, check.reminded_at = today, work.now
    _record(work, CheckEvent.REMINDED, check, stores=_named(missing_stores(work, check)))


def close_check(work: Work, check_id: str, *, reason: str = "") -> StoreCheck:
    """Nothing is filled in any more. With stores missing, only for a written reason."""
    check = get_check(work, check_id, lock=True)
    _must_keep(work, check)
    done, everything = _counts(work, check)
    match closing(missing=everything - done, reason=reason, closed=check.closed_at is not None):
        case CloseHold.CLOSED:
            raise _closed()
        case CloseHold.REASON_MISSING:
            title = _("还有 %(n)s 家门店没有完成", n=everything - done)
            raise InvalidInput(title, _("请写明关闭的理由，或先提醒它们。"), fields={"reason": _("请写明关闭的理由")})
    reason = reason.strip()
    if len(reason) > REASON_LENGTH:
        raise InvalidInput(_("内容太长"), fields={"reason": _("最多 %(n)s 个字", n=REASON_LENGTH)})
    check.closed_at, check.closed_by_id, check.closed_reason = work.now, work.actor.member_id, reason
    because = f" · {reason}" if reason else ""
    _record(work, CheckEvent.CLOSED, check, done=done, all=everything, because=because, missing=_named(missing_stores(work, check)))
    return check


def reopen_check(work: Work, check_id: str) -> StoreCheck:
    """Take the closing back: its stores go on where they stopped, and those that have opened meanwhile get theirs."""
    check = get_check(work, check_id, lock=True)
    _must_keep(work, check)
    if check.closed_at is None:
        raise Conflict(_("清单没有关闭"), _("请刷新后查看最新状态。"))
    check.closed_at, check.closed_by_id, check.closed_reason = None, None, ""
    if check.scope != Scope.STORES:
        _add_sheets(work, check, _without_sheet(work, check, _stores_of(work, Scope(check.scope), check.scope_ids)))
    done, everything = _counts(work, check)
    _record(work, CheckEvent.REOPENED, check, done=done, all=everything)
    return check


def missing_stores(work: Work, check: StoreCheck) -> list[str]:
    """Names of the stores whose sheet is not done. The caller has loaded the checklist through access."""
    query = select(Site.name).join(StoreSheet, StoreSheet.site_id == Site.id).where(StoreSheet.check_id == check.id)
    return list(work.session.scalars(query.where(StoreSheet.done_at.is_(None)).order_by(Site.parent_id, Site.id)))


def _counts(work: Work, check: StoreCheck) -> tuple[int, int]:
    """How many stores are done, and how many there are."""
    query = select(func.count(StoreSheet.done_at), func.count()).where(StoreSheet.check_id == check.id)
    done, everything = work.session.execute(query).one()
    return done, everything


def _named(names: Sequence[str]) -> list[str]:
    """A few names and how many more: an event of three hundred stores stays a sentence."""
    if len(names) <= STORES_NAMED:
        return list(names)
    return [*names[: STORES_NAMED - 1], f"…+{len(names) - STORES_NAMED + 1}"]


def _must_keep(work: Work, check: StoreCheck) -> None:
    if not keeps(work, check):
        raise NotAllowed(_("这份清单不由您管理"), _("请联系下发清单的人或主线负责人。"))


def _must_be_open(check: StoreCheck) -> None:
    if check.closed_at is not None:
        raise _closed()


def _closed() -> Conflict:
    return Conflict(_("清单已经关闭"), _("请刷新后查看最新状态。"), code="check_closed")


def _record(work: Work, kind: CheckEvent, check: StoreCheck, **facts: Any) -> None:
    line = line_of_check(work, check)
    work.record(
        kind, subject=f"check:{check.id}", rooms=[line.room], line=line.name, line_id=line.id, check_id=check.id, title=check.title,
        task_id=check.task_id, **facts,
    )  # fmt: skip


def _record_sheet(work: Work, kind: CheckEvent, check: StoreCheck, sheet: StoreSheet, **facts: Any) -> None:
    store = work.session.get_one(Site, sheet.site_id)
    line = line_of_check(work, check)
    work.record(
        kind, subject=f"sheet:{sheet.id}", rooms=[line.room], line=line.name, line_id=line.id, check_id=check.id, sheet_id=sheet.id,
        title=check.title, store=store.name, store_code=store.code or "", task_id=check.task_id, **facts,
    )  # fmt: skip
