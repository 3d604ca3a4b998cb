"""`python3 -m faultline_reports.validate RESULTS.json`: is a document as the published schema says?

The reader (document.py) forgives what it can do without; this does not, and is for those who write documents.
"""

from __future__ import annotations

import json
import pathlib
import sys
from collections.abc import Sequence
from typing import Any

import jsonschema

from faultline_reports import command, fields
from faultline_reports.errors import Exit, UserError

SCHEMA = pathlib.Path(__file__).parent.parent / "schema" / "faultline-results-1.schema.json"


def schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(SCHEMA.read_text("utf-8"))
    return loaded


def problems(value: object, most: int = 20) -> list[str]:
    """The first `most` places where `value` is not as the schema says, one line each."""
    found = jsonschema.Draft202012Validator(schema()).iter_errors(value)
    return [f"{_place(error.absolute_path)}: {error.message[:200]}" for error, _ in zip(found, range(most))]


def _place(path: Sequence[str | int]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".") or "the document"


def run(arguments: Sequence[str]) -> int:
    if len(arguments) != 1 or arguments[0].startswith("-"):
        raise UserError(
            Exit.USAGE, "", "give one RESULTS.json", "python3 -m faultline_reports.validate RESULTS.json"
        )
    found = problems(fields.parse(fields.read(arguments[0]), arguments[0]))
    if found:
        raise UserError(Exit.DATA, arguments[0], " | ".join(found), f"see {SCHEMA}")
    print(f"{arguments[0]}: valid")
    return 0


def main() -> int:
    return command.main("validate", run, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
