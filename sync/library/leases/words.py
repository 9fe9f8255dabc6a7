"""Check-outs in words."""

from sync.library.leases.models import Lease
from workspace.errors import Conflict
from workspace.i18n import _


def checked_out(lease: Lease, name: str) -> Conflict:
    """What somebody is told who may not change an asset now. name: of the asset."""
    title = _("%(name)s 正在编辑“%(asset)s”", name=lease.member_name, asset=name)
    return Conflict(title, _("归还后再试，或请素材库的管理者收回。"), code="checked_out")
