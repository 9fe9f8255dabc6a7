"""Numbers and their enumerations in words, in the reader's language. No decision lives here."""

from decimal import ROUND_HALF_UP, Decimal

from flask import has_request_context
from flask_babel import get_locale

from main_lines.numbers.rules import Aim, Better, Supply, Verdict
from workspace.i18n import _, _l
from workspace.phrases import Phrase, shows

AIMS = {Aim.TARGET: _l("目标"), Aim.ACTUAL: _l("实际")}
BETTERS = {Better.HIGHER: _l("越高越好"), Better.LOWER: _l("越低越好")}
METRIC_FIELDS = {
    "name": _l("指标"), "unit": _l("单位"), "adds": _l("怎样合计"), "better": _l("好坏"), "start_offset": _l("目标从哪天算起"),
    "end_offset": _l("到哪天为止"), "alert_below": _l("偏离多少时预警"),
}  # fmt: skip
VERDICTS = {
    Verdict.NO_ACTUAL: _l("还没有实际值"), Verdict.NO_TARGET: _l("没有目标"), Verdict.NOT_BEGUN: _l("尚未开始"),
    Verdict.OFF: _l("偏离目标"), Verdict.BEHIND: _l("略差于预期"), Verdict.ON: _l("符合预期"),
}  # fmt: skip
TONES = {
    Verdict.NO_ACTUAL: "unknown", Verdict.NO_TARGET: "unknown", Verdict.NOT_BEGUN: "idle",
    Verdict.OFF: "late", Verdict.BEHIND: "waiting", Verdict.ON: "done",
}  # fmt: skip
SUPPLIES = {Supply.OUT: _l("缺货"), Supply.LOW: _l("低于安全库存"), Supply.ENOUGH: _l("充足")}
SUPPLY_TONES = {Supply.OUT: "blocked", Supply.LOW: "late", Supply.ENOUGH: "done"}

_LARGE = ((Decimal(10**8), Decimal(10**8), 2, _l("%(n)s亿")), (Decimal(10**5), Decimal(10**4), 1, _l("%(n)s万")))
_LARGE_ENGLISH = (
    (Decimal(10**9), Decimal(10**9), 2, "%(n)sB"),
    (Decimal(10**6), Decimal(10**6), 2, "%(n)sM"),
    (Decimal(10**5), Decimal(1000), 1, "%(n)sk"),
)


def exact(value: Decimal | None) -> str:
    """Grouped, without needless zeros: 1,234.5."""
    if value is None:
        return "—"
    text = f"{value:,.4f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def amount(value: Decimal | None, unit: str = "") -> str:
    """As a director reads it: 1,203.4万元, 3.2%, 86件; from a thousand on without a fraction."""
    if value is None:
        return "—"
    english = has_request_context() and str(get_locale() or "").startswith("en")
    text = exact(value.quantize(Decimal(1) if abs(value) >= 1000 else Decimal("0.01"), ROUND_HALF_UP))
    for least, scale, places, words in _LARGE_ENGLISH if english else _LARGE:
        if abs(value) >= least:
            scaled = exact((value / scale).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))
            text = str(words).replace("%(n)s", scaled)
            break
    return f"{text} {unit}" if english and unit not in ("", "%") else f"{text}{unit}"


def amount_kept(value: Decimal | None, unit: str = "") -> Phrase:
    """The same for what is read later, in whatever language."""
    return {"shown_as": "amount", "value": None if value is None else str(value), "unit": unit}


shows("amount", lambda kept: amount(None if kept["value"] is None else Decimal(kept["value"]), kept["unit"]))


def source_words(kind: str, name: str, by: str) -> str:
    """Where a number came from: the file and who brought it, the pass, or who typed it."""
    if kind == "typed":
        return _("%(by)s填写", by=by)
    if kind == "api":
        return _("接口“%(name)s”", name=name)
    return _("%(name)s（%(by)s导入）", name=name, by=by)
