"""pyfuse3 with the loop of `loop.py`: `from sync.agent.fuse import pyfuse3`.

pyfuse3 imports trio by its name, and would load it although nothing of it is used: half of what the agent needs to start,
and 10 MB. So the name stands for our loop while pyfuse3 is imported. It also looks up its own version, which nobody asks for:
what finds it is a tenth of what is left, and so is not found.
"""

import sys
from types import ModuleType

from sync.agent import loop


class _NoMetadata(ModuleType):
    """In the place of `importlib.metadata`."""

    PackageNotFoundError = LookupError

    def version(self, package: str) -> str:
        """Of no package."""
        raise LookupError(package)


_instead = {"trio": loop, "importlib.metadata": _NoMetadata("importlib.metadata")}
_before = {name: sys.modules.get(name) for name in _instead}
sys.modules |= _instead
try:
    import pyfuse3
    from pyfuse3 import FileInfo, FUSEError
finally:
    for _name, _module in _before.items():
        del sys.modules[_name]
        if _module is not None:
            sys.modules[_name] = _module

pyfuse3.trio = loop  # type: ignore[attr-defined] # also where pyfuse3 was loaded before

__all__ = ["FUSEError", "FileInfo", "pyfuse3"]
