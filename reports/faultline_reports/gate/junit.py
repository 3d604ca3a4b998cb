"""The gate's result as JUnit XML: a suite for each workload, a case for each metric."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from faultline_reports.gate.decision import Outcome
from faultline_reports.gate.result import Result, Row, Verdict

BAD = (Outcome.REGRESSION,)
SKIPPED = (Outcome.NOT_MEASURED, Outcome.INCONCLUSIVE, Outcome.TOO_NOISY, Outcome.BROKEN)


def text(result: Result) -> str:
    root = ElementTree.Element("testsuites", name="faultline gate", time=f"{result.seconds:.1f}")
    by_workload: dict[str, list[Row]] = {}
    for row in result.rows:
        by_workload.setdefault(row.workload, []).append(row)
    for workload, rows in by_workload.items():
        suite = ElementTree.SubElement(root, "testsuite", name=_clean(workload))
        for row in rows:
            case = ElementTree.SubElement(
                suite, "testcase", classname=_clean(workload), name=row.metric.short
            )
            if row.outcome in BAD:
                ElementTree.SubElement(case, "failure", message=_clean(row.sentence()))
            elif row.outcome in SKIPPED:
                message = f"{row.outcome.value}: {row.sentence()}"
                ElementTree.SubElement(case, "skipped", message=_clean(message))
        suite.set("tests", str(len(rows)))
        suite.set("failures", str(sum(row.outcome in BAD for row in rows)))
        suite.set("skipped", str(sum(row.outcome in SKIPPED for row in rows)))
    if result.verdict is Verdict.COULD_NOT_TELL:
        suite = ElementTree.SubElement(root, "testsuite", name="gate", tests="1", errors="1")
        case = ElementTree.SubElement(suite, "testcase", classname="gate", name="could tell")
        ElementTree.SubElement(case, "error", message=_clean("; ".join(result.reasons)))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _clean(value: str) -> str:
    """What XML 1.0 can hold."""
    return "".join(c if c in "\t\n" or 0x20 <= ord(c) <= 0xD7FF or ord(c) >= 0xE000 else "?" for c in value)
