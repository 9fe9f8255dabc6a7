"""What saves say of content: that its chunks are in the library and theirs to use, and how long each is."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select, tuple_

from sync.core.hashing import Address
from sync.core.manifest import Manifest, manifest_digest
from sync.core.protocol import Commit
from sync.library.assets.models import Version
from sync.library.assets.tree import Tree
from sync.library.content.access import claim_chunks
from sync.library.grants.chunks import missing_for
from sync.library.grants.rules import View
from workspace.work import Work


class Claims:
    """Of the saves of one transaction, which holds the library's lock. What is there is not collected any more. view: of their author."""

    def __init__(self, tree: Tree, view: View, commits: Sequence[Commit]) -> None:
        self._sizes: dict[Address, int] = {}
        chunks = [chunk.address for op in commits for chunk in op.manifest.chunks]
        bases = [] if view.sees_all else _bases(tree, commits)
        self._missing = set(missing_for(tree.work, view, chunks, bases=bases, look=self._look))

    def lacking(self, manifest: Manifest) -> list[Address]:
        """The chunks that must be brought first."""
        return [chunk.address for chunk in manifest.chunks if chunk.address in self._missing] if self._missing else []

    def hold(self, manifest: Manifest) -> bool:
        """Whether nothing is lacking, and each chunk is as long as is said: by that a reader finds every byte."""
        return not self.lacking(manifest) and all(self._sizes[chunk.address] == chunk.size_bytes for chunk in manifest.chunks)

    def _look(self, work: Work, library_id: str, addresses: Iterable[Address]) -> list[Address]:
        return claim_chunks(work, library_id, addresses, self._sizes)


def _bases(tree: Tree, commits: Sequence[Commit]) -> list[str]:
    """Contents whose chunks these saves may use without bringing them, as far as their author may see them (see missing_for)."""
    before = [(op.node, op.base_version) for op in commits if op.base_version]
    digests = tree.work.session.scalars(select(Version.digest).where(tuple_(Version.node_id, Version.number).in_(before)))
    heads = [node.digest for op in commits if (node := tree.node(op.node)) is not None and node.digest is not None]
    return [*digests, *heads, *(manifest_digest(op.manifest) for op in commits)]
