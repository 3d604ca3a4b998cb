"""usage: long_trace_test.py MAKER WORKER OPERATIONS: a trace of so many operations is replayed in memory that does not grow
with it. The replayer and what is live stay below 64 MiB together, whatever the trace; and so does the compiler."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

MOST_KIB = 64 * 1024


def run(what, *command, **options):
    """Standard output of the command, and the most memory that it, or a child of its own, was resident with, in KiB."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, f"{command}: {status}"
    print(f"{what}: {time.monotonic() - began:.1f} s, {usage.ru_maxrss / 1024:.1f} MiB at the peak")
    return out, usage.ru_maxrss


def main(maker, worker, operations):
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
        trace = str(pathlib.Path(folder) / "long.fltrace")
        run("write the trace", maker, operations, trace)
        # The worker compiles in a child, which counts as its own for the kernel once it has been waited for.
        report, most = run("compile and replay", worker, "--workload=replay", "--set", f"trace={trace}",
                           "--report-fd=1", stderr=subprocess.DEVNULL)  # fmt: skip
    report = json.loads(next(line for line in report.splitlines() if line.startswith("{")))
    measured = next(phase for phase in report["phases"] if phase["name"] == "measure")
    assert measured["operations"] == int(operations), measured
    notes = "\n".join(report["notes"])
    print(notes)
    assert "read on in pieces" in notes
    assert most < MOST_KIB, f"{most} KiB"


main(*sys.argv[1:])
