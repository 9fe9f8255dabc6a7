"""What an export tells of. Of an import each saved version tells by itself."""

from workspace.events.kinds import N_, EventKind


class ExchangeEvent(EventKind):
    EXPORTED = "library.library.exported", N_("%(actor)s 将素材库“%(library)s”导出为普通文件：%(files)s 个文件")
