"""A folder on a PC that mirrors libraries: the same index, journal, feed and sender as the mount, with a real disk in front.

disk.py     the disk's own rules about names, and every call that touches it
records.py  what was last seen on the disk, for each file of the index
changes.py  pure: what a look at a folder means
marks.py    by what files are known without their inodes
troubles.py what could not be stored
look.py     disk -> index and journal              settle.py   index -> disk
watch.py    when to look; only importer of watchdog
engine.py   the thread that does both
"""
