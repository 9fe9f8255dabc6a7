"""The sync agent: the program that mounts the libraries on a desktop. Needs `sync.core` and no server package.

It runs in small guests under emulation, so modules import little and work is done when asked for. `tree.py` holds what
programs do to files, `arrivals.py` what the library tells us, `departures.py` what we tell the library; the three meet
only in the index, in one transaction each.
"""

VERSION = "0.1.0"
