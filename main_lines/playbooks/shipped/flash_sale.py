"""A flash sale: one day, one week of preparation."""

from main_lines.gates.rules import GateKey
from main_lines.lines.rules import LineKind, Phase
from main_lines.playbooks.rules import Entry, Milestone, Playbook, PlaybookKey

OPS, DESIGN, SERVICE, STORE_HOUSE, MONEY, LIVE = "运营推广", "设计策划", "客服", "物流仓储", "财务", "直播"
DURING, AFTER = Phase.EXECUTE, Phase.REVIEW

FLASH_SALE = Playbook(
    PlaybookKey.FLASH_SALE,
    "限时抢购",
    LineKind.PROMOTION,
    (
        Entry("range", OPS, -10, 2, "选品与限量", "款数、限量、每人限购；写明原价依据。"),
        Entry("price", OPS, -8, 1, "抢购价", "到手价两人互核，结束后恢复价写明。", needs=("range", "margin")),
        Entry("signup", OPS, -7, 2, "资源位报名", "频道、推送、短信名单；发送时间错开。", needs=("range",)),
        Entry("page", OPS, -3, 1, "抢购页搭建", "倒计时与库存实时显示，售罄自动置灰。", needs=("art", "price")),
        Entry("freeze", OPS, -1, 1, "锁版与演练", "到点改价、到量下架各走一遍。", needs=("page", "stock")),
        Entry("run", OPS, 0, 1, "抢购执行", "开始前十分钟全员到位；异常先停售。", DURING, needs=("freeze",)),
        Entry("restore", OPS, 1, 1, "恢复原价", "价格、页面、推送全部复原并截图。", DURING, needs=("run",)),
        Entry("review", OPS, 3, 1, "复盘", "售罄用时、客单、新客占比。", AFTER, needs=("settle",)),
        Entry("art", DESIGN, -4, 3, "抢购页与推送图", "价格与倒计时首屏可见；售罄图一并交。", needs=("range",)),
        Entry("scripts", SERVICE, -2, 2, "话术", "限购、未付款取消、发货时间三类。", needs=("price",)),
        Entry("seats", SERVICE, 0, 1, "高峰排班", "开抢前后两小时双倍在线。", DURING, needs=("scripts",)),
        Entry("stock", STORE_HOUSE, -2, 2, "锁定库存", "抢购量单独锁库，账实一致。", needs=("range",)),
        Entry("ship", STORE_HOUSE, 2, 2, "发货", "24 小时内发出 95%。", DURING, needs=("run",)),
        Entry("margin", MONEY, -9, 1, "毛利与补贴测算", "单件亏损上限与总额上限。", needs=("range",)),
        Entry("settle", MONEY, 2, 2, "补贴结算", "实际补贴与上限差异说明。", AFTER, needs=("run",)),
        Entry("show", LIVE, 0, 1, "抢购直播", "倒数上链接，库存同步口播。", DURING, needs=("freeze",)),
    ),
    (Milestone("", -7, GateKey.PLAN), Milestone("", -2, GateKey.FREEZE), Milestone("", -1, GateKey.GO), Milestone("", 3, GateKey.REVIEW)),
)  # fmt: skip
