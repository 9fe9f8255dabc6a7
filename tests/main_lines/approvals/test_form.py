"""The form's checks, and that shipped templates do not change under requests that began with them."""

from decimal import Decimal

import pytest

from main_lines.approvals.form import Fault, amount_of, check_form
from main_lines.approvals.log import digest_of
from main_lines.approvals.shipped import BY_KEY, SHIPPED

SPEND = BY_KEY["ad_spend"].fields
GOOD = {"amount": "12,000.5", "plan": "双十一", "from": "2026-11-01", "to": "2026-11-11", "goal": "加购"}


def test_form_when_everything_fits_then_values_are_normal() -> None:
    filled = check_form(SPEND, {**GOOD, "stranger": "x"})
    assert filled.faults == {}
    assert filled.values["amount"] == "12000.50"
    assert "stranger" not in filled.values
    assert amount_of(filled.values, "amount") == Decimal("12000.50")


@pytest.mark.parametrize("text", ["0", "-1", "1.234", "NaN", "Infinity", "1e400", "1e-9", "1000000000", "一万", "12 000", "0x10", "９9a"])
def test_money_when_hostile_then_refused(text: str) -> None:
    assert check_form(SPEND, {**GOOD, "amount": text}).faults == {"amount": Fault.NOT_MONEY}


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("amount", "", Fault.MISSING),
        ("plan", " ", Fault.MISSING),
        ("plan", "长" * 201, Fault.TOO_LONG),
        ("goal", "长" * 4001, Fault.TOO_LONG),
        ("from", "2026-13-01", Fault.NOT_DATE),
        ("from", "明天", Fault.NOT_DATE),
        ("to", "2026-10-31", Fault.BEFORE_START),
    ],
)
def test_field_when_it_does_not_fit_then_named(name: str, text: str, fault: Fault) -> None:
    assert check_form(SPEND, {**GOOD, name: text}).faults == {name: fault}


def test_choice_when_not_offered_then_refused() -> None:
    filled = check_form(BY_KEY["leave"].fields, {"kind": "旅行", "from": "2026-10-01", "to": "2026-10-02", "reason": "x"})
    assert filled.faults == {"kind": Fault.NOT_OFFERED}


# A definition that changes needs a new version: requests are bound to the one they began with.
DIGESTS = {
    ("asset_sign_off", 1): "6655f540c914",
    ("leave", 1): "a69fd0c0f39a",
    ("ad_spend", 1): "bd2d4a2dae41",
    ("booth_spend", 1): "745576229097",
    ("special_price", 1): "437fb99c4829",
    ("desktop", 1): "2b88a7d17567",
}


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda one: one.key)
def test_template_when_its_definition_changed_then_its_version_did_too(shipped: object) -> None:
    assert digest_of(shipped.definition())[:12] == DIGESTS[shipped.key, shipped.version]  # type: ignore[attr-defined]
