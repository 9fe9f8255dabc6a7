"""When a sign-in must wait."""

from datetime import timedelta

WINDOW = timedelta(minutes=15)
SHARED_ADDRESS_FACTOR = 10  # A whole office shares one address; one account does not share its name.


def must_wait(*, failures_of_login: int, failures_of_address: int, limit: int) -> bool:
    """Failures are counted within WINDOW. limit: per account; an address may fail ten times as often."""
    return failures_of_login >= limit or failures_of_address >= limit * SHARED_ADDRESS_FACTOR
