"""How long a report of many workloads takes, and how much memory: a whole command, started as a shell starts
it. FAULTLINE_BENCH_WORKLOADS sets how many workloads (default: 1,000)."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
REPORTS = HERE.parent.parent
WORKLOADS = int(os.environ.get("FAULTLINE_BENCH_WORKLOADS", "1000"))
ROUNDS = 20


def test_a_report_of_many_workloads(tmp_path: pathlib.Path) -> None:
    source, target = tmp_path / "large.json", tmp_path / "large.html"
    writer = [sys.executable, str(HERE / "large_documents.py"), str(source), str(WORKLOADS), str(ROUNDS)]
    subprocess.run(writer, check=True)
    command = [sys.executable, "-m", "faultline_reports.report", str(source), "-o", str(target), "-q"]
    begin = time.monotonic()
    process = subprocess.Popen(command, cwd=REPORTS)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - begin
    assert os.waitstatus_to_exitcode(status) == 0
    text = target.read_text()
    assert text.count('<article class="workload"') == WORKLOADS
    assert f"all {WORKLOADS * 7 * ROUNDS:,} trials valid" in text
    print(
        f"\n{WORKLOADS} workloads, 7 allocators, {ROUNDS} rounds: {wall:.1f} s, CPU time "
        f"{used.ru_utime + used.ru_stime:.1f} s, at most {used.ru_maxrss / 1024:.0f} MiB, "
        f"{source.stat().st_size / 1e6:.0f} MB read, {len(text) / 1e6:.1f} MB written"
    )
