"""What a form or a program sends as rules: checked against their bounds, said in words beside the field, then saved."""

from collections.abc import Mapping
from typing import Any

from main_lines.alerts import actions
from main_lines.alerts.bodies import RulesBody
from main_lines.alerts.rules import AlertRule, Setting, Severity, Stair, Step
from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.work import Work


def save(work: Work, line_id: str, body: RulesBody) -> None:
    """InvalidInput with a sentence for each field: ``<rule>_threshold``, ``<severity>_<step>``."""
    stairs = {one.severity: Stair(one.remind, one.head, one.director, one.everyone) for one in body.stairs}
    fields = {
        f"{rule.rule.value}_threshold": _("请填写 %(low)s 到 %(high)s", low=bounds[0], high=bounds[1])
        for rule in body.rules
        if (bounds := rule.out_of_bounds()) is not None
    }
    fields |= {f"{severity.value}_{step.value}": _("要比前一级晚") for severity, stair in stairs.items() for step in stair.out_of_turn()}
    if fields:
        raise InvalidInput(_("有内容需要修改"), _("请按提示修改后再提交。"), fields=fields)
    rules = {rule.rule: Setting(rule.on, rule.threshold, rule.severity) for rule in body.rules}
    actions.save_rules(work, line_id, rules=rules, stairs=stairs, seen=body.seen)


def sent(form: Mapping[str, str]) -> dict[str, Any]:
    """The form of all rules and stairs as RulesBody takes it."""
    rules = [
        {
            "rule": rule.value, "on": f"{rule.value}_on" in form, "threshold": form.get(f"{rule.value}_threshold") or 0,
            "severity": form.get(f"{rule.value}_severity"),
        }
        for rule in AlertRule
    ]  # fmt: skip
    stairs = [
        {"severity": severity.value, **{step.value: form.get(f"{severity.value}_{step.value}") or 0 for step in Step}}
        for severity in Severity
    ]
    return {"rules": rules, "stairs": stairs, "seen": form.get("seen", "")}


def beside(fields: Mapping[str, str]) -> dict[str, str]:
    """Names of fields in the body (``rules.0.threshold``) as the form's own; others stay as they are."""
    named, orders = {}, {"rules": [rule.value for rule in AlertRule], "stairs": [severity.value for severity in Severity]}
    for name, words in fields.items():
        part, _dot, rest = name.partition(".")
        number, _dot, last = rest.partition(".")
        known = orders.get(part, [])
        named[f"{known[int(number)]}_{last}" if number.isdigit() and int(number) < len(known) else name] = words
    return named
