#!/usr/bin/python3
"""From result documents of two arms that are the same to lines of noise: record.py RESULTS.json... > NAME.csv

A line a round, WORKLOAD/METRIC/ARM, as README.md beside this says; rounds in which a trial is not valid are
left out. Run it with reports/ on PYTHONPATH.
"""

from __future__ import annotations

import csv
import sys

from faultline_reports import document, metrics

KEYS = ("cpu_ns_per_operation", "peak_heap_bytes", "retained_heap_bytes", "minor_faults")


def main(paths: list[str]) -> None:
    columns: dict[str, dict[tuple[int, int], float]] = {}
    for place, path in enumerate(paths):
        loaded = document.load(path)
        arms = [allocator.name for allocator in loaded.subjects()]
        for workload in loaded.workloads:
            for key in KEYS:
                table = metrics.samples(loaded, metrics.by_key(key))
                for arm, name in zip(("first", "second"), arms):
                    column = columns.setdefault(f"{workload.label.partition(':')[0]}/{key}/{arm}", {})
                    values = table.get((workload.label, name), {})
                    column.update({(place, number): value for number, value in values.items()})
    whole = sorted(set.intersection(*(set(column) for column in columns.values())))
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["round", *columns])
    for number, at in enumerate(whole):
        writer.writerow([number, *(f"{column[at]:.6g}" if "_ns_" in name else f"{column[at]:.0f}"
                                   for name, column in columns.items())])  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
