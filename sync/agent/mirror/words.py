"""What the command line says, Chinese first; English where the system's language is not Chinese.

No gettext here: the agent brings no catalogue, and its texts are few. A reason's code is what is kept; words are made when
they are shown.
"""

from __future__ import annotations

import locale
import os
import sys

ENGLISH = {
    "在本机": "on this machine",
    "上传 {percent}%": "uploading {percent}%",
    "已安全": "safe",
    "已被 {seen} 处看到": "seen by {seen} others",
    "有冲突，两份都已保留": "conflict, both are kept",
    "被拒绝": "refused",
    "草稿": "draft",
    "下载 {percent}%": "fetching {percent}%",
    "已在本机": "is here",
    "同步客户端没有运行": "the sync agent is not running",
    "正在启动": "starting",
    "运行中": "running",
    "已暂停": "paused",
    "正在停止": "stopping",
    "未登记": "not enrolled",
    "出错停止": "failed",
    "状态": "state",
    "成员": "member",
    "文件夹": "folder",
    "本机有 {files} 个文件，共 {size}": "{files} files here, {size}",
    "全部同步完成": "everything is in sync",
    "待上传 {ops} 项，{size}": "{ops} to send, {size}",
    "待处理 {count} 项，正在下载 {fetching} 个": "{count} to settle, {fetching} being fetched",
    "待上传的都在这台机器上，不用重新保存": "what is to be sent is on this machine; nothing need be saved again",
    "{count} 个没有上传的文件已不能上传，保存在 {path}": "{count} files that were not sent can no longer be; they are kept in {path}",
    "最近的文件": "recent files",
    "未能同步 {count} 项": "{count} could not be synced",
    "问题": "problem",
    "还没有选择素材库。用 mirror add 选择。": "No library is chosen yet. Choose with: mirror add",
    "全部素材库": "all libraries",
    "不限": "no limit",
    "上传 {up}，下载 {down}": "up {up}, down {down}",
    "已选择“{path}”": "chosen: {path}",
    "已取消“{path}”，已安全的本机副本会被移走": "left out: {path}; copies here that are safe will be taken away",
    "包括": "in",
    "不包括": "out",
    "已暂停同步": "paused",
    "已继续同步": "resumed",
    "素材会放在 {root}": "libraries go into {root}",
    "镜像已经开始，不能改到别处": "the mirror has begun and cannot go elsewhere",
    "没有找到“{path}”": "no such folder: {path}",
    "忽略规则 {count} 条，写在 {path}": "{count} ignore rules in {path}",
    "已登记为{member}的电脑": "enrolled as a computer of {member}",
    "已写入 {path}": "written: {path}",
    "已移除 {path}": "removed: {path}",
    "已启动服务": "the service is running",
    "请运行：{command}": "now run: {command}",
    "只能安装这台电脑自己的服务": "only this computer's own service can be installed",
    "没有日志": "no log",
    "始终保留在本机": "always kept here",
    "{here_files}/{files} 个文件，{here}/{size}": "{here_files} of {files} files, {here} of {size}",
    "“{path}”会始终保留在这台机器上；进度见 mainline-agent status": "{path} is always kept on this machine; see mainline-agent status",
    "“{path}”不再始终保留；空间不够时会先移走": "{path} is kept only as long as there is room",
    "这里不是挂载的素材库": "this is not in a mounted library",
    "这台机器放不下“{path}”：共 {needed}，磁盘只剩 {free}，还要为保存留出空间": (
        "{path} does not fit on this machine: {needed} in all, {free} of the disk free, and saves need some of it"
    ),
    "没有这个文件夹": "there is no such folder",
    "只能保留文件夹，不能保留单个文件": "only folders can be kept, no single files",
    "请选择一个素材库，或素材库里的文件夹": "choose a library or a folder in one",
    "这个文件夹本来就没有设为始终保留": "this folder was not kept",
    "这里的同步客户端太旧，还不能保留文件夹": "the sync agent here is too old to keep folders",
    "没有成功": "it did not work",
    "从网页“我的设备”复制登记信息，粘贴到这里，然后按回车：": "Copy what the page “My devices” shows, paste it here and press Enter:",
}  # fmt: skip

REASONS = {
    "no_room": ("本机空间不足", "not enough room on this machine"),
    "name_empty": ("名称为空", "the name is empty"),
    "name_dots": ("名称不能是 . 或 ..", "the name cannot be . or .."),
    "name_slash": ("名称里不能有斜线", "the name holds a slash"),
    "name_control": ("名称里有看不见的控制字符", "the name holds an invisible control character"),
    "name_forbidden_character": ('名称里有 < > : " | ? * 之一', 'the name holds one of < > : " | ? *'),
    "name_trailing_dot_or_space": ("名称不能以点或空格结尾", "the name ends with a dot or a space"),
    "name_reserved": ("这个名称被 Windows 保留", "Windows reserves this name"),
    "name_too_long": ("名称太长", "the name is too long"),
    "name_not_unicode": ("名称不是有效的文字", "the name is not valid text"),
    "not_a_file": ("是链接或设备，不是文件", "a link or a device, not a file"),
    "case_clash": ("与同一文件夹里的另一个名称只差大小写", "another name in this folder differs in case only"),
    "name_taken": ("素材库里这个名称是另一种东西（文件或文件夹）", "the library has something else of this name"),
    "not_chosen": ("所在文件夹没有选择同步", "its folder is not chosen"),
    "not_chosen_but_kept": ("已取消同步，但里面还有没有上传的内容", "left out, but something inside is not in the library"),
    "library_read_only": ("你只能查看这个素材库", "you may only look at this library"),
    "folder_read_only": ("你只能查看这个文件夹", "you may only look at this folder"),
    "checked_out": ("别人正在编辑，已锁定；交还后自动继续", "somebody else has it checked out; it goes on when they return it"),
    "not_in_a_library": ("不在任何素材库里", "it is in no library"),
    "too_deep": ("文件夹一层套一层，超过 100 层", "folders lie more than 100 deep"),
    "volume_missing": ("原先在这里的磁盘没有接上。不会删除任何东西。", "the disk that was here is not connected; nothing is deleted"),
    "left_by_programs": (
        "文件夹在别处被删除，程序留在里面的内容保留在这里",
        "its folder was deleted elsewhere; what programs left in it is kept here",
    ),
    "path_too_long": ("这台电脑放不下这么长的路径", "the path is too long for this computer"),
    "cannot_read": ("无法读取", "cannot be read"),
    "cannot_write": ("无法写入", "cannot be written"),
    "disk_full": ("这台电脑的磁盘已满，腾出空间后自动继续", "this computer's disk is full; it goes on when there is room"),
    "disk_read_only": ("这台电脑的磁盘是只读的，恢复可写后自动继续", "this computer's disk is read-only; it goes on when it is not"),
    "disk_failing": ("这台电脑的磁盘无法读写，请检查磁盘", "this computer's disk fails; please check it"),
    "file_busy": ("正被其他程序使用，稍后再试", "a program has it open; it is tried again"),
    "not_fetched": ("下载没有完成，稍后再试", "was not fetched; it is tried again"),
    "written_after_replaced": ("被替换后又有程序写入，内容保留在这里", "a program wrote into it after it was replaced; kept here"),
    "watch_limit": (
        "系统的监视数量已满，改为每 30 秒检查一次（可调大 fs.inotify.max_user_watches）",
        "the system's limit of watches is reached; looking every 30 s (raise fs.inotify.max_user_watches)",
    ),
    "watch_failed": ("无法监视文件夹，改为每 30 秒检查一次", "the folder cannot be watched; looking every 30 s"),
    "missing": ("镜像文件夹不见了：磁盘可能没有接上。不会删除任何东西。", "the folder is not there: is its disk connected?"),
}  # fmt: skip


def is_chinese() -> bool:
    """Whether to speak Chinese: always, unless the member's system says another language."""
    for name in ("MAINLINE_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value and value not in ("C", "POSIX", "C.UTF-8"):
            return value.lower().startswith("zh")
    language = (locale.getlocale()[0] or "") if sys.platform in ("win32", "darwin") else ""  # set without the variables there
    return not language or language.lower().startswith(("zh", "chinese"))


def say(text: str, **values: object) -> str:
    """A text in the member's language."""
    spoken = text if is_chinese() else ENGLISH[text]
    return spoken.format(**values) if values else spoken


def reason(code: str) -> str:
    """A reason in words; a code that nobody wrote words for is shown as it is."""
    zh, en = REASONS.get(code, (code, code))
    return zh if is_chinese() else en


def size_in_words(size_bytes: int) -> str:
    """A length for people."""
    size = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    raise AssertionError("GiB is the last unit")
