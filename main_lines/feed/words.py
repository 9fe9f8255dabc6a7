"""Words of the feed: its parts, whom one calls, why something about a post is refused."""

from main_lines.feed.rules import LOUD_AN_HOUR, MOST_FILES, MOST_MENTIONS, TEXT_LENGTH, MentionKind, Part, Refuse, Why
from workspace.errors import Conflict, InvalidInput, MainlineError, NotAllowed, TooManyRequests
from workspace.i18n import _, _l

PARTS = {Part.POSTS: _l("通告"), Part.APPROVALS: _l("审批"), Part.TASKS: _l("任务"), Part.ASSETS: _l("素材"), Part.ALERTS: _l("预警")}
MENTION_KINDS = {
    MentionKind.ALL: _l("全体成员"), MentionKind.MEMBER: _l("人员"), MentionKind.DEPARTMENT: _l("部门"), MentionKind.CITY: _l("城市"),
    MentionKind.ROLE: _l("角色"),
}  # fmt: skip


def refusal(refused: Refuse) -> MainlineError:
    """422 beside the text, 403 for another's post, 409 where it has changed meanwhile, 429 for who calls everybody too often."""
    sentences = {
        Why.EMPTY: _("请填写通告内容"),
        Why.TOO_LONG: _("最多 %(n)s 个字", n=TEXT_LENGTH),
        Why.TOO_MANY_MENTIONS: _("一条通告最多提及 %(n)s 处", n=MOST_MENTIONS),
        Why.TOO_MANY_FILES: _("一条通告最多附 %(n)s 个文件", n=MOST_FILES),
    }
    if refused.why in sentences:
        sentence = sentences[refused.why]
        return InvalidInput(_("有内容需要修改"), sentence, fields={"text": sentence})
    others: dict[Why, MainlineError] = {
        Why.TOO_LOUD: TooManyRequests(
            _("一小时内最多 %(n)s 次通知大多数成员", n=LOUD_AN_HOUR), _("请只提及需要知道的人或部门，或稍后再发。已写的内容还在。")
        ),
        Why.NOT_OWN: NotAllowed(_("只能撤回自己的通告")),
        Why.GONE: Conflict(_("这条通告已经撤回"), _("请刷新后查看最新状态。")),
        Why.IN_AUDIT: Conflict(_("这条通告不能撤回"), _("它发布于旧版本，文字已写入审计记录。")),
    }
    return others[refused.why]
