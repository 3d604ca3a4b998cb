"""Errors as one line for the user: "where: what; remedy", with an exit status of sysexits.h.

The same form and the same statuses as `base/error.hpp`, so that a user cannot tell which part spoke.
"""

from __future__ import annotations

import enum
import functools


class Exit(enum.IntEnum):
    """Exit statuses beside 0, numbered as in sysexits.h."""

    USAGE = 64
    DATA = 65
    NO_INPUT = 66
    UNAVAILABLE = 69
    SOFTWARE = 70
    CANNOT_CREATE = 73
    IO = 74


@functools.lru_cache(maxsize=8192)  # the names of a document come thousands of times
def visible(text: str) -> str:
    """`text` on one line: control and direction-changing characters and broken surrogates shown as escapes,
    so that a hostile name cannot forge a second line, move the cursor, or break an encoder."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible_character(character) for character in text)


def _visible_character(character: str) -> str:
    code = ord(character)
    if code < 0x20 or 0x7F <= code < 0xA0:
        return f"\\x{code:02x}"
    if code in _DIRECTION or 0xD800 <= code < 0xE000 or code in (0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF):
        return f"\\u{code:04x}"
    return character


_DIRECTION = frozenset((0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))


class UserError(Exception):
    """Something the user can mend. Caught once, at the command."""

    def __init__(self, status: Exit, where: str, what: str, remedy: str = "") -> None:
        super().__init__(where, what, remedy)
        self.status = status
        self.where = where
        self.what = what
        self.remedy = remedy

    def line(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return visible(f"{text}; {self.remedy}" if self.remedy else text)
