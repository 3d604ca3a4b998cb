"""JSON from a file that keeps its place for errors: a complaint is one line with file, place and remedy."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from faultline_reports.errors import Exit, UserError, visible

REMEDY = "name a results.json that `faultline run -o` wrote"

# No figure of a trial is larger: 2^63 ns are 292 years, 2^63 bytes more than any address space.
LARGEST = float(2**63)


def read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise UserError(Exit.NO_INPUT, path, "does not exist", REMEDY) from None
    except IsADirectoryError:
        raise UserError(Exit.NO_INPUT, path, "is a directory", REMEDY) from None
    except ValueError as error:  # a NUL in the name
        raise UserError(Exit.NO_INPUT, path, str(error), REMEDY) from None
    except OSError as error:
        raise UserError(
            Exit.NO_INPUT, path, f"cannot be read: {os.strerror(error.errno or 0)}", REMEDY
        ) from None


def parse(content: bytes, source: str) -> dict[str, Any]:
    if not content.strip():
        raise UserError(Exit.DATA, source, "is empty", REMEDY)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(Exit.DATA, f"{source}:byte {error.start}", "is not UTF-8", REMEDY) from None

    def constant(name: str) -> NoReturn:
        raise UserError(
            Exit.DATA, source, f"holds {name}, which is not JSON", "write null for what was not measured"
        )

    try:
        value = json.loads(text, parse_constant=constant)
    except json.JSONDecodeError as error:
        where = f"{source}:{error.lineno}:{error.colno}"
        ends = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
        what = "breaks off: the file is cut short" if ends else f"is not JSON: {error.msg}"
        raise UserError(Exit.DATA, where, what, REMEDY) from None
    except RecursionError:
        raise UserError(Exit.DATA, source, "is nested too deeply", REMEDY) from None
    except ValueError:  # an integer of thousands of digits
        raise UserError(Exit.DATA, source, "holds a number that is too long", REMEDY) from None
    if not isinstance(value, dict):
        raise UserError(Exit.DATA, source, f"is {_kind(value)}, not a result document", REMEDY)
    return value


PIECE = 4 * 2**20  # characters that are read at once


class _Window:
    """A part of a file's text, from `at` on; what is before it is forgotten."""

    def __init__(self, path: str) -> None:
        self.source = path
        self.text, self.at, self.ended = "", 0, False
        self._file = open(path, encoding="utf-8-sig")
        self._decoder = json.JSONDecoder(parse_constant=self._constant)

    def close(self) -> None:
        self._file.close()

    def _constant(self, name: str) -> NoReturn:
        what = f"holds {name}, which is not JSON"
        raise UserError(Exit.DATA, self.source, what, "write null for what was not measured")

    def more(self) -> None:
        try:
            piece = self._file.read(PIECE)
        except UnicodeDecodeError:
            raise UserError(Exit.DATA, self.source, "is not UTF-8", REMEDY) from None
        self.text, self.at, self.ended = self.text[self.at :] + piece, 0, not piece

    def next(self) -> str:
        """The next character that is not space; "" at the end."""
        while True:
            while self.at < len(self.text) and self.text[self.at] in " \t\r\n":
                self.at += 1
            if self.at < len(self.text) or self.ended:
                return self.text[self.at : self.at + 1]
            self.more()

    def expect(self, characters: str) -> str:
        found = self.next()
        if found not in characters or not found:
            what = (
                f"is not JSON: {' or '.join(characters)} expected" if found else "breaks off: it is cut short"
            )
            raise UserError(Exit.DATA, self.source, what, REMEDY)
        self.at += 1
        return found

    def value(self) -> Any:
        self.next()
        while True:
            try:
                value, end = self._decoder.raw_decode(self.text, self.at)
                if end < len(self.text) or self.ended:  # a number may go on
                    self.at = end
                    return value
            except json.JSONDecodeError as error:
                if self.ended:
                    what = f"is not JSON or breaks off: {error.msg}"
                    raise UserError(Exit.DATA, self.source, what, REMEDY) from None
            except (RecursionError, ValueError):
                raise UserError(
                    Exit.DATA, self.source, "holds what is too deep or too long", REMEDY
                ) from None
            self.more()


def pieces(path: str, lists: Sequence[str]) -> Iterator[tuple[str, int | None, Any]]:
    """The members of the object in a file, one after the other: key, None, value; of those named in `lists`,
    if they are lists, each element by itself: key, place, value. Raises UserError."""
    window = _Window(path)
    try:
        window.expect("{")
        if window.next() == "}":
            return
        while True:
            window.next()
            key = window.value()
            if not isinstance(key, str):
                raise UserError(Exit.DATA, path, "is not JSON: a key is no text", REMEDY)
            window.expect(":")
            if key in lists and window.next() == "[":
                window.at += 1
                index = 0
                while window.next() != "]":
                    if index:
                        window.expect(",")
                    yield key, index, window.value()
                    index += 1
                window.expect("]")
            else:
                yield key, None, window.value()
            if window.expect(",}") == "}":
                break
        if window.next():
            raise UserError(Exit.DATA, path, "is not JSON: it goes on after its end", REMEDY)
    finally:
        window.close()


def _kind(value: object) -> str:
    if value is None:
        return "null"
    kinds = {bool: "true or false", dict: "an object", list: "a list", str: "a text"}
    return kinds.get(type(value), "a number")


# Of nearly all phases: one for all, which nobody may change.
_NONE: dict[str, Any] = {}


class Object:
    """A JSON object that knows its place in the file, for errors."""

    def __init__(self, value: Mapping[str, Any], place: str, source: str) -> None:
        self._value = value
        self._place = place
        self.source = source

    def fail(self, key: str, what: str) -> NoReturn:
        place = f"{self._place}.{key}" if self._place else key
        raise UserError(Exit.DATA, self.source, f"`{place}` {what}", REMEDY)

    def has(self, key: str) -> bool:
        return self._value.get(key) is not None

    def mentions(self, key: str) -> bool:
        """Whether the key is there, be it null."""
        return key in self._value

    def required(self, key: str) -> None:
        if key not in self._value:
            self.fail(key, "is missing")

    def text(self, key: str, default: str = "") -> str:
        value = self._value.get(key)
        if value is None:
            return default
        if not isinstance(value, str):
            self.fail(key, f"is {_kind(value)}, not a text")
        return visible(value)

    def lines(self, key: str) -> str:
        """A text that may have several lines."""
        value = self._value.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.fail(key, f"is {_kind(value)}, not a text")
        return "\n".join(visible(line) for line in value.splitlines())

    def name(self, key: str) -> str:
        self.required(key)
        if self._value[key] is None:
            self.fail(key, "is null, not a text")
        value = self.text(key)
        if not value:
            self.fail(key, "is empty")
        return value

    def number(self, key: str) -> float | None:
        value = self._value.get(key)
        if type(value) is int and -(2**63) <= value <= 2**63:  # nearly all of them
            return float(value)
        return None if value is None else self._number(key, value)

    def _number(self, key: str, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self.fail(key, f"is {_kind(value)}, not a number")
        if not -LARGEST <= value <= LARGEST:  # also what overflowed to infinity
            self.fail(key, "is larger than any figure of a trial can be")
        return float(value)

    def whole(self, key: str) -> int | None:
        value = self.number(key)
        if value is None:
            return None
        if value != math.floor(value) or value < 0:
            self.fail(key, "is not a whole number")
        return int(value)

    def exact(self, key: str) -> int:
        """A whole number that needs all its digits, as nanoseconds since 1970 do."""
        value = self._value.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < LARGEST:
            self.fail(key, "is missing" if value is None else "is not a whole number")
        return value

    def boolean(self, key: str, default: bool) -> bool:
        value = self._value.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.fail(key, f"is {_kind(value)}, not true or false")
        return value

    def child(self, key: str) -> Object:
        value = self._value.get(key)
        if value is None:
            value = {}
        if not isinstance(value, dict):
            self.fail(key, f"is {_kind(value)}, not an object")
        return Object(value, f"{self._place}.{key}" if self._place else key, self.source)

    def _list(self, key: str) -> list[Any]:
        value = self._value.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.fail(key, f"is {_kind(value)}, not a list")
        return value

    def children(self, key: str) -> Iterator[Object]:
        for index, value in enumerate(self._list(key)):
            place = f"{self._place}.{key}[{index}]" if self._place else f"{key}[{index}]"
            if not isinstance(value, dict):
                raise UserError(Exit.DATA, self.source, f"`{place}` is {_kind(value)}, not an object", REMEDY)
            yield Object(value, place, self.source)

    def texts(self, key: str) -> list[str]:
        values = self._list(key)
        for index, value in enumerate(values):
            if not isinstance(value, str):
                self.fail(f"{key}[{index}]", f"is {_kind(value)}, not a text")
        return [visible(value) for value in values]

    def numbers(self, key: str) -> list[float]:
        values = self._list(key)
        if set(map(type, values)) <= {int, float} and -LARGEST <= min(values, default=0) <= max(
            values, default=0
        ):
            if max(values, default=0) <= LARGEST:
                return values
        return [self._number(f"{key}[{index}]", value) for index, value in enumerate(values)]

    def pairs(self, key: str) -> list[tuple[float, float]]:
        result = []
        for index, pair in enumerate(self._list(key)):
            if not isinstance(pair, list) or len(pair) != 2:
                self.fail(f"{key}[{index}]", f"is {_kind(pair)}, not a pair")
            first, second = (self._number(f"{key}[{index}]", value) for value in pair)
            result.append((first, second))
        return result

    def tables(self) -> dict[str, list[tuple[str, list[float]]]]:
        """Each field as a table: rows of a text and its figures."""
        if not self._value:
            return _NONE
        return {visible(key): self._table(key) for key in self._value}

    def _table(self, key: str) -> list[tuple[str, list[float]]]:
        rows = []
        for index, row in enumerate(self._list(key)):
            place = f"{key}[{index}]"
            if not isinstance(row, list) or not row or not isinstance(row[0], str):
                self.fail(place, "is not a text and its figures")
            rows.append((visible(row[0]), [self._number(place, value) for value in row[1:]]))
        return rows

    def scalar(self, key: str) -> str:
        """A number or a text, as text: seeds need all their digits."""
        value = self._value.get(key)
        if value is None:
            return ""
        if not isinstance(value, (str, int, float)) or isinstance(value, bool):
            self.fail(key, f"is {_kind(value)}, not a number")
        return _printed(value)

    def printed(self) -> dict[str, str]:
        """Each field as text, for tables that show whatever there is."""
        return {visible(key): _printed(value) for key, value in self._value.items()}

    def figures(self) -> dict[str, float | None]:
        if not self._value:
            return _NONE
        return {visible(key): self.number(key) for key in self._value}


def _printed(value: object) -> str:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < LARGEST * 2 else "out of range"
    if isinstance(value, list):
        return ", ".join(_printed(entry) for entry in value)
    return visible(json.dumps(value, ensure_ascii=False, default=str))
