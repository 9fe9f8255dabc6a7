"""What collection tells of. Its marks are columns of what they are on (content/models.py)."""

from workspace.events.kinds import N_, EventKind


class CollectionEvent(EventKind):
    COLLECTED = "library.content.collected", N_("素材库“%(library)s”清理了不再需要的内容：%(packs)s 个数据包，%(megabytes)s MB")
