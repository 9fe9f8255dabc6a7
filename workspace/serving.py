"""What gunicorn is told to call in each web process, beside the application; see the ``web`` command."""

import gc
import signal
import sys
import threading
from typing import Any

TURN_S = 0.001


def post_worker_init(worker: Any) -> None:
    """The process is ready to answer. With TERM, requests that wait for news answer at once; it ends when the last has its answer."""
    share_well()
    parts = worker.wsgi.extensions["mainline"].parts
    stop_gunicorn: Any = signal.getsignal(signal.SIGTERM)

    def leave(number: int, frame: Any) -> None:
        # In a thread: it takes locks, which the interrupted code may hold.
        threading.Thread(target=parts.stop, name="leave", daemon=True).start()
        stop_gunicorn(number, frame)

    signal.signal(signal.SIGTERM, leave)


def share_well() -> None:
    """For a process whose threads answer many small requests.

    A thread that wants to go on after its database or socket has answered waits for those that compute: a millisecond, not five each time.
    What was loaded is never garbage: no walk looks at it, and there is a walk when more has come up than one request makes.
    """
    sys.setswitchinterval(TURN_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
