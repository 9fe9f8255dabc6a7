"""What gunicorn is told to call in each web process, beside the application; see the ``web`` command."""

import signal
import threading
from typing import Any


def post_worker_init(worker: Any) -> None:
    """With TERM, requests that wait for news answer at once; gunicorn ends when the last request has its answer."""
    parts = worker.wsgi.extensions["mainline"].parts
    stop_gunicorn: Any = signal.getsignal(signal.SIGTERM)

    def leave(number: int, frame: Any) -> None:
        # In a thread: it takes locks, which the interrupted code may hold.
        threading.Thread(target=parts.stop, name="leave", daemon=True).start()
        stop_gunicorn(number, frame)

    signal.signal(signal.SIGTERM, leave)
