"""Machines without a mount: the agents' protocol over HTTP, for filling a library and for being many."""

from benchmarks.syncing.site import Library, Site
from sync.core import protocol as p
from tests.contracts.library_contract import Client, Subject
from workspace.db import new_id

BATCH = 300


def client_of(site: Site, library: Library, person: str) -> Client:
    """A device of somebody, enrolled."""

    def grant(_library: str, _person: str, _right: p.Right | None) -> None:
        raise NotImplementedError("nobody's rights change here")

    return Client(Subject(site.product.url, library.id, site.issue_code, grant), person)


def make_folder(client: Client, parent: str, name: str) -> str:
    """Make a folder; returns its node."""
    op = p.MakeFolder(new_id(), new_id(), parent, name)
    carried_out(client.op(op))
    return op.node


def carried_out(answer: p.OpAnswer) -> None:
    """RuntimeError unless the operation was carried out."""
    if answer.outcome is not p.Outcome.APPLIED:
        raise RuntimeError(f"the server says {answer.outcome.value}: {answer.error}")


def fill(client: Client, top: str, start: int, stop: int) -> None:
    """Small files number ``start`` to ``stop`` with contents of their own, a hundred in a folder."""
    folder = ""
    ops: list[p.Op] = []
    contents: list[bytes] = []
    for number in range(start, stop):
        if number % 100 == 0:
            folder = new_id()
            ops.append(p.MakeFolder(new_id(), folder, top, f"{number // 100:04d}"))
        contents.append(f"素材 {number}".encode())
        ops.append(client.commit_op(f"{number:06d}.dat", contents[-1], parent=folder))
        if len(contents) == BATCH or number == stop - 1:
            for answer in client.remote.ops(client.library, p.OpsRequest(tuple(ops), client.store(*contents))):
                carried_out(answer)
            ops, contents = [], []
