"""The job table. huey lost tasks on kill -9 (measured, SQLite and Redis); a row in the change's own transaction does not."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind


class Job(Base):
    """state: waiting -> running -> (deleted when done | waiting again | failed). A running job whose lease ended runs again."""

    __tablename__ = "job"
    __unaudited__ = "operational; what a job changes is recorded by the job"
    __table_args__ = (Index("ix_job_due", "state", "lane", "run_at"), Index("ix_job_waiting_key", "name", "key", "state"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    key: Mapped[str | None] = mapped_column(String(160))
    lane: Mapped[str] = mapped_column(String(20))
    args: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(10))
    run_at: Mapped[datetime]
    created_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(Integer)
    lease_until: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)


class PeriodicRun(Base):
    """When a periodic job was last put into the table; the primary key lets one worker win."""

    __tablename__ = "periodic_run"
    __unaudited__ = "operational"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    last_at: Mapped[datetime]


class JobEvent(EventKind):
    RETRIED = "workspace.job.retried", N_("%(actor)s 让失败的任务“%(job)s”重新执行")
    ALL_RETRIED = "workspace.job.all_retried", N_("%(actor)s 让 %(count)s 个失败的任务重新执行")
