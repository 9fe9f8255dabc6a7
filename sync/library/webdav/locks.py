"""Locks of network folders, where WsgiDAV looks for them. Each process sees those of all others."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from flask import g
from sqlalchemy import delete, select
from wsgidav.dav_error import HTTP_FORBIDDEN, HTTP_LOCKED, DAVError

from sync.library.leases.access import leases_by_node
from sync.library.leases.actions import return_lease, take_lease
from sync.library.libraries.models import Library
from sync.library.webdav.models import DavLock
from workspace.db import Database
from workspace.errors import Conflict, InvalidInput, NotAllowed, NotFound
from workspace.i18n import _
from workspace.web import request_work, web
from workspace.work import Work

MOST = 200
"""Live locks of one member."""
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

    def check_room(self, principal: str) -> None:
        """A member's locks are bounded: each request of everybody looks at all of them."""
        if sum(lock["principal"] == principal for lock in self._live()) >= MOST:
            raise DAVError(HTTP_FORBIDDEN, _("您锁定的文件太多") + " " + _("最多 %(n)s 个，请先关闭一些。", n=MOST))

    def create(self, path: str, lock: Lock) -> Lock:
        """Keep a new lock; fills in its root, token and end. timeout: seconds, -1 for as long as possible."""
        self.check_room(lock["principal"])
        timeout = _bounded(lock.get("timeout"))
        lock |= {"root": _root(path), "token": f"opaquelocktoken:{secrets.token_hex(24)}", "timeout": timeout}
        body = {name: lock[name] for name in ("type", "scope", "depth", "principal", "timeout")}
        body["owner"] = _text(lock.get("owner"))[:2000]
        until = datetime.now(UTC) + timedelta(seconds=timeout)
        lock["expire"] = until.timestamp()
        with request_work(writes=True) as work:
            work.session.execute(delete(DavLock).where(DavLock.expires_at < work.now))
            _check_conflicts(work, lock)
            work.session.add(DavLock(token=lock["token"], root=lock["root"], body=body, expires_at=until))
        try:
            self._check_out(lock["root"], body)
        except DAVError:
            self._remove(lock["token"])
            raise
        finally:
            self._forget()
        return lock

    def refresh(self, token: str, *, timeout: float) -> Lock:
        """The check-out first: it may be somebody else's by now."""
        lock = self.get(token)
        if lock is None:
            raise ValueError(f"no lock {token}")
        seconds = _bounded(timeout)
        self._check_out(str(lock["root"]), {**lock, "timeout": seconds})
        with self._database().session(writes=True) as session:
            row = session.get(DavLock, token)
            if row is not None:
                row.expires_at = datetime.now(UTC) + timedelta(seconds=seconds)
            session.commit()
        self._forget()
        lock = self.get(token)
        assert lock is not None
        return lock

    def delete(self, token: str) -> bool:
        found = self._remove(token)
        if found is not None and _is_check_out(found.root, found.body):
            with request_work(writes=True) as work:
                return_lease(work, _node_of(found.root), way="webdav")
        self._forget()
        return found is not None

    def _remove(self, token: str) -> DavLock | None:
        with self._database().session(writes=True) as session:
            found = session.get(DavLock, token)
            if found is not None:
                session.delete(found)
            session.commit()
        return found

    def get_lock_list(self, path: str, *, include_root: bool, include_children: bool, token_only: bool) -> list[Any]:
        root = _root(path)
        found = list(self._by_root().get(root, ())) if include_root else []
        if include_children:
            below = root.rstrip("/") + "/"
            found += [lock for lock in self._live() if str(lock["root"]).startswith(below)]
        return [lock["token"] for lock in found] if token_only else found

    def _check_out(self, root: str, lock: Lock) -> None:
        """A program's lock is a check-out like any other, so that mounts and pages show it and keep to it."""
        if _is_check_out(root, lock):
            try:
                with request_work(writes=True) as work:
                    take_lease(work, _node_of(root), way="webdav", lasts=timedelta(seconds=lock["timeout"]))
            except Conflict as error:
                raise DAVError(HTTP_LOCKED, str(error.title)) from error
            except (NotFound, NotAllowed, InvalidInput) as error:
                raise DAVError(HTTP_FORBIDDEN, str(error.title)) from error

    def _live(self) -> list[Lock]:
        if "webdav_locks" not in g:
            with request_work(writes=False) as work:
                g.webdav_locks = live_locks(work)
        return list(g.webdav_locks)

    def _by_root(self) -> dict[str, list[Lock]]:
        """A listing asks for each thing in a folder."""
        if "webdav_locks_by_root" not in g:
            g.webdav_locks_by_root = {}
            for lock in self._live():
                g.webdav_locks_by_root.setdefault(lock["root"], []).append(lock)
        return cast(dict[str, list[Lock]], g.webdav_locks_by_root)

    def _forget(self) -> None:
        g.pop("webdav_locks", None)
        g.pop("webdav_locks_by_root", None)

    def _database(self) -> Database:
        return web().parts.get(Database)


def _is_check_out(root: str, lock: Lock) -> bool:
    """Of one file, for one program. A lock of a folder or a shared one keeps only other programs of network folders away."""
    return lock["scope"] == "exclusive" and lock["depth"] == "0" and root.count("/") > 1


def _node_of(root: str) -> str:
    return root.rpartition("/")[2]


def live_locks(work: Work) -> list[Lock]:
    """Those in force. One whose check-out was taken back, or ended with the right to edit, is none any more."""
    locks = [_lock(row) for row in work.session.scalars(select(DavLock).where(DavLock.expires_at > work.now).order_by(DavLock.token))]
    bound = {lock["token"]: _node_of(lock["root"]) for lock in locks if _is_check_out(lock["root"], lock)}
    leases = leases_by_node(work, bound.values()) if bound else {}
    holders = {token: leases[node_id].member_id for token, node_id in bound.items() if node_id in leases}
    return [lock for lock in locks if lock["token"] not in bound or holders.get(lock["token"]) == lock["principal"]]


def _check_conflicts(work: Work, lock: Lock) -> None:
    """Once more, under the library's lock: WsgiDAV keeps only the requests of its own process apart."""
    root = str(lock["root"])
    work.session.execute(select(Library.id).where(Library.id == root.split("/")[1]).with_for_update())
    for other in live_locks(work):
        if lock["scope"] == other["scope"] == "shared":
            continue
        above = other["depth"] == "infinity" and root.startswith(f"{other['root']}/")
        below = lock["depth"] == "infinity" and str(other["root"]).startswith(f"{root}/")
        if other["root"] == root or above or below:
            raise DAVError(HTTP_LOCKED)


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
