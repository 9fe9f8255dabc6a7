"""Why there is no preview, as the page says it."""

from sync.library.previews.rules import Reason
from workspace.i18n import _


def say_reason(code: str | None) -> str:
    """The sentence for a stored reason; a general one for previews made before reasons were kept."""
    return _words().get(code or "", _("这个文件的内容与它的类型不符，无法生成预览"))


def _words() -> dict[str, str]:
    return {
        Reason.TOO_MANY_PIXELS.value: _("像素太多，超过预览的上限，请下载后查看"),
        Reason.DAMAGED.value: _("文件不完整或已损坏，无法生成预览"),
        Reason.ENCRYPTED.value: _("文件有密码保护，无法生成预览"),
        Reason.NO_PICTURE.value: _("文件里没有保存可显示的画面，请在原软件中打开兼容或缩略图选项后再保存"),
        Reason.ACTIVE.value: _("文件含有脚本或外部引用，出于安全不生成预览"),
        Reason.UNKNOWN_KIND.value: _("这个文件的内容与它的类型不符，无法生成预览"),
        Reason.TOO_MUCH_MEMORY.value: _("生成预览所需的内存超过上限，请下载后查看"),
        Reason.TOO_LONG_A_FILM.value: _("视频超过 20 分钟，没有生成在线播放的小样，请下载后观看"),
        Reason.TIMED_OUT.value: _("生成预览超过时限，请下载后查看"),
        Reason.TOO_LARGE.value: _("文件超过预览的大小上限，请下载后查看"),
    }
