"""618: the half-year promotion, lighter than Double 11 and without its temporary staff."""

from main_lines.gates.rules import GateKey
from main_lines.lines.rules import LineKind, Phase
from main_lines.playbooks.rules import Entry, Milestone, Playbook, PlaybookKey

OPS, DESIGN, SERVICE, STORE_HOUSE, MONEY, LIVE, SHOPS = "运营推广", "设计策划", "客服", "物流仓储", "财务", "直播", "门店"
DURING, AFTER = Phase.EXECUTE, Phase.REVIEW

MIDYEAR = Playbook(
    PlaybookKey.MIDYEAR,
    "618 年中大促",
    LineKind.PROMOTION,
    (
        Entry("targets", OPS, -50, 5, "目标与选品", "分渠道目标；主推不超过二十款，写明毛利底线。"),
        Entry("signup", OPS, -42, 4, "平台报名", "会场与频道资源位报齐，驳回原因留档。", needs=("targets",)),
        Entry("rules", OPS, -32, 4, "优惠机制", "满减、券、会员价叠加后逐款算到手价。", needs=("targets",)),
        Entry("price", OPS, -20, 3, "价格锁定", "两人互核；锁定后只降不升。", needs=("rules",)),
        Entry("pages", OPS, -10, 4, "会场页面搭建", "链接逐一点过，手机端优先检查。", needs=("pages-signed", "price")),
        Entry("freeze", OPS, -5, 2, "页面锁版", "链接、库存、价格逐页检查。", needs=("pages", "inbound")),
        Entry("reports", OPS, 0, 2, "整点战报", "销售、流量、转化、缺货；异常十分钟内通告。", DURING, needs=("freeze",)),
        Entry("moves", OPS, 2, 3, "价格与库存调整", "缺货切替代款，全部留痕。", DURING),
        Entry("review", OPS, 8, 1, "复盘报告", "目标达成、流程得失，可沿用到双十一的写成条目。", AFTER, needs=("settle",)),
        Entry("visual", DESIGN, -30, 6, "主视觉", "横竖两版，交源文件。", needs=("targets",)),
        Entry("details", DESIGN, -18, 6, "主推款详情页", "卖点与话术一致；单图不超过 300 KB。", needs=("visual",)),
        Entry("pages-signed", DESIGN, -14, 5, "会场页面定稿", "首屏三秒内看到利益点。", needs=("visual", "rules")),
        Entry("ads-art", DESIGN, -12, 3, "投放素材", "每个位置两版用于测试。", needs=("visual",)),
        Entry("spare", DESIGN, -2, 2, "备用图", "售罄与延迟发货各一套。", needs=("pages-signed",)),
        Entry("roster", SERVICE, -14, 3, "排班", "按小时排，高峰段不低于平日两倍。", needs=("targets",)),
        Entry("scripts", SERVICE, -10, 4, "话术签发", "优惠、发货、退换三类。", needs=("price",)),
        Entry("queue", SERVICE, 2, 3, "排队与工单时效", "首次响应 60 秒内。", DURING, needs=("roster", "scripts")),
        Entry("stock-plan", STORE_HOUSE, -40, 4, "备货计划", "按选品清单算入库量与库位。", needs=("targets",)),
        Entry("inbound", STORE_HOUSE, -10, 8, "备货入库", "主推款入库率 100%。", needs=("stock-plan",)),
        Entry("prepack", STORE_HOUSE, -2, 2, "预打包", "爆款提前打包到待发区。", needs=("inbound",)),
        Entry("ship", STORE_HOUSE, 2, 3, "发货达成", "48 小时发货率 98% 以上。", DURING, needs=("prepack",)),
        Entry("returns", STORE_HOUSE, 9, 5, "退货入库", "签收 24 小时内质检。", AFTER),
        Entry("budget", MONEY, -40, 3, "预算与机动", "分项预算，留 8% 机动。", needs=("targets",)),
        Entry("caps", MONEY, -18, 2, "投放费用上限", "分日上限，超出须重新报批。", needs=("budget",)),
        Entry("settle", MONEY, 7, 3, "结算与毛利", "分渠道投产比。", AFTER),
        Entry("run-sheet", LIVE, -12, 4, "直播场次与脚本", "货盘、节奏、福利点；与页面价格一致。", needs=("price",)),
        Entry("rehearsal", LIVE, -4, 1, "彩排", "断网与缺货预案各演练一次。", needs=("run-sheet",)),
        Entry("shows", LIVE, 0, 2, "直播执行", "每半小时同步成交与库存。", DURING, needs=("rehearsal",)),
        Entry("materials", SHOPS, -10, 4, "门店物料到店", "各店签收并拍照。", needs=("visual",)),
        Entry("labels", SHOPS, -2, 2, "价签更换", "价签扫码与系统价一致。", needs=("materials", "price")),
        Entry("take-down", SHOPS, 4, 2, "撤场照片", "物料撤下、价签恢复。", AFTER),
    ),
    (Milestone("", -20, GateKey.PLAN), Milestone("", -5, GateKey.FREEZE), Milestone("", -1, GateKey.GO), Milestone("", 8, GateKey.REVIEW)),
)  # fmt: skip
