"""A new store: from the lease to its first month."""

from main_lines.gates.rules import GateKey
from main_lines.lines.rules import LineKind, Phase
from main_lines.playbooks.rules import Entry, Milestone, Playbook, PlaybookKey

OPS, DESIGN, SERVICE, STORE_HOUSE, MONEY, PEOPLE, LIVE, SHOPS = "运营推广", "设计策划", "客服", "物流仓储", "财务", "人事", "直播", "门店"
DURING, AFTER = Phase.EXECUTE, Phase.REVIEW

OPENING = Playbook(
    PlaybookKey.OPENING,
    "门店开业",
    LineKind.OPENING,
    (
        Entry("lease", SHOPS, -75, 10, "选址与租约", "客流统计、租金条款、装修免租期。", needs=("model",)),
        Entry("permits", SHOPS, -40, 15, "证照与消防", "营业执照、消防验收、招牌审批。", needs=("lease",)),
        Entry("fit-out", SHOPS, -12, 28, "装修施工", "按图施工，隐蔽工程拍照留档。", needs=("drawings", "lease")),
        Entry("devices", SHOPS, -8, 3, "收银与网络", "收银机、扫码枪、打印机、双线路，全部测试。", needs=("fit-out",)),
        Entry("display", SHOPS, -4, 3, "陈列布置", "按陈列图布置并拍照。", needs=("fit-out", "first-stock", "pos-art")),
        Entry("trial", SHOPS, -2, 2, "试营业", "收银、退换、盘点走一遍，问题当日关闭。", needs=("display", "devices", "staff", "permits")),
        Entry("open", SHOPS, 0, 1, "开业", "开门前照片检查；每两小时报客流与成交。", DURING, needs=("trial",)),
        Entry("patrol", SHOPS, 7, 6, "首周巡店", "每日一次巡检，整改当日回传。", DURING, needs=("open",)),
        Entry("drawings", DESIGN, -50, 10, "平面与门头设计", "动线、陈列、门头；含灯光与电位。", needs=("lease",)),
        Entry("pos-art", DESIGN, -15, 5, "开业物料", "海报、价签、吊旗；写明打印尺寸。", needs=("offer",)),
        Entry("range", OPS, -35, 5, "首批货盘", "按商圈客群选款，写明首铺量。", needs=("lease",)),
        Entry("offer", OPS, -25, 4, "开业活动", "到店礼、满减、会员招募目标。", needs=("budget",)),
        Entry("local", OPS, -7, 6, "本地推广", "地图认领、社群、异业合作。", needs=("offer",)),
        Entry("review", OPS, 30, 4, "首月复盘", "客流、成交率、客单、会员数；与模型差异说明。", AFTER, needs=("open",)),
        Entry("first-stock", STORE_HOUSE, -7, 4, "首铺到店", "按单点收，差异当日报。", needs=("range",)),
        Entry("refill", STORE_HOUSE, 3, 3, "补货节奏", "缺货两日内补齐。", DURING, needs=("open",)),
        Entry("model", MONEY, -88, 6, "单店测算", "投入、盈亏平衡、回收期。"),
        Entry("budget", MONEY, -60, 4, "开业预算", "装修、设备、首铺、推广分项。", needs=("model",)),
        Entry("accounts-check", MONEY, 8, 3, "首周对账", "收银、平台、银行三方一致。", AFTER, needs=("open",)),
        Entry("hiring", PEOPLE, -40, 15, "店员招募", "店长先到岗；合同与健康证齐全。", needs=("lease",)),
        Entry("staff", PEOPLE, -5, 8, "培训与账号", "商品、收银、退换考核；账号按门店模板开通。", needs=("hiring",)),
        Entry("hotline", SERVICE, -3, 2, "门店问答与客服转接", "地址、停车、退换三类问答上线。", needs=("offer",)),
        Entry("show", LIVE, 0, 1, "开业直播", "探店路线与福利口播稿，网络先测。", DURING, needs=("trial",)),
    ),
    (
        Milestone("", -60, GateKey.PLAN),
        Milestone("签约", -75),
        Milestone("装修验收", -12),
        Milestone("", -1, GateKey.GO),
        Milestone("", 30, GateKey.REVIEW),
    ),
)  # fmt: skip
