"""The approval templates that come with the product: their forms and rules, as data.

A definition is immutable once used: change one only together with its ``version``; a row of approval_template is made
the first time that a version is used. Labels are source texts, translated when shown.
"""

from dataclasses import dataclass, field
from typing import Any

from workspace.events.kinds import N_


@dataclass(frozen=True)
class Shipped:
    """icon: name in the icon sprite. fields: see form.py. amount_field: the money that limits count. wants_asset: pins a version."""

    key: str
    version: int
    name: str
    hint: str
    icon: str
    fields: tuple[dict[str, Any], ...]
    amount_field: str | None = None
    wants_asset: bool = False
    mandatory_roles: tuple[str, ...] = ()
    phrases: tuple[str, ...] = field(default=(N_("资料不全，请补充"), N_("请修改后重新提交"), N_("预算不足")))

    def definition(self) -> dict[str, Any]:
        return {
            "hint": self.hint,
            "icon": self.icon,
            "fields": [dict(one) for one in self.fields],
            "amount_field": self.amount_field,
            "wants_asset": self.wants_asset,
            "mandatory_roles": list(self.mandatory_roles),
            "phrases": list(self.phrases),
        }


def _field(name: str, label: str, kind: str = "text", *, required: bool = True, **more: Any) -> dict[str, Any]:
    return {"name": name, "label": label, "type": kind, "required": required, **more}


SHIPPED = (
    Shipped(
        "asset_sign_off",
        1,
        N_("素材定稿"),
        N_("主视觉、详情页、视频等交付前的签发"),
        "photo-check",
        (_field("use", N_("用途"), "text", required=False), _field("note", N_("说明"), "area", required=False)),
        wants_asset=True,
        phrases=(N_("画面需要调整"), N_("文案或价格有误"), N_("尺寸不符合要求"), N_("请按品牌规范修改")),
    ),
    Shipped(
        "leave",
        1,
        N_("请假"),
        N_("年假、事假、病假、调休"),
        "calendar-event",
        (
            _field("kind", N_("假别"), "choice", options=[N_("年假"), N_("事假"), N_("病假"), N_("调休")]),
            _field("from", N_("开始日期"), "date"),
            _field("to", N_("结束日期"), "date"),
            _field("reason", N_("事由"), "area"),
            _field("stand_in", N_("工作交接人"), "text", required=False),
        ),
        phrases=(N_("大促期间请另择日期"), N_("请先安排好交接"), N_("请补充证明")),
    ),
    Shipped(
        "ad_spend",
        1,
        N_("直通车推广费"),
        N_("直通车计划的预算"),
        "speakerphone",
        (
            _field("amount", N_("金额"), "money"),
            _field("plan", N_("推广计划")),
            _field("from", N_("开始日期"), "date"),
            _field("to", N_("结束日期"), "date"),
            _field("goal", N_("预期效果"), "area"),
        ),
        amount_field="amount",
    ),
    Shipped(
        "booth_spend",
        1,
        N_("钻展推广费"),
        N_("钻石展位的预算"),
        "target",
        (
            _field("amount", N_("金额"), "money"),
            _field("place", N_("展位")),
            _field("from", N_("开始日期"), "date"),
            _field("to", N_("结束日期"), "date"),
            _field("goal", N_("预期效果"), "area"),
        ),
        amount_field="amount",
    ),
    Shipped(
        "special_price",
        1,
        N_("特价"),
        N_("活动期间低于标价的价格"),
        "tag",
        (
            _field("sku", N_("商品")),
            _field("list_price", N_("标价"), "money"),
            _field("price", N_("特价"), "money"),
            _field("from", N_("开始日期"), "date"),
            _field("to", N_("结束日期"), "date"),
            _field("reason", N_("理由"), "area"),
        ),
        amount_field="price",
    ),
    Shipped(
        "desktop",
        1,
        N_("云桌面或外设"),
        N_("开通云桌面、扫码枪、标签打印机"),
        "device-desktop-plus",
        (
            _field("what", N_("需要什么"), "choice", options=[N_("云桌面"), N_("扫码枪"), N_("标签打印机"), N_("其他外设")]),
            _field("for_whom", N_("使用人"), "text"),
            _field("until", N_("使用到"), "date", required=False),
            _field("reason", N_("理由"), "area"),
        ),
    ),
)

BY_KEY = {one.key: one for one in SHIPPED}
