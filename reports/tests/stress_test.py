"""The stress document: its schema, its reader, and its section of the page."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import subprocess
from typing import Any

import fake_documents
import jsonschema
import pytest
from faultline_reports import document, stress
from faultline_reports.errors import UserError
from faultline_reports.report import page

SCHEMA = pathlib.Path(__file__).parent.parent / "schema" / "faultline-stress-1.schema.json"


def result(check: str, allocator: str, outcome: str, verdict: str, why: str = "") -> dict[str, Any]:
    return {"check": check, "allocator": allocator, "outcome": outcome, "verdict": verdict, "why": why}


def make() -> dict[str, Any]:
    allocators = [
        {"name": name, "path": "/x", "version": "1", "sha256": "0"} for name in ("system", "<b>bad</b>")
    ]
    checks = [
        {"name": "conformance.calloc", "kind": "conformance", "promise": "it gives zeros", "by": "C17"},
        {"name": "misuse.free-stack", "kind": "misuse", "promise": "a local is freed", "by": ""},
    ]
    results = [
        result("conformance.calloc", "system", "held", "ok") | {"notes": ["gives a block"]},
        result("conformance.calloc", "<b>bad</b>", "failed", "broken", "byte 3 is <not> 0"),
        result("misuse.free-stack", "system", "stopped", "information", "free(): invalid pointer"),
    ]
    summary = [
        {"allocator": entry["name"], "ok": 1, "broken": 0, "information": 0, "skipped": 0}
        for entry in allocators
    ]
    return {
        "schema": "faultline-stress/1",
        "complete": False,
        "tool": {"version": "0", "command": ["faultline", "stress"]},
        "host": {"fingerprint": "0", "deciding": {}},
        "plan": {"seed": 7, "allocators": allocators, "checks": checks},
        "results": results,
        "summary": summary,
    }


def shown(value: dict[str, Any]) -> str:
    results = fake_documents.make(
        rounds=6, workloads=fake_documents.WORKLOADS[3:4], allocators=("system",), samples=0
    )
    loaded = document.parse(json.dumps(results).encode(), "r.json")
    checks = stress.parse(json.dumps(value).encode(), "s.json")
    return page.render(dataclasses.replace(loaded, stress=checks), None)


def problems(value: object) -> list[str]:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(value)]


def test_the_schema_takes_a_document_and_refuses_a_wrong_one() -> None:
    value = make()
    assert problems(value) == []
    value["results"][0]["verdict"] = "perhaps"
    assert len(problems(value)) == 1


def test_what_the_program_writes_is_as_the_schema_says(tmp_path: pathlib.Path) -> None:
    libexec = os.environ.get("FAULTLINE_LIBEXEC")
    program = pathlib.Path(libexec).parent.parent / "bin" / "faultline" if libexec else None
    if program is None or not program.exists():
        pytest.skip("the program is not built")
    output = tmp_path / "s.json"
    only = "conformance.free-null,misuse.free-stack"
    command = [str(program), "stress", "-q", "-a", "system", "--only", only, "-o", str(output)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert problems(json.loads(output.read_text())) == []
    loaded = stress.load(str(output))
    assert loaded.results["misuse.free-stack", "system"].outcome == "stopped"
    assert loaded.new() == []


def test_the_page_tells_what_is_broken_and_what_did_not_run() -> None:
    text = shown(make())
    assert "1 promises are broken" not in text and "1 promise is broken" in text
    assert "byte 3 is &lt;not&gt; 0" in text and "<b>bad</b>" not in text
    assert "held*" in text and "stopped</td>" in text and "<td>not run</td>" in text
    assert "stopped before all of them ran" in text


def test_the_page_tells_what_is_known_from_what_is_new() -> None:
    value = make()
    text = shown(value)  # a document of before known findings were told
    assert "not known of these versions" not in text and "<b>new</b>" not in text
    value["results"][1]["known"] = None
    text = shown(value)
    assert "1 of them new" in text and "<b>new</b>" in text
    value["results"][1]["known"] = {"explanation": "it <forgets>", "source": "", "confirmed_by": "forgets"}
    assert problems(value) == []
    text = shown(value)
    assert "0 of them new" in text and "<b>new</b>" not in text
    assert "known: it &lt;forgets&gt; (confirmed by stress_confirm forgets)" in text


def test_without_checks_there_is_no_section() -> None:
    value = fake_documents.make(
        rounds=6, workloads=fake_documents.WORKLOADS[3:4], allocators=("system",), samples=0
    )
    assert "Checks of correctness" not in page.render(
        document.parse(json.dumps(value).encode(), "r.json"), None
    )


@pytest.mark.parametrize(
    ("change", "word"),
    [({"schema": "faultline-results/1"}, "faultline-stress/1"), ({"results": 3}, "results")],
)
def test_another_document_is_refused_in_one_line(change: dict[str, Any], word: str) -> None:
    with pytest.raises(UserError, match=word):
        stress.parse(json.dumps(make() | change).encode(), "s.json")
