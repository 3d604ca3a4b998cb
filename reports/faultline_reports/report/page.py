"""The page: sections in their order, and their rendering. A new section is a template and a line in
SECTIONS."""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jinja2
from markupsafe import Markup, escape

from faultline_reports import formatting
from faultline_reports.model import Document, Trial
from faultline_reports.report import (
    details,
    fragmentation,
    overview,
    pareto,
    pressure,
    raw,
    reproduce,
    scaling,
    sentence,
    style,
    tradeoff,
    trust,
    workload,
)
from faultline_reports.report.alternatives import packed, script_json, tables
from faultline_reports.report.analysis import analyse
from faultline_reports.statistics import thresholds


# With more workloads their pictures alone would be many megabytes; a report of some of them has them.
MOST_PICTURED = 100


@dataclass(frozen=True)
class Section:
    anchor: str
    nav: str
    title: str  # "": the template has its own heading
    template: str
    wanted: Callable[[Document], bool]


def _always(_: Document) -> bool:
    return True


SECTIONS: tuple[Section, ...] = (
    Section("overview", "Overview", "", "overview.html.j2", _always),
    Section("workloads", "Workloads", "", "workloads.html.j2", lambda document: bool(document.workloads)),
    Section("scaling", "Threads", "Scaling with threads", "scaling.html.j2", scaling.wanted),
    Section(
        "pressure",
        "Scarce memory",
        "When memory is scarce",
        "pressure.html.j2",
        lambda document: document.scarcity is not None,
    ),
    Section(
        "fragmentation",
        "Fragmentation",
        "Fragmentation over time",
        "fragmentation.html.j2",
        fragmentation.wanted,
    ),
    Section(
        "checks",
        "Checks",
        "Checks of correctness",
        "stress.html.j2",
        lambda document: document.stress is not None,
    ),
    Section(
        "invalid",
        "Invalid",
        "Invalid trials",
        "invalid.html.j2",
        lambda document: any(not trial.valid for trial in document.trials),
    ),
    Section(
        "doctor",
        "Warnings",
        "What on this host makes results worse",
        "doctor.html.j2",
        lambda document: any(not trust.about_probes(entry.id) for entry in document.doctor),
    ),
    Section(
        "capabilities",
        "Probes",
        "What could and could not be measured",
        "capabilities.html.j2",
        lambda document: bool(document.capabilities),
    ),
    Section("host", "Host", "Host", "host.html.j2", _always),
    Section("run", "Run", "The run", "run.html.j2", _always),
    Section("method", "How to read this", "How to read this report", "method.html.j2", _always),
)


def render(
    document: Document, wished_baseline: str | None, false_alarms: str | None = None, draws: bool = True
) -> str:
    """The whole page; `draws`: with the pictures of workloads. Raises UserError for a baseline that is not
    one of the subjects."""
    analysis = analyse(document, wished_baseline, false_alarms)
    draws = draws and len(document.workloads) <= MOST_PICTURED
    front = pareto.of(analysis)
    runs = _by_workload(document.trials)
    counted = _by_workload(document.counts)
    divided = _by_workload(document.occupancy)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("faultline_reports.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        formatting=formatting,
        thresholds=thresholds,
        phase_heads=details.PHASE_HEADS,
        split_from=details.SPLIT_FROM_NS,
        most_with_all=workload.MOST_WITH_ALL,
        about_probes=trust.about_probes,
    )
    environment.filters["unbroken"] = unbroken
    badges = trust.badges(analysis)
    script = _file("script.js")
    text = environment.get_template("page.html.j2").render(
        document=document,
        baseline=analysis.baseline,
        metrics=analysis.metrics,
        anchors=analysis.anchors,
        heats=overview.heats(analysis),
        colours=overview.legend(),
        whole_command=reproduce.whole(document),
        answer=sentence.answer(analysis),
        badges=badges,
        trust=trust.verdict(badges),
        libc=next((entry.libc for entry in document.subjects() if entry.name == analysis.baseline), ""),
        front=front,
        front_svg=tradeoff.svg(front) if front else "",
        front_spots=tradeoff.spots(front) if front else "",
        before=overview.before(document),
        scaling=scaling.view(analysis, draws),
        pressure=pressure.view(document, draws),
        fragmentation=fragmentation.view(analysis, draws),
        draws=draws,
        # One after the other as the template asks for them: all at once would need as much as the page.
        views=(
            workload.view(
                analysis,
                entry,
                runs.get(entry.label, []),
                counted.get(entry.label, []),
                divided.get(entry.label, []),
                draws,
            )
            for entry in document.workloads
        ),
        sections=[section for section in SECTIONS if section.wanted(document)],
        style=Markup(_file("style.css")),
        script=Markup(script),
        script_hash="sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        alternatives=Markup(packed(others)) if (others := tables(analysis)) else "",
        context=Markup(script_json(raw.context(document, analysis.baseline, false_alarms))),
    )
    text, rules = style.styles_as_classes(text)
    return text.replace("</style>", f"{rules}\n</style>", 1)


def unbroken(text: str) -> Markup:
    """Text in which no line ends between a figure and its per cent sign, or inside of an option."""
    words = str(escape(text)).replace(" %", "\u00a0%")
    return Markup(re.sub(r"--rounds \d+", r"<code>\g<0></code>", words))


def _by_workload(trials: Sequence[Trial]) -> dict[str, list[Trial]]:
    found: dict[str, list[Trial]] = {}
    for trial in trials:
        found.setdefault(trial.workload, []).append(trial)
    return found


def _file(name: str) -> str:
    return importlib.resources.files(__package__).joinpath("templates", name).read_text("utf-8")
