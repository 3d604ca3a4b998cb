"""Writes the pages that the browser tests open: `python3 pages.py FOLDER`."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import sys
from typing import Any

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

import fake_documents  # noqa: E402
import fake_pressure  # noqa: E402
from fake_details import alive, by_size, counted  # noqa: E402
from faultline_reports import document, scarcity  # noqa: E402
from faultline_reports.report import __main__ as command  # noqa: E402
from faultline_reports.report import page  # noqa: E402

HOSTILE = "<script>alert(1)</script>]]>--&amp;\"'$x$ {{7*7}}"
LONG = "an-allocator-with-a-very-long-name-indeed-number-{:02d}-of-them"


THREADS = [(f"larson{threads}", "larsonN", threads, "") for threads in (1, 2, 4, 16)]


def named(count: int) -> list[str]:
    return ["system", *(LONG.format(number) for number in range(1, count))]


def documents() -> dict[str, dict[str, Any]]:
    rows = fake_documents.WORKLOADS
    make = fake_documents.make
    pages = {
        "main": counted(
            by_size(alive(make(rounds=8, workloads=rows[1:5], allocators=[*fake_documents.ALLOCATORS][:5])))
        ),
        "one": make(rounds=1, workloads=rows[:1], allocators=("system",), samples=20),
        "single-round": make(rounds=1, workloads=rows[2:4], samples=20),
        "many-workloads": make(
            rounds=3,
            workloads=[(f"workload-{n}", *rows[3][1:]) for n in range(200)],
            allocators=("system", "jemalloc"),
            samples=0,
        ),
    }
    for count in (2, 4, 7, 12):
        arms = named(count)
        pages[f"long-{count}"] = counted(
            by_size(alive(make(rounds=6, workloads=THREADS, allocators=arms, samples=40)))
        )
    invalid = make(rounds=3, workloads=rows[2:4], samples=20)
    fake_documents.invalidate(invalid, "jemalloc", "malloc resolves to libc")
    pages["invalid"] = invalid
    text = json.dumps(make(rounds=3, workloads=rows[2:4], allocators=["system", "jemalloc", "mimalloc"]))
    for name in ("jemalloc", "larson2"):
        text = text.replace(f'"{name}"', json.dumps(HOSTILE + name))
    pages["hostile"] = counted(json.loads(text))
    return pages


def write_site(folder: pathlib.Path, night: int) -> None:
    """Adds a run with a hostile name to the folder form, in `site`."""
    value = fake_documents.make(night, 3, fake_documents.WORKLOADS[1:3], ("system", "jemalloc"), samples=0)
    value["tool"]["started"] = f"2026-03-{night:02d}T10:00:00Z"
    source = folder / "night.json"
    source.write_text(json.dumps(value).replace('"jemalloc"', json.dumps(HOSTILE)))
    words = ["--site", str(folder / "site"), "-q", "--revision", f"{night:07x}", "--subject", HOSTILE]
    command.run([str(source), *words])


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    for name, value in documents().items():
        loaded = document.parse(json.dumps(value).encode(), f"{name}.json")
        if name in ("main", "hostile") or name.startswith("long-"):
            arms = [allocator.name for allocator in loaded.subjects()]
            found = scarcity.parse(json.dumps(fake_pressure.pressure(arms)).encode(), f"{name}-pressure.json")
            loaded = dataclasses.replace(loaded, scarcity=found)
        (folder / f"{name}.html").write_text(page.render(loaded, None), encoding="utf-8")
    for night in range(1, 4):
        write_site(folder, night)


if __name__ == "__main__":
    main()
