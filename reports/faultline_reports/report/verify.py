"""`faultline report --verify`: derives a page's verdicts again from the samples that stand in it, and says
what differs."""

from __future__ import annotations

import html.parser
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from faultline_reports import document, fields
from faultline_reports.errors import Exit, UserError, visible
from faultline_reports.model import Document
from faultline_reports.report import raw

_REMEDY = "name a page that `faultline report` wrote"


@dataclass
class Found:
    """What a page claims: texts by place, and what they can be derived from."""

    context: str = ""
    samples: dict[str, str] = field(default_factory=dict)  # workload -> CSV
    claims: dict[str, str] = field(default_factory=dict)


class _Reader(html.parser.HTMLParser):
    """Collects the headline, the remarks, the trust, the badges, the tables of the first screen and of each
    workload."""

    def __init__(self) -> None:
        super().__init__()
        self.found = Found()
        self._sink: list[str] | None = None
        self._place = ""
        self._table = ""
        self._heads: list[str] = []
        self._row = ""
        self._column = 0
        self._count = 0
        self._workload = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        css = values.get("class", "").split()
        if tag == "article":
            self._workload = values.get("data-label", "")
        if tag == "table":
            self._heads, self._row, self._table = [], "", ""
            if "heat" in css and "data-metric" in values:
                self._table = values["data-metric"]
            elif "medians" in css:
                self._table = f"workload {self._workload}"
        if tag == "tr":
            self._column = 0
        if (
            tag in ("h1", "th", "td")
            or (tag == "p" and "remarks" in css)
            or (tag == "summary" and "trust" in css)
            or (tag == "li" and self._in_badge(css))
        ):
            self._begin(tag)
        elif tag == "script" and values.get("id") == "context":
            self._begin("context")
        elif tag == "pre" and "samples" in css:
            self._workload = values.get("data-workload", "")
            self._begin("samples")

    def _in_badge(self, css: list[str]) -> bool:
        return bool({"good", "warn", "bad"} & set(css)) and not self._workload and "overview" not in css

    def _begin(self, place: str) -> None:
        self._sink, self._place = [], place

    def handle_data(self, data: str) -> None:
        if self._sink is not None:
            self._sink.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self._table = ""
        ends = {"context": "script", "samples": "pre"}.get(self._place, self._place)
        if self._sink is None or tag != ends:
            return
        whole, place = "".join(self._sink), self._place
        text = " ".join(" ".join(self._sink).split())
        self._sink = None
        if place == "context":
            self.found.context = whole
        elif place == "samples":
            self.found.samples[self._workload] = whole
        elif place in ("th", "td"):
            self._cell(place, text)
        else:
            name = {"h1": "the headline", "p": "the remarks", "summary": "the trust"}.get(place)
            if name is None:
                self._count += 1
                name = f"badge {self._count}"
            self.found.claims.setdefault(name, text)

    def _cell(self, tag: str, text: str) -> None:
        self._column += 1
        if not self._table:
            return
        if tag == "th" and self._row == "" and self._column > len(self._heads):
            self._heads.append(text)
            if self._column == 1:
                self._row = ""
            return
        if tag == "th":
            self._row = text
            return
        head = self._heads[self._column - 1] if self._column <= len(self._heads) else str(self._column)
        self.found.claims[f"{self._table}, {self._row}, {head}"] = text


def read(text: str) -> Found:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.found


def rebuilt(found: Found, source: str) -> tuple[Document, Mapping[str, Any]]:
    """The document as far as the samples in the page tell, and the page's context. Raises UserError."""
    context = fields.Object(_parsed(found.context, source), "", source)
    if context.text("schema") != raw.SCHEMA:
        what = f"has {context.text('schema')[:40] or 'no schema'}, not {raw.SCHEMA}"
        raise UserError(Exit.DATA, source, what, "verify it with the faultline that wrote it")
    value = _parsed(found.context, source).get("document")
    if not isinstance(value, dict):
        raise UserError(Exit.DATA, source, "holds no document", _REMEDY)
    trials: list[dict[str, Any]] = []
    for workload, text in found.samples.items():
        try:
            trials += raw.trials_of(workload, text)
        except (ValueError, KeyError) as error:
            what = f"the samples of {workload} cannot be read: {error}"
            raise UserError(Exit.DATA, source, what, _REMEDY) from None
    whole = json.dumps({**value, "trials": trials}).encode()
    settings = {
        "baseline": context.text("baseline"),
        "false_alarms": context.text("false_alarms") if context.has("false_alarms") else None,
    }
    return document.parse(whole, source), settings


def _parsed(text: str, source: str) -> dict[str, Any]:
    if not text:
        raise UserError(Exit.DATA, source, "is no report, or one of an older faultline", _REMEDY)
    return fields.parse(text.encode(), source)


def differences(found: Found, source: str) -> tuple[list[str], int]:
    """What the page claims and its samples do not give, a line each, and how many claims there are."""
    from faultline_reports.report import page

    loaded, context = rebuilt(found, source)
    again = read(
        page.render(loaded, context["baseline"] or None, context["false_alarms"], draws=False)
    ).claims
    lines = []
    for place in dict.fromkeys([*again, *found.claims]):
        said, derived = found.claims.get(place), again.get(place)
        if said != derived:
            lines.append(
                visible(f"{place}: the page says {_quoted(said)}, its samples give {_quoted(derived)}")
            )
    return lines, len(found.claims)


def _quoted(text: str | None) -> str:
    return "nothing" if text is None else f"“{text}”"
