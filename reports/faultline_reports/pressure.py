"""`faultline pressure`: what becomes of a workload when memory is scarce, for each allocator.

First the working set is measured: what a control group with room for everything charges at its peak, without
the harness's own tables, which are locked in memory. Then the same trials run in control groups limited to
the tables and a share of the working set, with swap beside them.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import signal
import statistics
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Optional

from faultline_reports import command, formatting, scarcity
from faultline_reports.ab.table import aligned
from faultline_reports.errors import Exit, UserError
from faultline_reports.output import replacement
from faultline_reports.runner.arms import name_of
from faultline_reports.runner.budget import Budget
from faultline_reports.runner.campaign import Campaign, Plan, workspace

SCHEMA = scarcity.SCHEMA
LIMITS = "200,150,100,75,50"
LEAST_LIMIT_BYTES = 12 << 20  # beside its blocks a trial has a program, libraries and page tables
SHARE_OF_MEMORY = 0.8  # of what is free: no more is given to a trial that has room, or to zram

# Sums over the phase `measure` of the trials that were counted.
COUNTS = (
    "faults_swap",
    "faults_anonymous",
    "swap_in_pages",
    "swap_out_pages",
    "memcg_reclaim_calls",
    "memcg_reclaim_ns",
    "reclaim_scanned_pages",
    "reclaim_freed_pages",
    "madvise_calls",
)

EXAMPLE = """examples:
  faultline pressure alloc-test1 -a system,jemalloc,mimalloc,slabuddy --swap zram:1G
  faultline pressure larson1 -a system,mine=./libmine.so --swap zram:1G,file:1G --limits 150,75 -o p.json"""


def parser() -> command.Parser:
    result = command.Parser(
        prog="faultline pressure",
        description="Measures a workload's working set on the first allocator, runs it on all of them in "
        "control groups limited to shares of that, with swap made for the run, and writes throughput, "
        "faults, swap and reclaim against the limit. Needs root.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("workload", metavar="WORKLOAD", help="one, as `faultline run` takes it")
    result.add_argument("-a", "--allocators", metavar="A,B", default="system,jemalloc,mimalloc,slabuddy",
                        help="limits are shares of the first one's working set [%(default)s]")  # fmt: skip
    result.add_argument(
        "--limits", metavar="P,Q", type=_shares, default=LIMITS, help="in %% of it (default: %(default)s)"
    )
    result.add_argument("--swap", metavar="KIND:SIZE", default="zram:1G",
                        help="zram:SIZE, file:SIZE or both with a comma (default: %(default)s)")  # fmt: skip
    result.add_argument("-r", "--rounds", metavar="N", type=command.whole(1, 1000), default=3,
                        help="of each limit (default: %(default)s)")  # fmt: skip
    result.add_argument("--timeout", metavar="S", type=command.whole(1, 86_400), default=120,
                        help="seconds after which a trial is stopped (default: %(default)s)")  # fmt: skip
    result.add_argument(
        "--thp", choices=["always", "madvise", "never"], help="mode of huge pages, as for `faultline run`"
    )
    result.add_argument("--page-cache", choices=["dropped", "warmed"], help="as for `faultline run`")
    result.add_argument(
        "--seed", metavar="N", type=command.whole(0, 2**63 - 1), help="as for `faultline run`"
    )
    result.add_argument(
        "-o", "--output", metavar="FILE", default="pressure.json", help="default: %(default)s"
    )
    result.add_argument("--json", action="store_true", help="print the document instead of the table")
    result.add_argument("-q", "--quiet", action="store_true", help="no progress")
    return result


def _shares(text: str) -> list[int]:
    if not re.fullmatch(r"[0-9]{1,4}%?(,[0-9]{1,4}%?)*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of shares such as {LIMITS}")
    shares = [int(share.rstrip("%")) for share in text.split(",")]
    if len(set(shares)) != len(shares) or min(shares) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: a share is 1 or more, and stands there once")
    return shares


def swap_bytes(text: str) -> int:
    """Of "zram:1G" or "file:512M". Raises UserError."""
    found = re.fullmatch(r"(zram|file):([0-9]{1,9})([KMG]?)", text)
    if found is None or int(found.group(2)) == 0:
        raise UserError(Exit.USAGE, "--swap", f"{text!r} is no kind of swap", "use zram:SIZE or file:SIZE")
    return int(found.group(2)) << {"": 0, "K": 10, "M": 20, "G": 30}[found.group(3)]


def run(arguments: Sequence[str]) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = parser().parse_args(arguments)
    swaps = options.swap.split(",")
    sizes = {swap: swap_bytes(swap) for swap in swaps}
    if os.geteuid() != 0:
        raise UserError(Exit.UNAVAILABLE, "pressure", "control groups and swap need root", "run as root")
    free = free_bytes()
    roomy = int(free * SHARE_OF_MEMORY)
    for swap, size in sizes.items():
        if swap.startswith("zram") and size > roomy:
            raise UserError(
                Exit.UNAVAILABLE, swap, "is more than the memory that it would lie in", "make it smaller"
            )
    runs = Runs(options)
    with replacement(options.output) as write, workspace() as directory:
        room = runs.cells(directory, "with room", roomy, "none")
        sets = {entry["allocator"]: entry["working_set_bytes"] for entry in room}
        base, tables = room[0]["working_set_bytes"], room[0]["harness_bytes"]
        if base is None:
            raise UserError(Exit.UNAVAILABLE, runs.names[0], f"was not valid: {room[0]['invalid_reason']}",
                            "try another workload or allocator")  # fmt: skip
        check_fit(options.limits, sizes, base, sets)
        curves = []
        for swap in swaps:
            for share in options.limits:
                limit = tables + base * share // 100
                cells = runs.cells(directory, f"{share} %, {swap}", limit, swap)
                curves.append({"swap": swap, "limit_percent": share, "limit_bytes": limit, "cells": cells})
        document = {
            "schema": SCHEMA,
            "command": ["faultline", "pressure", *arguments],
            "workload": options.workload,
            "rounds": options.rounds,
            "seed": runs.seed,
            "host": runs.host,
            "working_set_bytes": base,
            "harness_bytes": tables,
            "working_set_of": runs.names[0],
            "with_room": {"limit_bytes": roomy, "cells": room},
            "limits": curves,
        }
        text = json.dumps(document, indent=1) + "\n"
        write(text)
    print(text if options.json else table(document), end="")
    return 0


def free_bytes() -> int:
    with open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    raise UserError(Exit.UNAVAILABLE, "/proc/meminfo", "does not say what memory is free", "mount /proc")


def check_fit(
    shares: Sequence[int], swaps: dict[str, int], base: int, sets: dict[str, Optional[int]]
) -> None:
    """Raises UserError where a limit is too small to run in, or limit and swap for a working set."""
    least = base * min(shares) // 100
    if least < LEAST_LIMIT_BYTES:
        raise UserError(Exit.DATA, f"{min(shares)} %",
                        f"of a working set of {_size(base)} is less than the {_size(LEAST_LIMIT_BYTES)} that "
                        "a trial needs beside its blocks", "give the workload more to hold")  # fmt: skip
    name, largest = max(((n, s or 0) for n, s in sets.items()), key=lambda entry: entry[1])
    for swap, size in swaps.items():
        if least + size < largest:
            raise UserError(Exit.DATA, swap, f"{name} holds {_size(largest)}, limit and swap have room for "
                            f"{_size(least + size)}", "make the swap larger")  # fmt: skip


class Runs:
    """Trials of one workload on all allocators, one limit at a time."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self.arms = options.allocators.split(",")
        self.names = [name_of(arm) for arm in self.arms]
        self.seed = options.seed if options.seed is not None else secrets.randbits(32)
        self.host: Any = None

    def cells(self, directory: str, what: str, limit: int, swap: str) -> list[dict[str, Any]]:
        """One cell for each allocator: medians over the valid trials."""
        options = self._options
        if not options.quiet:
            print(f"{options.workload}: {what}", file=sys.stderr, flush=True)
        passed = [
            "--memory-limit",
            str(limit),
            "--swap",
            swap,
            "--timeout",
            str(options.timeout),
            "--idle-ms",
            "0",
            *(["--thp", options.thp] if options.thp else []),
            *(["--page-cache", options.page_cache] if options.page_cache else []),
        ]
        plan = Plan([options.workload], self.arms, self.seed, passed)
        campaign = Campaign(plan, directory, probes=None)
        campaign.run(options.rounds, Budget(None))
        if campaign.interrupted:
            raise KeyboardInterrupt
        raw = campaign.parts[0][0]
        self.host = raw["host"]
        return [cell(raw, name) for name in self.names]


def cell(raw: Any, allocator: str) -> dict[str, Any]:
    trials = [trial for trial in raw["trials"] if trial["allocator"] == allocator]
    valid = [trial for trial in trials if trial["valid"]]
    peak = _median([peak for peak in map(_box_peak, valid) if peak is not None])
    tables = _median([trial["harness_bytes"] for trial in valid])
    counted = [
        trial for trial in raw.get("counts") or [] if trial["allocator"] == allocator and trial["valid"]
    ]
    measured = [phase for trial in valid for phase in _measure(trial)]
    rates = [phase["operations"] / phase["wall_ns"] * 1e9 for phase in measured if phase["wall_ns"] > 0]
    reasons = [trial["invalid_reason"] for trial in trials if not trial["valid"]]
    return {
        "allocator": allocator,
        "trials": len(trials),
        "valid": len(valid),
        "invalid_reason": reasons[0] if reasons else None,
        "operations_per_s": _median(rates),
        "operations_per_s_rounds": rates,
        "minor_faults": _median([phase["minor_faults"] for phase in measured]),
        "major_faults": _median([phase["major_faults"] for phase in measured]),
        "peak_bytes": peak,
        "harness_bytes": tables,
        "working_set_bytes": None if peak is None or tables is None else peak - tables,
        "measure_ns": _median([phase["wall_ns"] for phase in measured]),
        "counted_ns": _median([phase["wall_ns"] for trial in counted for phase in _measure(trial)]),
        "counts": {name: _median(list(_values(counted, name))) for name in COUNTS},
    }


def _measure(trial: Any) -> Iterator[Any]:
    return (phase for phase in trial["phases"] if phase["name"] == "measure")


def _values(trials: Sequence[Any], metric: str) -> Iterator[float]:
    for trial in trials:
        for phase in _measure(trial):
            if phase["kernel"].get(metric) is not None:
                yield phase["kernel"][metric]


def _box_peak(trial: Any) -> Optional[int]:
    peaks = [phase["kernel"].get("box_peak_bytes") for phase in trial["phases"]]
    return max((peak for peak in peaks if peak is not None), default=None)


def _median(values: Sequence[float]) -> Any:
    """None where nothing was measured."""
    if not values:
        return None
    middle = statistics.median(values)
    return int(middle) if all(isinstance(value, int) for value in values) else middle


def table(document: Any) -> str:
    """The curves as text: for each kind of swap a row for each limit and allocator."""
    room = {entry["allocator"]: entry for entry in document["with_room"]["cells"]}
    held = f"{_size(document['working_set_bytes'])} ({document['working_set_of']})"
    text = f"{document['workload']}: working set {held}"
    text += f", {formatting.count(document['rounds'], 'round')}, medians\n"
    head = [
        "limit",
        "allocator",
        "op/s",
        "of its own with room",
        "swapped in",
        "out",
        "faults of swap",
        "in reclaim",
    ]
    for swap in dict.fromkeys(curve["swap"] for curve in document["limits"]):
        rows = [head]
        for entry in room.values():
            rows.append(["room", *_row(entry, entry)])
        for curve in document["limits"]:
            if curve["swap"] == swap:
                rows += [
                    [f"{curve['limit_percent']} %", *_row(entry, room[entry["allocator"]])]
                    for entry in curve["cells"]
                ]
        lines = "\n".join(aligned(rows, left=(1,)))
        text += f"\nswap on {swap}\n{lines}\n"
    for place, entry in _invalid(document):
        reason = f"{entry['trials'] - entry['valid']} of {entry['trials']} invalid: {entry['invalid_reason']}"
        text += f"{place}, {entry['allocator']}: {reason}\n"
    return text


def _invalid(document: Any) -> Iterator[tuple[str, Any]]:
    places = [("with room", document["with_room"]["cells"])]
    places += [
        (f"{curve['limit_percent']} %, {curve['swap']}", curve["cells"]) for curve in document["limits"]
    ]
    for place, cells in places:
        for entry in cells:
            if entry["valid"] < entry["trials"]:
                yield place, entry


def _row(entry: Any, room: Any) -> list[str]:
    rate, own, counts = entry["operations_per_s"], room["operations_per_s"], entry["counts"]
    if rate is None:
        return [entry["allocator"], "invalid", *["-"] * 5]
    stood, lasted = counts["memcg_reclaim_ns"], entry["counted_ns"]
    return [
        entry["allocator"],
        f"{rate:,.0f}",
        f"{rate / own:.0%}" if own else "-",
        *(_pages(counts[name]) for name in ("swap_in_pages", "swap_out_pages")),
        "-" if counts["faults_swap"] is None else f"{counts['faults_swap']:,.0f}",
        "-" if stood is None or not lasted else f"{stood / lasted:.0%}",
    ]


def _size(number: float) -> str:
    return formatting.quantity(number, "bytes")


def _pages(pages: Optional[float]) -> str:
    return "-" if pages is None else _size(pages * os.sysconf("SC_PAGE_SIZE"))


def main() -> int:
    return command.main("faultline pressure", run, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
