"""Locks of network folders, where WsgiDAV looks for them. Each process sees those of all others."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import g
from sqlalchemy import delete, select
from wsgidav.dav_error import HTTP_FORBIDDEN, HTTP_LOCKED, DAVError

from sync.library.leases.actions import return_lease, take_lease
from sync.library.webdav.models import DavLock
from workspace.db import Database
from workspace.errors import Conflict, InvalidInput, NotAllowed, NotFound
from workspace.web import request_work, web

LONGEST_S = 3600
"""A program that lives refreshes its lock; one that died must not keep a file from others for a day."""
Lock = dict[str, Any]


class LockStorage:
    """Rows of DavLock as WsgiDAV's lock dictionaries. A request reads all live locks once; there are never many."""

    def open(self) -> None:
        """Nothing to prepare."""

    def close(self) -> None:
        """Nothing to close."""

    def get(self, token: str) -> Lock | None:
        return next((lock for lock in self._live() if lock["token"] == token), None)

    def create(self, path: str, lock: Lock) -> Lock:
        """Keep a new lock; fills in its root, token and end. timeout: seconds, -1 for as long as possible."""
        timeout = _bounded(lock.get("timeout"))
        self._check_out(_root(path), lock)
        lock |= {"root": _root(path), "token": f"opaquelocktoken:{secrets.token_hex(24)}", "timeout": timeout}
        body = {name: lock[name] for name in ("type", "scope", "depth", "principal", "timeout")}
        body["owner"] = _text(lock.get("owner"))[:2000]
        until = datetime.now(UTC) + timedelta(seconds=timeout)
        lock["expire"] = until.timestamp()
        with self._database().session(writes=True) as session:
            session.execute(delete(DavLock).where(DavLock.expires_at < datetime.now(UTC)))
            session.add(DavLock(token=lock["token"], root=lock["root"], body=body, expires_at=until))
            session.commit()
        self._forget()
        return lock

    def refresh(self, token: str, *, timeout: float) -> Lock:
        until = datetime.now(UTC) + timedelta(seconds=_bounded(timeout))
        with self._database().session(writes=True) as session:
            row = session.get(DavLock, token)
            if row is None:
                raise ValueError(f"no lock {token}")
            row.expires_at = until
            root, body = row.root, dict(row.body)
            session.commit()
        self._check_out(root, body)
        self._forget()
        lock = self.get(token)
        assert lock is not None
        return lock

    def delete(self, token: str) -> bool:
        with self._database().session(writes=True) as session:
            found = session.get(DavLock, token)
            root, binding = (found.root, _is_check_out(found.root, found.body)) if found is not None else ("", False)
            if found is not None:
                session.delete(found)
            session.commit()
        if binding:
            with request_work(writes=True) as work:
                return_lease(work, root.rpartition("/")[2], way="webdav")
        self._forget()
        return found is not None

    def get_lock_list(self, path: str, *, include_root: bool, include_children: bool, token_only: bool) -> list[Any]:
        root = _root(path)
        below = root.rstrip("/") + "/"
        found = [
            lock for lock in self._live()
            if (include_root and lock["root"] == root) or (include_children and str(lock["root"]).startswith(below))
        ]  # fmt: skip
        return [lock["token"] for lock in found] if token_only else found

    def _check_out(self, root: str, lock: Lock) -> None:
        """A program's lock is a check-out like any other, so that mounts and pages show it and keep to it."""
        if _is_check_out(root, lock):
            try:
                with request_work(writes=True) as work:
                    take_lease(work, root.rpartition("/")[2], way="webdav")
            except Conflict as error:
                raise DAVError(HTTP_LOCKED, str(error.title)) from error
            except (NotFound, NotAllowed, InvalidInput) as error:
                raise DAVError(HTTP_FORBIDDEN, str(error.title)) from error

    def _live(self) -> list[Lock]:
        if "webdav_locks" not in g:
            with self._database().session(writes=False) as session:
                rows = session.scalars(select(DavLock).where(DavLock.expires_at > datetime.now(UTC)).order_by(DavLock.token))
                g.webdav_locks = [_lock(row) for row in rows]
        return list(g.webdav_locks)

    def _forget(self) -> None:
        g.pop("webdav_locks", None)

    def _database(self) -> Database:
        return web().parts.get(Database)


def _is_check_out(root: str, lock: Lock) -> bool:
    """Of one file, for one program. A lock of a folder or a shared one keeps only other programs of network folders away."""
    return lock["scope"] == "exclusive" and lock["depth"] == "0" and root.count("/") > 1


def _lock(row: DavLock) -> Lock:
    owner = str(row.body["owner"]).encode()
    return {**row.body, "owner": owner, "root": row.root, "token": row.token, "expire": row.expires_at.timestamp()}


def _root(path: str) -> str:
    return "/" + _text(path).strip("/")


def _bounded(timeout: Any) -> float:
    seconds = float(timeout) if timeout is not None else LONGEST_S
    return LONGEST_S if seconds < 0 else min(max(seconds, 1.0), LONGEST_S)


def _text(value: bytes | str | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""
