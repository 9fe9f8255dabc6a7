"""An approval admin sees every approval, and decides none that they do not hold."""

import pytest

from main_lines.approvals.access import get_request
from main_lines.approvals.actions import approve_request
from main_lines.approvals.models import ApprovalPermission
from main_lines.approvals.queries import show_request
from tests.house import member_named
from tests.main_lines.approvals.conftest import Clerk, WorkAs
from workspace.errors import NotAllowed
from workspace.roles.actions import assign_role, define_role


def test_admin_when_holding_the_permission_then_sees_but_does_not_decide(clerk: Clerk, work_as: WorkAs) -> None:
    approval_id = clerk.submit("陈墨")
    with work_as("林悦") as work:
        role = define_role(work, name="审批管理员", permissions=[ApprovalPermission.MANAGE])
        work.session.flush()
        assign_role(work, member_named(work, "管力"), role)
    with work_as("管力", writes=False) as work:
        assert get_request(work, approval_id).title == "国庆请假"
        assert {"finish", "reject", "recall"}.isdisjoint(show_request(work, approval_id).verbs)
    with pytest.raises(NotAllowed), work_as("管力") as work:
        approve_request(work, approval_id, step_id=clerk.step(approval_id, "陈墨"))
