"""usage: originals_bench.py [--rounds N] FAULTLINE FOLDER [PATTERN...]: the synthetic patterns beside the programs that they
were written after. FOLDER holds the programs of mimalloc-bench, built as its CMakeLists.txt builds them; those that are
missing are left out, and said. A table in Markdown compares, for each of the installed allocators, nanoseconds of CPU time
in one call: inside of the allocator, in the kernel, and in all with the program's own loop (where ours draws its random
numbers beforehand, and the originals do so between calls); and the order of allocators wherever the original tells two of
them apart.

The parts are told from each other by sampling with perf. Takes about two minutes a round; a quiet machine is wanted."""

import argparse
import itertools
import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile

ALLOCATORS = ("system", "jemalloc", "mimalloc", "tcmalloc", "slabuddy")
HERTZ = 4000
PARTS = ("malloc", "kernel", "program")
THREADS = 2


class Pattern:
    """A workload of ours, the arguments of its original, and how many calls that makes: from what it prints, or, when
    that does not tell, counted by recording it once."""

    def __init__(self, ours, original, calls=None):
        self.ours, self.original, self.calls = ours, original.split(), calls


def printed(pattern, factor):
    return lambda text: factor * float(re.search(pattern, text)[1])


LARSON_SECONDS = 2
PATTERNS = {
    # Each operation is a free and an allocation.
    "larsonN": Pattern(
        f"larson{THREADS}:draw=between,operations=8000000",
        f"larson {LARSON_SECONDS} 8 1000 5000 100 4141 {THREADS}",
        printed(r"Throughput = +(\d+)", 2 * LARSON_SECONDS),
    ),
    "larson-sizedN": Pattern(
        f"larson-sized{THREADS}:draw=between,operations=8000000",
        f"larson-sized {LARSON_SECONDS} 8 1000 5000 100 4141 {THREADS}",
        printed(r"Throughput = +(\d+)", 2 * LARSON_SECONDS),
    ),
    "mstressN": Pattern(f"mstress{THREADS}:rounds=25", f"mstress {THREADS} 50 25"),
    "rptestN": Pattern(f"rptest{THREADS}:rounds=4", f"rptest {THREADS} 0 1 2 500 1000 100 8 16000"),
    "alloc-test1": Pattern("alloc-test1:operations=12000000", "alloc-test 1", lambda _: 100e6),
    "xmalloc-testN": Pattern(
        f"xmalloc-test{THREADS}:operations=2000",
        f"xmalloc-test -w {THREADS} -t 2 -s 64",
        printed(r"free/sec: ([\d.]+) M", 2 * 2e6),
    ),
    # Three sizes; four batches; warm-up and three turns; two million blocks.
    "glibc-simple": Pattern("glibc-simple:operations=4000000", "glibc-simple", lambda _: 2 * 3 * 4 * 4 * 2e6),
    "glibc-threadN": Pattern(
        f"glibc-thread{THREADS}:operations=12000000",
        f"glibc-thread {THREADS}",
        printed(r"(\d+) iterations", 2),
    ),
    "mleakN": Pattern("mleak10:operations=500", "mleak 5"),
    "malloc-large": Pattern("malloc-large:operations=200", "malloc-large", lambda _: 2 * 2000),
}


def libraries(faultline):
    """Name: what is preloaded for it."""
    listed = json.loads(subprocess.check_output([faultline, "list", "allocators", "--json"]))
    paths = {entry["name"]: entry["path"] for entry in listed if entry["installed"]}
    return {name: "" if name == "system" else paths[name] for name in ALLOCATORS if name in paths}


def part_of(symbol, place, library):
    """In which of PARTS an instruction is."""
    name = os.path.basename(place)
    if name.startswith("[") and name != "[vdso]":
        return "kernel"
    if library:
        own = (os.path.basename(library), os.path.basename(os.path.realpath(library)))
        return "malloc" if name in own else "program"
    own = re.search(r"alloc|free|memalign|arena|sysm|tcache|unlink_chunk", symbol)
    return "malloc" if name.startswith("libc.so") and own else "program"


def sampled(command, library, folder):
    """What the command printed, and its samples: (time in ns, part)."""
    data = folder / "perf.data"
    preload = ["env", f"LD_PRELOAD={library}"] if library else ["env"]
    done = subprocess.run(["perf", "record", "-q", "-e", "cpu-clock", "-F", str(HERTZ), "-k", "CLOCK_MONOTONIC", "-o", data,
                           "--", *preload, *command], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, check=True)  # fmt: skip
    script = subprocess.check_output(["perf", "script", "-i", data, "--ns", "-F", "time,ip,sym,dso"], text=True,
                                     stderr=subprocess.DEVNULL)  # fmt: skip
    samples = []
    for line in script.splitlines():
        found = re.match(r"\s*(\d+)\.(\d{9}):\s+[0-9a-f]+ (.*) \((.*)\)$", line)
        if found:
            samples.append(
                (
                    int(found[1]) * 10**9 + int(found[2]),
                    part_of(found[3], found[4], library),
                )
            )
    return done.stdout, samples


def per_call(samples, calls):
    """ns of one call by part, and "all"."""
    period = 1e9 / HERTZ
    parts = {part: sum(of == part for _, of in samples) * period / calls for part in PARTS}
    return parts | {"all": len(samples) * period / calls}


def counted(faultline, command, folder):
    """How many calls the command makes of the malloc family."""
    trace = folder / "a.fltrace"
    subprocess.run([faultline, "record", "-o", trace, "--", *command], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    info = json.loads(subprocess.check_output([faultline, "trace", "info", "--json", trace]))
    trace.unlink()
    return info["operations"]


def run_ours(faultline, pattern, library, folder):
    worker = pathlib.Path(faultline).parent / "faultline-worker"
    command = [
        str(worker),
        f"--workload={pattern.ours}",
        "--set",
        "latency_every=0",
        "--report-fd=1",
    ]
    text, samples = sampled(command, library, folder)
    report = json.loads(next(line for line in text.splitlines() if line.startswith("{")))
    phase = next(phase for phase in report["phases"] if phase["name"] == "measure")
    begin, end = phase["begin_ns"], phase["begin_ns"] + phase["wall_ns"]
    return per_call([sample for sample in samples if begin <= sample[0] < end], phase["operations"])


def apart(a, b):
    """-1 or 1 when all of one lie below all of the other, else 0."""
    if max(a) < min(b):
        return -1
    return 1 if max(b) < min(a) else 0


def compare(faultline, name, pattern, preload, originals, rounds, folder):
    command = [str(originals / pattern.original[0]), *pattern.original[1:]]
    calls = pattern.calls or (lambda _, all=counted(faultline, command, folder): all)
    theirs, ours = {key: [] for key in preload}, {key: [] for key in preload}
    for _ in range(rounds):
        for key, library in preload.items():
            text, samples = sampled(command, library, folder)
            theirs[key].append(per_call(samples, calls(text)))
            ours[key].append(run_ours(faultline, pattern, library, folder))

    def median(runs, column):
        return statistics.median(run[column] for run in runs)

    whole = {key: [run["all"] for run in runs] for key, runs in theirs.items()}
    told = {pair: apart(whole[pair[0]], whole[pair[1]]) for pair in itertools.combinations(preload, 2)}
    told = {pair: order for pair, order in told.items() if order}
    against = [f"{a}/{b}" for (a, b), order in told.items()
               if order != (-1 if median(ours[a], "all") < median(ours[b], "all") else 1)]  # fmt: skip
    for key in preload:
        cells = []
        for part in ("malloc", "kernel", "all"):
            original, own = median(theirs[key], part), median(ours[key], part)
            cells.append(
                f"{original:.1f} | {own:.1f}" + (f" | {own / original - 1:+.0%}" if part == "all" else "")
            )
        order = f"{len(told) - len(against)} of {len(told)}{' not ' + ', '.join(against) if against else ''}"
        print(
            f"| {name} | {key} | {' | '.join(cells)} | {order if key == 'system' else ''} |",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("faultline")
    parser.add_argument("originals", type=pathlib.Path)
    parser.add_argument("patterns", nargs="*", default=list(PATTERNS))
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    faultline, originals = (
        os.path.abspath(arguments.faultline),
        arguments.originals.resolve(),
    )
    preload = libraries(faultline)
    print("| pattern | allocator | malloc, ns a call: original | ours | kernel: original | ours | in all: original | ours "
          "| | pairs of allocators in the original's order |")  # fmt: skip
    print("| --- | --- | --: | --: | --: | --: | --: | --: | --: | --- |", flush=True)
    with tempfile.TemporaryDirectory() as name:
        for pattern in arguments.patterns:
            if (originals / PATTERNS[pattern].original[0]).exists():
                compare(faultline, pattern, PATTERNS[pattern], preload, originals, arguments.rounds,
                        pathlib.Path(name))  # fmt: skip
            else:
                print(f"| {pattern} | not built: {PATTERNS[pattern].original[0]} | | | | | | | | |")


main()
