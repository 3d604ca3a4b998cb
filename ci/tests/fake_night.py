#!/usr/bin/python3
"""Stands in for `faultline run` in the tests of ci/nightly: writes the document of the day $NIGHT."""

import argparse
import hashlib
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "reports" / "tests"))
import fake_documents  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("words", nargs="+")
    parser.add_argument("-a", dest="allocators")
    parser.add_argument("--rounds")
    parser.add_argument("-o", dest="output")
    options = parser.parse_args()
    names = [arm.partition("=")[0] for arm in options.allocators.split(",")]
    night = int(os.environ["NIGHT"])
    made = fake_documents.make(
        seed=night,
        rounds=6,
        workloads=fake_documents.WORKLOADS[:2],
        allocators=names,
        samples=0,
        floor=False,
        shape_spread=0.0,
        more={name: (1.0, 1.0, 1.0, 0.5, "1", f"/opt/{name}.so") for name in names},
    )
    for allocator in made["plan"]["allocators"]:
        allocator["sha256"] = hashlib.sha256(allocator["name"].encode()).hexdigest()
    made["tool"]["started"] = f"2026-01-{night:02}T03:00:00Z"
    Path(options.output).write_text(json.dumps(made))
    return 0


if __name__ == "__main__":
    sys.exit(main())
