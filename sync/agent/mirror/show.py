"""The status in words, for `mainline-agent status`. Reads what `status.py` wrote; decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sync.agent.mirror.words import reason, say, size_in_words

_STATES = {
    "starting": "正在启动", "mounted": "运行中", "stopping": "正在停止", "not_enrolled": "未登记", "failed": "出错停止",
    "stopped": "同步客户端没有运行",
}  # fmt: skip
_SHOWN = 10


def save_in_words(save: Mapping[str, Any]) -> str:
    """Where one file is: 在本机 → 上传 n% → 已安全 → 已被 n 处看到."""
    match save.get("state"):
        case "on_this_machine":
            return say("在本机")
        case "uploading":
            return say("上传 {percent}%", percent=save.get("percent", 0))
        case "safe" if save.get("seen"):
            return say("已被 {seen} 处看到", seen=save["seen"])
        case "safe":
            return say("已安全")
        case "conflict":
            return say("有冲突，两份都已保留")
        case "refused":
            return f"{say('被拒绝')}: {save.get('message', '')}"
        case "draft":
            return say("草稿")
        case "fetching":
            return say("下载 {percent}%", percent=save.get("percent", 0))
        case "here":
            return say("已在本机")
        case other:
            return str(other)


def lines(status: Mapping[str, Any]) -> Iterator[str]:
    """The whole status for a person."""
    state = status.get("state", "stopped")
    words = say("已暂停") if state == "mounted" and status.get("paused") else say(_STATES.get(state, "同步客户端没有运行"))
    yield f"{say('状态')}: {words}"
    if status.get("member"):
        yield f"{say('成员')}: {status['member']}"
    if status.get("mount_point"):
        yield f"{say('文件夹')}: {status['mount_point']}"
    yield from _overall(status)
    yield from _pinned(status)
    for what in ("error", "refused"):
        if status.get(what):
            yield f"{say('问题')}: {status[what]}"
    if status.get("error") and status.get("pending_ops"):
        yield say("待上传的都在这台机器上，不用重新保存")
    if status.get("folder") not in (None, "watched"):
        yield f"{say('问题')}: {reason(status['folder'])}"
    if status.get("kept"):
        yield say("{count} 个没有上传的文件已不能上传，保存在 {path}", count=status["kept"], path=status.get("kept_in", ""))
    saves = status.get("saves", [])[:_SHOWN]
    if saves:
        yield f"{say('最近的文件')}:"
        yield from (f"  {save['path'].lstrip('/')}  {save_in_words(save)}" for save in saves)
    troubles = status.get("troubles", [])
    if troubles:
        yield f"{say('未能同步 {count} 项', count=status.get('troubles_count', len(troubles)))}:"
        yield from (f"  {trouble['path']}  {reason(trouble['reason'])}" for trouble in troubles)


def _pinned(status: Mapping[str, Any]) -> Iterator[str]:
    if status.get("pinned"):
        yield f"{say('始终保留在本机')}:"
    for each in status.get("pinned", []):
        sizes = {"here": size_in_words(each["here_bytes"]), "size": size_in_words(each["size_bytes"])}
        words = say("{here_files}/{files} 个文件，{here}/{size}", here_files=each["here_files"], files=each["files"], **sizes)
        yield f"  {each['path'].lstrip('/')}  {words}" + (f"  {say('问题')}: {reason(each['problem'])}" if each["problem"] else "")


def _overall(status: Mapping[str, Any]) -> Iterator[str]:
    if "mirrored_files" in status:
        yield say("本机有 {files} 个文件，共 {size}", files=status["mirrored_files"], size=size_in_words(status["mirrored_bytes"]))
    ops, waiting = status.get("pending_ops", 0), status.get("to_settle", 0)
    if ops:
        yield say("待上传 {ops} 项，{size}", ops=ops, size=size_in_words(status.get("pending_bytes", 0)))
    if waiting or status.get("fetching"):
        yield say("待处理 {count} 项，正在下载 {fetching} 个", count=waiting, fetching=status.get("fetching", 0))
    if not ops and not waiting and status.get("state") == "mounted" and not status.get("troubles"):
        yield say("全部同步完成")
