"""Writes a document of many workloads piece by piece: `python3 large_documents.py FILE WORKLOADS ROUNDS`."""

from __future__ import annotations

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import fake_documents  # noqa: E402


def write(path: str, workloads: int, rounds: int) -> None:
    """On all seven allocators that fake_documents knows."""
    rows = [(f"row-{number:04d}", *fake_documents.WORKLOADS[3][1:]) for number in range(workloads)]
    names = tuple(fake_documents.ALLOCATORS)
    head = fake_documents.make(rounds=0, workloads=rows, allocators=names, floor=False, samples=0)
    head["plan"]["rounds"] = head["rounds_whole"] = rounds
    del head["trials"]
    with open(path, "w", encoding="utf-8") as file:
        file.write("{\n")
        for key, value in head.items():
            file.write(f"{json.dumps(key)}: {json.dumps(value)},\n")
        file.write('"trials": [\n')
        for number, row in enumerate(rows):
            part = fake_documents.make(number, rounds, [row], names, floor=False, samples=0)
            lines = [json.dumps(trial) for trial in part["trials"]]
            file.write(",\n".join(lines) + (",\n" if number + 1 < workloads else "\n"))
        file.write("]\n}\n")


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
