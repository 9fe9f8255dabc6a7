"""How programs save over a document, as steps on its folder. Replayed on the mirror and on the mount.

A step is `write NAME CONTENT` (open, truncate, write, close), `rename A B`, `delete A`, `folder A`, `unfold A` (remove an empty
folder). `DOC` stands for the document: it holds b"old" before and b"new" after. `left` are names that stay beside it for the library.
Sources: traces with inotifywait and Process Monitor as others published them (Maestral's tests, Syncthing's and Nextcloud's
issues, vim's `backupcopy`, GLib's `g_file_replace`), reduced to what changes names.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pattern:
    """suffix: of the document. left: names, with DOC for the document's, that are in the library afterwards."""

    suffix: str
    steps: tuple[str, ...]
    left: tuple[str, ...] = ()


PATTERNS = {
    "in place, as Photoshop on a network folder, InDesign, Notepad": Pattern(".psd", ("write DOC new",)),
    "Word on Windows": Pattern(
        ".docx",
        ("write ~$DOC lock", "write ~WRD0000.tmp new", "rename DOC ~WRL0001.tmp", "rename ~WRD0000.tmp DOC", "delete ~WRL0001.tmp",
         "delete ~$DOC"),
    ),
    "Excel on Windows": Pattern(
        ".xlsx",
        ("write ~$DOC lock", "write 1A2B3C40 new", "rename DOC 9F8E7D60.tmp", "rename 1A2B3C40 DOC", "delete 9F8E7D60.tmp", "delete ~$DOC"),
    ),
    "PowerPoint on Windows": Pattern(
        ".pptx", ("write ~$DOC lock", "write ppt5E1.tmp new", "delete DOC", "rename ppt5E1.tmp DOC", "delete ~$DOC")
    ),
    "Word on macOS": Pattern(
        ".docx",
        ("write ~$DOC lock", "write ~WRD1234.tmp new", "rename DOC ~WRL1234.tmp", "rename ~WRD1234.tmp DOC", "delete ~WRL1234.tmp",
         "write ._DOC attributes", "delete ~$DOC"),
    ),
    "TextEdit, Preview, Pages on macOS": Pattern(
        ".rtf", ("write DOC.sb-b78ef837-dLht38 new", "rename DOC DOC.sb-4c1d0e55-Qr81xA", "rename DOC.sb-b78ef837-dLht38 DOC",
                 "delete DOC.sb-4c1d0e55-Qr81xA"),
    ),
    "WPS": Pattern(
        ".docx", ("write .~DOC lock", "write ~FF1A2B.tmp new", "rename DOC ~FF1A2C.tmp", "rename ~FF1A2B.tmp DOC", "delete ~FF1A2C.tmp",
                  "delete .~DOC"),
    ),
    "Photoshop": Pattern(".psd", ("write psA1B2.psdtmp ne", "write psA1B2.psdtmp new", "delete DOC", "rename psA1B2.psdtmp DOC")),
    "Illustrator": Pattern(".ai", ("write ~ai-5c2e.tmp new", "delete DOC", "rename ~ai-5c2e.tmp DOC")),
    "LibreOffice": Pattern(".odt", ("write .~lock.DOC# lock", "write lu123ab.tmp new", "rename lu123ab.tmp DOC", "delete .~lock.DOC#")),
    "GIMP and other programs of GNOME": Pattern(".xcf", ("write .goutputstream-AB12CD new", "rename .goutputstream-AB12CD DOC")),
    "Krita and other programs of KDE": Pattern(".kra", ("write DOC~ old", "write DOC.Xa81bc.tmp new", "rename DOC.Xa81bc.tmp DOC")),
    "vim, backupcopy=no": Pattern(
        ".txt", ("write .DOC.swp swap", "write 4913 x", "delete 4913", "rename DOC DOC~", "write DOC new", "delete DOC~", "delete .DOC.swp")
    ),
    "vim, backupcopy=yes": Pattern(".txt", ("write .DOC.swp swap", "write DOC~ old", "write DOC new", "delete DOC~", "delete .DOC.swp")),
    "Emacs": Pattern(".txt", ("write #DOC# new", "rename DOC DOC~", "write DOC new", "delete #DOC#")),
    "AutoCAD, with a backup that stays": Pattern(
        ".dwg", ("write sav1F20.tmp new", "rename DOC DOC.bak", "rename sav1F20.tmp DOC"), left=("DOC.bak",)
    ),
    "a program that copies a backup first": Pattern(".cdr", ("write Backup_of_DOC old", "write DOC new"), left=("Backup_of_DOC",)),
    "a temporary file whose name tells nothing, renamed over": Pattern(".txt", ("write sedXY12 new", "rename sedXY12 DOC")),
    "a temporary file in a folder of its own": Pattern(
        ".key", ("folder .sync-save", "write .sync-save/DOC new", "rename .sync-save/DOC DOC", "unfold .sync-save")
    ),
}  # fmt: skip


def steps_for(pattern: Pattern, document: str) -> list[list[str]]:
    """The steps as words: verb and arguments."""
    return [[word.replace("DOC", document) for word in step.split(" ")] for step in pattern.steps]
