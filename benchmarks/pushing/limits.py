"""How many files a process may open: a socket is one."""

import resource


def open_many_files() -> None:
    """As many as this process may allow itself."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
