"""Approvals 审批: a request that travels from holder to holder (free flow with guard rails)."""
