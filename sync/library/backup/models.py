"""What a backup tells of."""

from workspace.events.kinds import N_, EventKind


class BackupEvent(EventKind):
    MADE = "library.backup.made", N_("%(actor)s 完成了备份：%(objects)s 个对象，其中 %(new)s 个是新的")
    RESTORED = "library.backup.restored", N_("%(actor)s 从 %(made_at)s 的备份恢复了系统：%(objects)s 个对象")
