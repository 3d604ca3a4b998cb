"""The two arms of a comparison as `faultline run -a` takes them."""

from __future__ import annotations

from faultline_reports.errors import Exit, UserError


def arms(base: str, candidate: str) -> tuple[str, str]:
    """The two as `faultline run -a` takes them, each with a name of its own."""

    def named(text: str, name: str) -> str:
        return f"{name}={text}" if "=" not in text and "/" in text else text

    first, second = named(base, "base"), named(candidate, "candidate")
    if name_of(first) == name_of(second):
        if "=" in second:
            raise UserError(
                Exit.USAGE,
                second,
                "both arms have this name",
                "give them names of their own: old=... new=...",
            )
        second = f"{second}-again={second}"
    return first, second


def name_of(arm: str) -> str:
    return arm.partition("=")[0]
