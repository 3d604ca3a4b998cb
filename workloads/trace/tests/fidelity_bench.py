"""usage: fidelity_bench.py FAULTLINE [PROGRAM...]: how true replays are. Each program is recorded, then run itself and
replayed on the installed allocators; a table in Markdown compares the peak of its heap and its page faults on the C
library's malloc, and the order of the allocators by CPU time wherever the program tells two of them apart.

Takes some minutes; a quiet machine is wanted. Needs the programs (ci/install apps) and no privileges."""

import itertools
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
APPS = HERE.parent.parent / "apps" / "programs"
ALLOCATORS = ("system", "jemalloc", "mimalloc", "tcmalloc", "slabuddy")
ROUNDS = 7
THREADS_JOB = """
import sys; source = open(sys.argv[1]).read()
for _ in range(10): exec(source, {})
"""
# Perl's threads share no interpreter, and so no lock either: both allocate at the same time.
PERL_THREADS_JOB = """
my $job = shift; my @threads = map { threads->create(sub { do $job; 1 }) } 1, 2; $_->join or die for @threads
"""


def of_app(name):
    """Command and environment of a program that is one process, as its definition says."""
    with open(APPS / f"{name}.toml", "rb") as file:
        definition = tomllib.load(file)
    return [word.replace("{dir}", str(APPS)) for word in definition["command"]], definition.get(
        "environment", {}
    )


def programs(folder):
    """Name: (command, environment). The last three have several threads."""
    repository = folder / "repository"
    subprocess.run(["git", "init", "-q", "-b", "main", repository], check=True)
    history = subprocess.run(["perl", APPS / "history.pl"], check=True, capture_output=True).stdout
    subprocess.run(["git", "-C", repository, "fast-import", "--quiet"], input=history, check=True)
    pack = ["git", "-C", str(repository), "-c", "pack.threads=2", "pack-objects", "--all", "--stdout", "-q",
            "--no-reuse-delta", "--window=20"]  # fmt: skip
    threads = [
        "/usr/bin/python3",
        "-I",
        "-S",
        "-c",
        THREADS_JOB,
        str(HERE.parent / "data" / "python-threads.py"),
    ]
    return {
        **{name: of_app(name) for name in ("lua", "perl", "python3", "z3")},
        "python3 (4 threads)": (
            threads,
            {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"},
        ),
        "git pack-objects (2 threads)": (pack, {}),
        "perl (2 threads)": (
            ["perl", "-Mthreads", "-e", PERL_THREADS_JOB, str(APPS / "job.pl")],
            {"PERL_HASH_SEED": "0"},
        ),
    }


def heap_bytes(pid):
    """Resident bytes of the heap and of anonymous mappings without a name, where mallocs have their memory; without those that
    continue an object's data (.bss) or lie behind a guard page (the stacks of threads)."""
    resident, begin, last = {}, None, ("", "", "0", 0)
    with open(f"/proc/{pid}/smaps") as smaps:
        for line in smaps:
            header = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ (\d+) *(\S*)$", line)
            if header:
                start, end, mode, inode, name = header.groups()
                follows = last[0] == start and (last[2] != "0" or (last[1] == "---p" and last[3] <= 4096))
                is_heap = "w" in mode and inode == "0" and (name == "[heap]" or (name == "" and not follows))
                begin = start if is_heap else None
                last = (end, mode, inode, int(end, 16) - int(start, 16))
            elif begin and line.startswith("Rss:"):
                resident[begin] = 1024 * int(
                    line.split()[1]
                )  # one that grows meanwhile may stand there twice
    return sum(resident.values())


def run(command, environment, library, watched=False):
    """CPU seconds, minor faults and, if watched, the peak of the heap in bytes."""
    preload = {"LD_PRELOAD": library} if library else {}
    process = subprocess.Popen(command, env=os.environ | environment | preload, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    peak = 0
    while watched and not os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        try:
            peak = max(peak, heap_bytes(process.pid))
        except (FileNotFoundError, ProcessLookupError):
            break
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, f"{command}: {status}"
    return usage.ru_utime + usage.ru_stime, usage.ru_minflt, peak


def replay(faultline, trace, rounds, document, allocators=ALLOCATORS):
    """Trials of the trace by allocator: (CPU seconds, minor faults, peak of the heap in bytes)."""
    subprocess.run([faultline, "run", trace, "-a", ",".join(allocators), "--rounds", str(rounds), "-o", document, "-q"],
                   check=True, stdout=subprocess.DEVNULL)  # fmt: skip
    trials, libraries = {name: [] for name in allocators}, {}
    for trial in json.loads(document.read_text())["trials"]:
        if trial["allocator"] not in trials:
            continue
        assert trial["valid"], trial["invalid_reason"]
        measure = next(phase for phase in trial["phases"] if phase["name"] == "measure")
        trials[trial["allocator"]].append((measure["cpu_ns"] / 1e9, measure["minor_faults"],
                                           trial["peak_rss_bytes"] - trial["baseline_rss_bytes"]))  # fmt: skip
        libraries[trial["allocator"]] = trial["allocator_path"]
    libraries["system"] = ""
    return trials, libraries


def median(rows, column):
    return statistics.median(row[column] for row in rows)


def apart(a, b):
    """-1 or 1 when all CPU times of one lie below all of the other, else 0."""
    if max(row[0] for row in a) < min(row[0] for row in b):
        return -1
    return 1 if max(row[0] for row in b) < min(row[0] for row in a) else 0


def compare(faultline, name, command, environment, folder):
    trace, document = folder / "a.fltrace", folder / "a.json"
    subprocess.run([faultline, "record", "-o", trace, "--", *command], env=os.environ | environment, check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    replayed, libraries = replay(faultline, str(trace), ROUNDS, document)
    paced = replay(faultline, f"{trace}:pace=100", 3, document, ("system",))[0]["system"]
    ran = {allocator: [] for allocator in ALLOCATORS}
    for _ in range(ROUNDS):
        for allocator in ALLOCATORS:
            ran[allocator].append(run(command, environment, libraries[allocator]))
    peak = max(
        run(command, environment, "", watched=True)[2] for _ in range(5)
    )  # the peak may be short: the highest seen
    told = {pair: apart(ran[pair[0]], ran[pair[1]]) for pair in itertools.combinations(ALLOCATORS, 2)}
    told = {pair: order for pair, order in told.items() if order}
    agree = [pair for pair, order in told.items()
             if order == (-1 if median(replayed[pair[0]], 0) < median(replayed[pair[1]], 0) else 1)]  # fmt: skip
    against = ["/".join(pair) for pair in told if pair not in agree]
    at_pace = median(paced, 2)
    heap, faults = median(replayed["system"], 2), median(replayed["system"], 1)
    print(f"| {name} | {peak / 2**20:.1f} | {heap / 2**20:.1f} | {heap / peak - 1:+.0%} "
          f"| {at_pace / 2**20:.1f} | {at_pace / peak - 1:+.0%} "
          f"| {median(ran['system'], 1):.0f} | {faults:.0f} | {faults / median(ran['system'], 1) - 1:+.0%} "
          f"| {len(agree)} of {len(told)}{' not ' + ', '.join(against) if against else ''} |", flush=True)  # fmt: skip


def main(faultline, *chosen):
    print(
        "| program | heap, MiB | replayed | | at its pace | | minor faults | replayed | "
        "| pairs of allocators in the program's order |"
    )
    print("| --- | --: | --: | --: | --: | --: | --: | --: | --: | --- |", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for program, (command, environment) in programs(folder).items():
            if not chosen or program in chosen:
                compare(faultline, program, command, environment, folder)


main(*sys.argv[1:])
