"""The playbooks that come with the product. Titles and requirements are content, written in Chinese like a company's own."""

from main_lines.lines.rules import LineKind, Phase
from main_lines.playbooks.rules import Entry, Playbook, PlaybookKey

DOUBLE11 = Playbook(
    PlaybookKey.DOUBLE11,
    "双十一大促",
    LineKind.PROMOTION,
    (
        Entry("运营推广", -75, "目标拆解与选品清单", "分渠道销售目标；主推、次推、清仓三档选品，标明毛利底线与备货量。"),
        Entry("运营推广", -30, "价格与优惠机制锁定", "满减、预售、会员价逐款核对；与平台最低价承诺不冲突，锁定后只降不升。"),
        Entry("运营推广", -7, "会场页面锁版", "主会场与分会场链接、库存、价格逐页检查；锁版后改动须重新签发。"),
        Entry("设计策划", -45, "大促主视觉", "横版 1920×1080 与竖版 1080×1920 各一；含主标题、利益点、品牌标识安全区；提交源文件。"),
        Entry("设计策划", -21, "会场页面设计定稿", "沿用主视觉；首屏三秒内看到利益点；移动端优先，单图不超过 300 KB。"),
        Entry("客服", -14, "客服话术与快捷回复", "优惠规则、发货时效、退换三类话术；每条不超过 120 字，标明可承诺范围。"),
        Entry("物流仓储", -14, "备货入库与库位规划", "主推款入库率 100%；爆款前置到分拣口；缺货阈值报运营。"),
        Entry("财务", -30, "推广费用上限与审批线", "直通车、钻展分日上限；超出 10% 须重新报批；预留 8% 机动。"),
        Entry("人事", -45, "临时人员招募与排班", "客服 40 人、仓储 60 人；D-10 前开通账号并完成培训签到。"),
        Entry("直播", -7, "直播全流程彩排", "主播、场控、备播到位；断网、断电、缺货三种预案各演练一次。"),
        Entry("门店", -3, "门店物料陈列与价签更换", "按陈列图布置并回传照片；价签扫码核对无误。"),
        Entry("运营推广", 0, "当日战报与价格库存调整", "整点战报；缺货与价格异常 10 分钟内处理并通告。", Phase.EXECUTE),
        Entry("物流仓储", 2, "发货达成与缺货预警", "48 小时发货率 98% 以上；缺货即发预警。", Phase.EXECUTE),
        Entry("客服", 2, "大促期间工单时效", "首次响应 60 秒内；未结工单每日清零。", Phase.EXECUTE),
        Entry("财务", 10, "费用结算与毛利核算", "分渠道投产比；与预算差异逐项说明。", Phase.REVIEW),
        Entry("运营推广", 10, "复盘报告", "目标达成、流程得失、可沿用与须改进各三条。", Phase.REVIEW),
    ),
)

PLAYBOOKS = {playbook.key: playbook for playbook in (DOUBLE11,)}
