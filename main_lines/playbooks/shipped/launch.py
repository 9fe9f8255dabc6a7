"""A new product: from the sample to the first month's figures."""

from main_lines.gates.rules import GateKey
from main_lines.lines.rules import LineKind, Phase
from main_lines.playbooks.rules import Entry, Milestone, Playbook, PlaybookKey

OPS, DESIGN, SERVICE, STORE_HOUSE, MONEY, LIVE, SHOPS = "运营推广", "设计策划", "客服", "物流仓储", "财务", "直播", "门店"
DURING, AFTER = Phase.EXECUTE, Phase.REVIEW

LAUNCH = Playbook(
    PlaybookKey.LAUNCH,
    "新品上市",
    LineKind.LAUNCH,
    (
        Entry("brief", OPS, -60, 5, "产品定位与卖点", "目标人群、三条卖点、对标款与价格带。"),
        Entry("sample", OPS, -52, 6, "样品确认", "封样编号、功能与外观缺陷清单，问题项写明关闭日。", needs=("brief",)),
        Entry("tests", OPS, -40, 10, "质检与合规", "检测报告、标签、广告用语合规审查。", needs=("sample",)),
        Entry("price", OPS, -30, 4, "定价与首发优惠", "到手价、首发券、限量数；毛利不低于底线。", needs=("cost",)),
        Entry("listing", OPS, -10, 4, "商品上架准备", "标题、类目、属性、详情齐全，定时上架。", needs=("details", "price", "tests")),
        Entry("seeding", OPS, -14, 10, "种草与测评", "达人名单、寄样、发布日；内容先审后发。", needs=("shoot",)),
        Entry("go", OPS, 0, 1, "首发上架", "零点检查价格、库存、链接；异常先下架。", DURING, needs=("listing", "inbound", "scripts")),
        Entry("watch", OPS, 3, 3, "首周盯盘", "转化、加购、差评每日两报。", DURING, needs=("go",)),
        Entry("review", OPS, 30, 4, "首月复盘", "销量、复购、评价关键词；决定补单或清仓。", AFTER, needs=("voices", "margin")),
        Entry("shoot", DESIGN, -28, 6, "拍摄与短视频", "主图五张、场景图、三十秒短视频。", needs=("sample",)),
        Entry("details", DESIGN, -18, 7, "详情页", "卖点顺序与定位一致；参数表经产品确认。", needs=("shoot",)),
        Entry("pack-art", DESIGN, -45, 6, "包装设计", "刀版、条码、合规标识；打样确认。", needs=("brief",)),
        Entry("ads-art", DESIGN, -9, 3, "投放素材", "每个位置两版用于测试。", needs=("shoot",)),
        Entry("scripts", SERVICE, -7, 4, "产品话术与培训", "参数、使用、售后三类；客服试用一次。", needs=("details",)),
        Entry("voices", SERVICE, 25, 5, "用户声音汇总", "差评与咨询前十项，附原话与建议。", AFTER, needs=("go",)),
        Entry("order", STORE_HOUSE, -38, 5, "首单数量与交期", "首单、补单触发线、交期违约条款。", needs=("sample",)),
        Entry("inbound", STORE_HOUSE, -5, 5, "首批入库", "抽检合格后上架，批次可追溯。", needs=("order", "pack-art")),
        Entry("ship", STORE_HOUSE, 2, 2, "首发发货", "24 小时内发出，附首发卡片。", DURING, needs=("go",)),
        Entry("cost", MONEY, -35, 4, "成本与毛利测算", "物料、包装、物流、推广分摊到单件。", needs=("sample",)),
        Entry("margin", MONEY, 26, 3, "首月毛利核算", "与测算差异逐项说明。", AFTER, needs=("go",)),
        Entry("shows", LIVE, 0, 1, "首发直播", "讲解脚本与页面一致，备播到位。", DURING, needs=("listing",)),
        Entry("display", SHOPS, -2, 3, "门店首发陈列", "样机、价签、讲解卡到店并拍照。", needs=("pack-art", "price")),
    ),
    (Milestone("样品封样", -52), Milestone("", -30, GateKey.PLAN), Milestone("", -1, GateKey.GO), Milestone("", 30, GateKey.REVIEW)),
)  # fmt: skip
