"""Writing files whole: a reader sees the old file or the new one, and an old one survives any error."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from faultline_reports.command import reason
from faultline_reports.errors import Exit, UserError

_REMEDY = "name a place with -o that you may write to"


@contextlib.contextmanager
def replacement(target: str) -> Iterator[Callable[[str | bytes], None]]:
    """Opens what will replace `target`, so that a place that cannot be written to is said before any work."""
    try:
        suffix = os.path.splitext(target)[1]
        handle, temporary = tempfile.mkstemp(suffix, ".faultline-", os.path.dirname(target) or ".")
    except (OSError, ValueError) as error:
        raise UserError(Exit.CANNOT_CREATE, target, f"cannot be created: {reason(error)}", _REMEDY) from None

    def write(text: str | bytes) -> None:
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text if isinstance(text, bytes) else text.encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(temporary, 0o666 & ~mask)
            os.replace(temporary, target)
        except OSError as error:
            raise UserError(Exit.IO, target, f"cannot be written: {reason(error)}", _REMEDY) from None

    try:
        yield write
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def write(target: str, text: str) -> None:
    with replacement(target) as write_text:
        write_text(text)


def document_text(value: dict[str, Any]) -> str:
    """One line for each trial and benchmark, as the harness writes documents: small, and fit for grep."""
    parts = []
    for key, entry in value.items():
        if isinstance(entry, list) and entry:
            rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in entry)
            parts.append(f"{json.dumps(key)}: [\n{rows}\n]")
        else:
            parts.append(f"{json.dumps(key)}: {json.dumps(entry, ensure_ascii=False)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def directory(path: str) -> str:
    """`path` as a directory that exists."""
    try:
        os.makedirs(path, exist_ok=True)
    except (OSError, ValueError) as error:
        raise UserError(Exit.CANNOT_CREATE, path, f"cannot be created: {reason(error)}", _REMEDY) from None
    return path
