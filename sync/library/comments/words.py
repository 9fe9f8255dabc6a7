"""Why something about a comment is refused, in the reader's language."""

from sync.library.comments.rules import MOST_MENTIONS, MOST_REPLIES, MOST_THREADS, WORDS_LENGTH, Refuse, Why
from workspace.errors import Conflict, InvalidInput, MainlineError, NotAllowed, TooManyRequests
from workspace.i18n import _


def refusal(refused: Refuse) -> MainlineError:
    """The error of a refused act: 422 beside its field, 409 where something changed meanwhile, 429 for who writes too fast."""
    why = refused.why
    fields = {
        Why.EMPTY: ("words", _("请填写批注内容")),
        Why.TOO_LONG: ("words", _("最多 %(n)s 个字", n=WORDS_LENGTH)),
        Why.TOO_MANY_MENTIONS: ("words", _("一次最多提醒 %(n)s 人", n=MOST_MENTIONS)),
    }
    if why in fields:
        name, sentence = fields[why]
        return InvalidInput(_("有内容需要修改"), sentence, fields={name: sentence})
    others: dict[Why, MainlineError] = {
        Why.NO_PLACE: InvalidInput(_("标注的位置不在画面之内"), _("请重新标注位置。")),
        Why.NO_PICTURE: InvalidInput(_("这个版本没有预览，无法标注位置"), _("可以不标位置，直接写批注。")),
        Why.NO_FILM: InvalidInput(_("这个版本不是视频，没有时间点"), _("请重新标注位置。")),
        Why.TOO_MANY: TooManyRequests(_("操作太频繁"), _("请稍候片刻再试。")),
        Why.FULL: Conflict(_("批注已满"), _("每条批注最多 %(n)s 条回复，每个文件最多 %(m)s 条批注。", n=MOST_REPLIES, m=MOST_THREADS)),
        Why.RESOLVED: Conflict(_("这条批注已解决"), _("请先重新打开，再回复。")),
        Why.GONE: Conflict(_("这条批注已删除"), _("请刷新后查看最新状态。")),
        Why.NOT_OWN: NotAllowed(_("只能修改自己的批注")),
        Why.TOO_LATE: Conflict(_("已超过 30 分钟，不能再修改"), _("可以回复补充说明。")),
    }
    return others[why]


def unseen(name: str) -> InvalidInput:
    """Why somebody cannot be mentioned."""
    sentence = _("%(name)s不能查看这个文件，无法提醒。请先请管理者给予查看权限。", name=name)
    return InvalidInput(_("有内容需要修改"), sentence, fields={"words": sentence})
