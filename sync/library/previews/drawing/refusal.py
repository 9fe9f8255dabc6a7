"""Why a file gets no preview. The codes are kept with the preview and said in words by ``previews.words``."""

from typing import NoReturn

TOO_MANY_PIXELS = "too_many_pixels"
DAMAGED = "damaged"
ENCRYPTED = "encrypted"
NO_PICTURE = "no_picture"
ACTIVE = "active"
UNKNOWN_KIND = "unknown_kind"
TOO_MUCH_MEMORY = "too_much_memory"
TOO_LONG_A_FILM = "too_long_a_film"


class Refused(Exception):
    """No preview. code: one of the above. The message is for the log."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def refuse(code: str, message: str) -> NoReturn:
    raise Refused(code, message)


def check_pixels(width: int, height: int, most: int) -> None:
    """Refuse by the size that a header states, before anything is decoded."""
    if width <= 0 or height <= 0:
        refuse(DAMAGED, f"{width} x {height} pixels")
    if width * height > most:
        refuse(TOO_MANY_PIXELS, f"{width} x {height} pixels are too many")
