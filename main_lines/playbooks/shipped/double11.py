"""Double 11: seventy-one task orders of eight departments, from D-75 to D+14."""

from main_lines.gates.rules import GateKey
from main_lines.lines.rules import LineKind, Phase
from main_lines.playbooks.rules import Entry, Milestone, Playbook, PlaybookKey

OPS, DESIGN, SERVICE, STORE_HOUSE, MONEY, PEOPLE, LIVE, SHOPS = "运营推广", "设计策划", "客服", "物流仓储", "财务", "人事", "直播", "门店"
DURING, AFTER = Phase.EXECUTE, Phase.REVIEW

DOUBLE11 = Playbook(
    PlaybookKey.DOUBLE11,
    "双十一大促",
    LineKind.PROMOTION,
    (
        # 运营
        Entry("targets", OPS, -75, 7, "目标拆解", "按渠道、品类、日期拆到天；写明去年同期、今年目标和毛利底线。"),
        Entry("range", OPS, -70, 5, "选品清单", "主推、次推、清仓三档；每款写明卖点、成本、预估销量与备货量。", needs=("targets",)),
        Entry("signup", OPS, -60, 5, "平台会场报名", "主会场与行业会场全部报齐；报名截图与驳回原因留档。", needs=("range",)),
        Entry("presale", OPS, -50, 5, "预售与定金方案", "定金、尾款时间、膨胀金逐款核对；与平台规则不冲突。", needs=("signup",)),
        Entry("rules", OPS, -45, 5, "满减与会员价方案", "满减、店铺券、会员价叠加后逐款算到手价，不破毛利底线。", needs=("range",)),
        Entry("ads", OPS, -40, 5, "推广投放计划",
              "直通车、钻展、超级推荐分日预算与目标投产比；预热期占三成。", needs=("targets", "budget")),
        Entry("price", OPS, -30, 3, "价格与优惠锁定", "到手价由两人互核；锁定后只降不升，改动须重新签发。", needs=("rules", "presale")),
        Entry("pages", OPS, -14, 5, "会场页面搭建",
              "主会场、分会场、商品详情全部换上定稿图；链接逐一点过。", needs=("pages-signed", "price")),
        Entry("stock-sync", OPS, -10, 2, "库存与限购设置", "各渠道库存分配与安全库存写入系统；爆款设限购。", needs=("inbound",)),
        Entry("freeze", OPS, -7, 2, "页面锁版", "链接、库存、价格逐页检查；锁版后改动须重新签发。", needs=("pages", "stock-sync")),
        Entry("drill", OPS, -3, 1, "零点流程演练", "改价、上架、补库存、应急下架各走一遍，记下用时。", needs=("freeze",)),
        Entry("reports", OPS, 0, 2, "整点战报", "每小时一份：销售、流量、转化、缺货；异常十分钟内通告。", DURING, needs=("drill",)),
        Entry("moves", OPS, 1, 2, "价格与库存调整", "缺货切替代款；价格异常先下架再处理，全部留痕。", DURING),
        Entry("encore", OPS, 3, 2, "返场方案与执行", "按剩余库存选款；返场价不低于锁定价。", DURING, needs=("moves",)),
        Entry("review", OPS, 10, 1, "复盘报告",
              "目标达成、流程得失；可沿用与须改进各三条，写明负责人。", AFTER, needs=("settle", "complaints")),
        # 设计
        Entry("theme", DESIGN, -55, 5, "大促主题与视觉方向", "两个方向各一张样稿；写明主标题、利益点和品牌安全区。", needs=("range",)),
        Entry("visual", DESIGN, -45, 7, "大促主视觉", "横版 1920×1080 与竖版 1080×1920；交源文件，图层命名规范。", needs=("theme",)),
        Entry("shoot", DESIGN, -40, 5, "主推款拍摄与精修", "每款主图五张、短视频一条；白底图符合平台规范。", needs=("range",)),
        Entry("presale-art", DESIGN, -35, 4, "预售页面设计", "定金与尾款时间首屏可见；移动端优先。", needs=("visual", "presale")),
        Entry("details", DESIGN, -28, 7, "主推款详情页", "卖点排序与客服话术一致；单图不超过 300 KB。", needs=("shoot",)),
        Entry("pages-signed", DESIGN, -21, 6, "会场页面定稿", "沿用主视觉；首屏三秒内看到利益点。", needs=("visual", "rules")),
        Entry("ads-art", DESIGN, -18, 4, "投放素材", "各渠道尺寸齐全，每个位置两版用于测试。", needs=("visual", "ads")),
        Entry("live-art", DESIGN, -12, 3, "直播间背景与贴片", "按场次各一套；价格牌可替换。", needs=("visual", "run-sheet")),
        Entry("shop-art", DESIGN, -20, 4, "门店物料设计", "海报、吊旗、价签模板；写明打印尺寸与出血。", needs=("visual",)),
        Entry("spare", DESIGN, -3, 2, "备用图", "售罄、延迟发货、返场各备一套，随时可换。", needs=("pages-signed",)),
        Entry("swaps", DESIGN, 1, 2, "当日换图", "接到任务后十五分钟内换上；换前换后版本都留在素材库。", DURING, needs=("spare",)),
        Entry("archive", DESIGN, 7, 3, "素材归档", "定稿打标签、源文件入库，可复用的注明用途。", AFTER),
        # 客服
        Entry("roster", SERVICE, -30, 4, "排班与外援", "按预估咨询量排到小时；高峰段在线人数不低于平日三倍。", needs=("targets",)),
        Entry("training", SERVICE, -16, 5, "新人培训与考核", "商品、规则、退换三科考核，不合格不上线。", needs=("temps", "roster")),
        Entry("scripts", SERVICE, -14, 5, "话术与快捷回复", "优惠、发货、退换三类；每条不超过 120 字，写明可承诺范围。", needs=("price",)),
        Entry("robot", SERVICE, -10, 3, "机器人与自助问答", "前二十个高频问题全部有答案；转人工不超过两步。", needs=("scripts",)),
        Entry("service-drill", SERVICE, -3, 1, "高峰演练", "模拟零点咨询，记录首次响应与排队长度。", needs=("training", "robot")),
        Entry("queue", SERVICE, 2, 3, "排队与工单时效", "首次响应 60 秒内；未结工单每日清零。", DURING, needs=("service-drill",)),
        Entry("refunds", SERVICE, 7, 5, "退换集中处理", "退款 48 小时内处理；异常件与仓库当日对账。", DURING),
        Entry("complaints", SERVICE, 9, 2, "投诉原因分析", "按商品、物流、页面分类；前五项写明改进负责人。", AFTER, needs=("refunds",)),
        # 物流仓储
        Entry("stock-plan", STORE_HOUSE, -60, 5, "备货与库位计划", "按选品清单算入库量、库位和人手；爆款靠近分拣口。", needs=("range",)),
        Entry("carriers", STORE_HOUSE, -45, 4, "快递运力与价格", "三家以上签约；写明日揽收上限与超量备选。", needs=("stock-plan",)),
        Entry("packing", STORE_HOUSE, -35, 4, "包材采购", "按预估单量的一点二倍；赠品与卡片一并到位。", needs=("stock-plan",)),
        Entry("inbound", STORE_HOUSE, -14, 10, "备货入库", "主推款入库率 100%；差异当日报运营。", needs=("stock-plan",)),
        Entry("count", STORE_HOUSE, -8, 2, "大促前盘点", "账实一致；负库存清零。", needs=("inbound",)),
        Entry("wms", STORE_HOUSE, -6, 2, "系统与设备压测", "打单、称重、分拣线满负荷跑两小时。", needs=("count",)),
        Entry("prepack", STORE_HOUSE, -2, 3, "预打包", "预售爆款提前打包到待发区，贴好预打面单。", needs=("count", "packing")),
        Entry("ship", STORE_HOUSE, 2, 3, "发货达成", "48 小时发货率 98% 以上；每四小时报进度。", DURING, needs=("prepack", "carriers")),
        Entry("shortage", STORE_HOUSE, 2, 3, "缺货预警", "低于阈值即发预警，写明可替代款与到货时间。", DURING),
        Entry("returns", STORE_HOUSE, 10, 6, "退货入库", "签收 24 小时内质检；可售与残次分开上架。", AFTER),
        Entry("recount", STORE_HOUSE, 14, 3, "大促后盘点", "差异逐款说明，责任到班组。", AFTER, needs=("returns",)),
        # 财务
        Entry("budget", MONEY, -60, 5, "总预算与机动", "推广、人力、物流、赠品分项；留 8% 机动，写明动用权限。", needs=("targets",)),
        Entry("cash", MONEY, -40, 4, "备货资金与付款计划", "供应商账期与付款日逐笔排定。", needs=("budget", "stock-plan")),
        Entry("caps", MONEY, -30, 2, "投放费用上限", "直通车、钻展分日上限；超出 10% 须重新报批。", needs=("budget", "ads")),
        Entry("margin", MONEY, -29, 1, "到手价毛利复核", "逐款复核锁定价，低于底线的退回运营。", needs=("price",)),
        Entry("burn", MONEY, 1, 2, "费用消耗跟踪", "每两小时报消耗与投产比；接近上限先预警。", DURING, needs=("caps",)),
        Entry("settle", MONEY, 8, 4, "费用结算与毛利核算", "分渠道投产比；与预算差异逐项说明。", AFTER),
        # 人事
        Entry("temps", PEOPLE, -45, 12, "临时人员招募", "客服与仓储按排班缺口招募；合同与保险齐全。", needs=("roster-need",)),
        Entry("roster-need", PEOPLE, -58, 3, "用工需求汇总", "各部门按小时报缺口，写明到岗日与技能要求。", needs=("targets",)),
        Entry("accounts", PEOPLE, -10, 2, "账号与云桌面开通", "按角色模板批量开通；到期日写明，培训签到后启用。", needs=("temps",)),
        Entry("shifts", PEOPLE, -7, 2, "大促排班公示", "夜班与替补到人；调休规则写清。", needs=("roster", "accounts")),
        Entry("care", PEOPLE, -2, 2, "后勤保障", "餐食、夜班车、休息区、医药箱到位。", needs=("shifts",)),
        Entry("attendance", PEOPLE, 1, 2, "考勤与到岗", "每班开始前十五分钟点名，缺岗立即补位。", DURING, needs=("shifts",)),
        Entry("reclaim", PEOPLE, 5, 3, "账号回收", "临时账号与桌面一次收回，资料已移交。", AFTER),
        # 直播
        Entry("hosts", LIVE, -30, 6, "主播与档期", "主播、副播、备播到人；合同与报备完成。", needs=("range",)),
        Entry("run-sheet", LIVE, -16, 4, "场次与脚本", "每场货盘、节奏、福利点；脚本与页面价格一致。", needs=("hosts", "price")),
        Entry("rehearsal", LIVE, -7, 2, "全流程彩排", "断网、断电、缺货三种预案各演练一次。", needs=("run-sheet", "live-art")),
        Entry("line-check", LIVE, -1, 1, "线路与设备检查", "双线路、备用推流机、备用电源全部通电测试。", needs=("rehearsal",)),
        Entry("shows", LIVE, 0, 1, "大促直播执行", "按场次表开播；在线、成交、库存每半小时同步。", DURING, needs=("line-check",)),
        Entry("clips", LIVE, 4, 3, "切片与二次投放", "高光片段当日剪出，标注商品与价格有效期。", AFTER, needs=("shows",)),
        # 门店
        Entry("shop-plan", SHOPS, -25, 4, "门店活动方案", "线上线下同价范围、自提与退换规则写清。", needs=("rules",)),
        Entry("materials", SHOPS, -14, 4, "门店物料到店", "各店签收并拍照；缺损三日内补齐。", needs=("shop-art",)),
        Entry("labels", SHOPS, -3, 3, "价签更换与扫码枪测试",
              "价签扫码与系统价一致；扫码枪逐把测试。", needs=("materials", "price", "shop-plan")),
        Entry("photo-check", SHOPS, -1, 1, "陈列照片检查", "按陈列图布置并回传照片，不合格当日整改。", needs=("labels",)),
        Entry("patrol", SHOPS, 1, 2, "巡店与扫码活动", "每店每日一次巡检；扫码人数与核销每日上报。", DURING, needs=("photo-check",)),
        Entry("take-down", SHOPS, 5, 2, "撤场照片", "物料撤下、价签恢复，照片回传。", AFTER, needs=("patrol",)),
    ),
    (Milestone("", -30, GateKey.PLAN), Milestone("", -7, GateKey.FREEZE), Milestone("", -1, GateKey.GO), Milestone("", 10, GateKey.REVIEW)),
)  # fmt: skip
