"""Notices 通知: what happened and concerns a member in person, with a link and a read mark."""
