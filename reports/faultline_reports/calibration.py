"""What is known of a host from its own A/A rounds, stored by its fingerprint: two arms that were the same.

One JSON file a host, `faultline-calibration/1`, in $XDG_DATA_HOME/faultline/calibration. `faultline
calibrate` writes it; `ab` and the gate take from it how much two arms differ that do not differ.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from faultline_reports import fields, formatting, output
from faultline_reports.errors import Exit, UserError
from faultline_reports.fields import Object
from faultline_reports.model import Document
from faultline_reports.statistics.thresholds import CONFIDENCE

Key = tuple[str, str]  # workload, metric key

SCHEMA = "faultline-calibration/1"
UNCALIBRATED = "false alarms on this host: not measured; run `faultline calibrate`"
LEAST_ROUNDS = 10  # fewer differences say too little about the noise of a row


@dataclass(frozen=True)
class Calibration:
    fingerprint: str
    made: str  # when, RFC 3339
    allocator: str
    rounds: int
    round_s: float
    replays: int  # A/A gates that were replayed
    failed: int  # of them
    parameters: Mapping[str, Mapping[str, str]]  # of each workload
    noise: Mapping[Key, Sequence[float]]  # logarithms of ratios

    def false_alarms(self) -> str:
        replays = formatting.count(self.replays, "replayed A/A gate")
        return (
            f"false alarms on this host: at most {formatting.percent(self.at_most())} "
            f"({self.failed} of {replays} failed, {self.made[:10]})"
        )

    def at_most(self) -> float:
        """The one-sided 95 % upper bound of the rate. Clopper and Pearson 1934, solved by bisection."""
        low, high = 0.0, 1.0
        for _ in range(50):
            middle = (low + high) / 2
            if _at_most_failed(self.replays, self.failed, middle) > 1 - CONFIDENCE:
                low = middle
            else:
                high = middle
        return float(f"{high:.2g}")

    def noise_for(self, document: Document) -> dict[Key, Sequence[float]]:
        """By workload and metric, of the workloads that did the same work then."""
        same = {
            workload.label
            for workload in document.workloads
            if self.parameters.get(workload.label) == dict(workload.parameters)
        }
        return {key: values for key, values in self.noise.items() if key[0] in same}


def _at_most_failed(replays: int, failed: int, rate: float) -> float:
    """P(B <= failed), B binomial."""
    term = (1 - rate) ** replays
    total = term
    for k in range(1, failed + 1):
        term *= (replays - k + 1) / k * rate / (1 - rate) if rate < 1 else 0.0
        total += term
    return total


def place(fingerprint: str) -> str:
    """The file for a host. Raises UserError for a fingerprint that is none."""
    if not re.fullmatch(r"[0-9a-f]{8,128}", fingerprint):
        raise UserError(Exit.DATA, "fingerprint", f"{fingerprint!r} is not one", "run on this host again")
    home = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    return os.path.join(home, "faultline", "calibration", f"{fingerprint}.json")


def store(calibration: Calibration) -> str:
    path = place(calibration.fingerprint)
    output.directory(os.path.dirname(path))
    noise: dict[str, dict[str, list[float]]] = {}
    for (workload, metric), values in calibration.noise.items():
        noise.setdefault(workload, {})[metric] = [round(value, 9) for value in values]
    value = {
        "schema": SCHEMA,
        "fingerprint": calibration.fingerprint,
        "made": calibration.made,
        "allocator": calibration.allocator,
        "rounds": calibration.rounds,
        "round_s": calibration.round_s,
        "replays": calibration.replays,
        "failed": calibration.failed,
        "parameters": {label: dict(entry) for label, entry in calibration.parameters.items()},
        "noise": noise,
    }
    output.write(path, json.dumps(value, ensure_ascii=False) + "\n")
    return path


def load(fingerprint: str) -> Calibration | None:
    """None where this host has none. Raises UserError for a file that cannot be used."""
    if not re.fullmatch(r"[0-9a-f]{8,128}", fingerprint):
        return None
    path = place(fingerprint)
    if not os.path.exists(path):
        return None
    root = Object(fields.parse(fields.read(path), path), "", path)
    if root.text("schema") != SCHEMA:
        raise UserError(Exit.DATA, path, f"is not {SCHEMA}", "run `faultline calibrate` again")
    noise: dict[Key, Sequence[float]] = {}
    table = root.child("noise")
    for workload in table.printed():
        row = table.child(workload)
        for metric in row.printed():
            values = row.numbers(metric)
            if len(values) >= LEAST_ROUNDS:
                noise[workload, metric] = values
    parameters = root.child("parameters")
    return Calibration(
        fingerprint=fingerprint,
        made=root.text("made"),
        allocator=root.text("allocator"),
        rounds=root.whole("rounds") or 0,
        round_s=root.number("round_s") or 0.0,
        replays=root.whole("replays") or 0,
        failed=root.whole("failed") or 0,
        parameters={label: parameters.child(label).printed() for label in parameters.printed()},
        noise=noise,
    )
