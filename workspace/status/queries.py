"""How the running product is: parts and jobs, as the administrator reads it."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select

from workspace.db import Database
from workspace.events.models import Event
from workspace.i18n import _
from workspace.jobs.models import Job, PeriodicRun
from workspace.ports import tcp_answers
from workspace.settings import Settings
from workspace.work import Work

SHOWN_FAILURES = 20
WORKER_SILENT = timedelta(minutes=1)  # A worker notes periodic jobs every few seconds.
QUEUE_STUCK = timedelta(minutes=2)


@dataclass(frozen=True)
class PartRow:
    label: str
    note: str
    tone: str
    words: str


@dataclass(frozen=True)
class FailedJob:
    id: str
    name: str
    error: str
    created_at: object


@dataclass(frozen=True)
class Status:
    """head: sequence of the newest event."""

    jobs_waiting: int
    jobs_running: int
    jobs_failed: int
    head: int
    parts: list[PartRow]
    failed: list[FailedJob]


def read_status(work: Work, parts: list[PartRow]) -> Status:
    counts = {row.state: row.total for row in work.session.execute(select(Job.state, func.count().label("total")).group_by(Job.state))}
    failed = work.session.scalars(select(Job).where(Job.state == "failed").order_by(Job.created_at.desc()).limit(SHOWN_FAILURES))
    return Status(
        jobs_waiting=counts.get("waiting", 0),
        jobs_running=counts.get("running", 0),
        jobs_failed=counts.get("failed", 0),
        head=int(work.session.scalar(select(func.max(Event.seq))) or 0),
        parts=[*parts, _worker_row(work)],
        failed=[
            FailedJob(job.id, job.name, (job.error or "").splitlines()[0][:200] if job.error else "", job.created_at) for job in failed
        ],
    )


def _worker_row(work: Work) -> PartRow:
    """Workers listen on no port: one that lives notes its periodic jobs, and takes what is due."""
    label = _("后台任务")
    last_at = work.session.scalar(select(func.max(PeriodicRun.last_at)))
    if last_at is None or work.now - last_at > WORKER_SILENT:
        return PartRow(label, _("没有进程在执行任务：通知、预览和云桌面都会停下"), "blocked", _("没有应答"))
    oldest = work.session.scalar(select(func.min(Job.run_at)).where(Job.state == "waiting"))
    if oldest is not None and work.now - oldest > QUEUE_STUCK:
        minutes = int((work.now - oldest).total_seconds() // 60)
        return PartRow(label, _("最早的任务已等了 %(n)s 分钟", n=minutes), "late", _("积压"))
    return PartRow(label, _("任务队列、定时检查与事件转发"), "done", _("正常"))


def probe_parts(settings: Settings, database: Database) -> list[PartRow]:
    """Ask each part whether it answers; at most about a second each, outside any transaction."""
    store_host, store_port = _store_address(settings)
    return [
        PartRow(_("数据库"), "SQLite" if database.is_sqlite else "PostgreSQL", "done", _("正常")),
        _answers(_("素材存储"), _("内置 SeaweedFS") if not settings.s3_endpoint else settings.s3_endpoint, store_host, store_port),
        _answers(_("实时推送"), "Socket.IO", settings.host, settings.realtime_port),
        _answers(_("桌面网关"), _("云桌面画面与素材通道"), settings.host, settings.gateway_port),
    ]


def _answers(label: str, note: str, host: str, port: int) -> PartRow:
    up = tcp_answers(host, port)
    return PartRow(label, note, "done" if up else "blocked", _("正常") if up else _("没有应答"))


def _store_address(settings: Settings) -> tuple[str, int]:
    if not settings.s3_endpoint:
        return "127.0.0.1", settings.store_port  # It listens nowhere else, whatever the pages do.
    host, _colon, port = settings.s3_endpoint.partition(":")
    return host, int(port or (443 if settings.s3_secure else 80))
