"""The words and tones by which people read a desktop's state; one table for pages, API and events."""

from typing import Any

from desktops.machines.rules import State
from workspace.i18n import _l

# state -> (tone, what it is called, what the person may expect)
_STATES: dict[State, tuple[str, Any, Any]] = {
    State.REQUESTED: ("waiting", _l("已申请"), _l("正在选择宿主机。")),
    State.PLACED: ("running", _l("准备磁盘"), _l("正在复制系统盘，通常几秒钟。")),
    State.CLONED: ("running", _l("准备虚拟机"), _l("磁盘已就绪，正在登记虚拟机。")),
    State.STOPPED: ("idle", _l("已关机"), _l("连接时会自动开机。")),
    State.STARTING: ("running", _l("正在开机"), _l("正在接通电源。")),
    State.BOOTING: ("running", _l("系统启动中"), _l("系统正在启动并挂载素材库，通常不到一分钟。")),
    State.READY: ("done", _l("已就绪"), _l("可以连接。")),
    State.IN_USE: ("done", _l("使用中"), _l("控制台已打开。")),
    State.IDLE: ("late", _l("即将休眠"), _l("一段时间没有操作，移动鼠标或按任意键即可继续。")),
    State.HIBERNATING: ("running", _l("正在休眠"), _l("正在把内存保存到磁盘。")),
    State.HIBERNATED: ("idle", _l("已休眠"), _l("连接时几秒内恢复到离开时的样子。")),
    State.WAKING: ("running", _l("正在唤醒"), _l("正在恢复到离开时的样子。")),
    State.RETIRING: ("waiting", _l("正在回收"), _l("正在移除虚拟机和系统盘，数据盘会保留。")),
    State.GONE: ("idle", _l("已回收"), _l("需要时可以重新申请。")),
}


def state_tone(state: State) -> str:
    return _STATES[state][0]


def state_words(state: State) -> Any:
    return _STATES[state][1]


def state_hint(state: State) -> Any:
    return _STATES[state][2]
