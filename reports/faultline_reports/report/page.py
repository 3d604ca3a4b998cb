"""The page: sections in their order, and their rendering. A new section is a template and a line in
SECTIONS."""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable
from dataclasses import dataclass

import jinja2
from markupsafe import Markup

from faultline_reports import comparison, formatting
from faultline_reports.errors import Exit, UserError
from faultline_reports.metrics import METRICS
from faultline_reports.model import Document
from faultline_reports.report import details, overview, reproduce, sentence, trust, workload
from faultline_reports.statistics import thresholds


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
        lambda document: bool(document.doctor),
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


def render(document: Document, wished_baseline: str | None) -> str:
    """The whole page. Raises UserError for a baseline that is not one of the subjects."""
    names = [allocator.name for allocator in document.subjects()]
    if wished_baseline is not None and wished_baseline not in names:
        known = ", ".join(names) or "none"
        raise UserError(
            Exit.USAGE, "--baseline", f"{wished_baseline!r} is not in the document", f"it has {known}"
        )
    baseline = overview.choose_baseline(document, wished_baseline)
    anchors = {entry.label: f"w{index}" for index, entry in enumerate(document.workloads, 1)}
    heats = overview.heats(document, baseline, anchors)
    resolution = trust.resolution(comparison.matrix(document, METRICS[0], baseline))
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
    )
    return environment.get_template("page.html.j2").render(
        document=document,
        baseline=baseline,
        metrics=METRICS,
        anchors=anchors,
        heats=heats,
        colours=overview.legend(),
        whole_command=reproduce.whole(document),
        answer=sentence.answer(document, baseline),
        badges=trust.badges(document, resolution),
        views=[
            workload.view(document, entry, baseline, anchors[entry.label]) for entry in document.workloads
        ],
        sections=[section for section in SECTIONS if section.wanted(document)],
        style=Markup(
            importlib.resources.files(__package__).joinpath("templates/style.css").read_text("utf-8")
        ),
    )
