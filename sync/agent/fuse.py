"""pyfuse3 with the loop of `loop.py`: `from sync.agent.fuse import pyfuse3`.

pyfuse3 imports trio by its name, and would load it although nothing of it is used: half of what the agent needs to start,
and 10 MB. So the name stands for our loop while pyfuse3 is imported.
"""

import sys

from sync.agent import loop

_trio = sys.modules.get("trio")
sys.modules["trio"] = loop
try:
    import pyfuse3
    from pyfuse3 import FileInfo, FUSEError
finally:
    del sys.modules["trio"]
    if _trio is not None:
        sys.modules["trio"] = _trio

pyfuse3.trio = loop  # type: ignore[attr-defined] # also where pyfuse3 was loaded before

__all__ = ["FUSEError", "FileInfo", "pyfuse3"]
