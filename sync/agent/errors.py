"""What can go wrong for the agent, in words for the person in front of it. Foreign errors become these at the border."""

from __future__ import annotations

from sync.core.protocol import Problem


class AgentError(Exception):
    """title: for the person. message: the next step. exit_status: of the command line."""

    exit_status = 1
    retryable = False

    def __init__(self, title: str, message: str = "") -> None:
        super().__init__(f"{title}: {message}" if message else title)
        self.title = title
        self.message = message


class NotEnrolled(AgentError):
    """There is no device token here yet, or the library no longer knows it."""

    exit_status = 3


class BadSetting(AgentError):
    """A setting or the seed cannot be used."""

    exit_status = 2


class MountFailed(AgentError):
    """FUSE would not mount."""

    exit_status = 4


class Unreachable(AgentError):
    """The library or the store did not answer; trying again later is right."""

    exit_status = 5
    retryable = True


class Refused(AgentError):
    """The library answered with an error."""

    exit_status = 6

    def __init__(self, problem: Problem, status: int) -> None:
        super().__init__(problem.title, problem.message)
        self.problem = problem
        self.status = status
        self.retryable = problem.retryable


class DamagedContent(AgentError):
    """Bytes came that do not have the address that was asked for."""

    retryable = True
