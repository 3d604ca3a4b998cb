"""usage: recorder_bench.py [--rounds N] FAULTLINE [NAME=COMMAND...]: what recording costs, beside heaptrack. Each program is
run as it is, under `faultline record` and under heaptrack, writing what it saw and what it makes of that while it runs, or
only the former (--raw), in turns; a table in Markdown gives the time that each adds, the median of all rounds, and the size
of its files. Without commands: two programs of the suite `apps` that allocate much, and larson with two threads.

Takes about a minute; a quiet machine is wanted. Needs heaptrack, lua and perl and no privileges."""

import argparse
import os
import pathlib
import shlex
import statistics
import subprocess
import tempfile
import time
import tomllib

APPS = pathlib.Path(__file__).resolve().parent.parent.parent / "apps" / "programs"


def of_app(name):
    with open(APPS / f"{name}.toml", "rb") as file:
        return [word.replace("{dir}", str(APPS)) for word in tomllib.load(file)["command"]]


def own_programs(faultline):
    worker = str(pathlib.Path(faultline).parent / "faultline-worker")
    larson = [
        worker,
        "--workload=larson2:operations=1000000",
        "--set",
        "latency_every=0",
    ]
    return {"lua": of_app("lua"), "perl": of_app("perl"), "larson (2 threads)": larson}


def recorders(faultline, folder):
    """Name: what stands before the command, and the pattern of the files that it leaves."""
    return {
        "none": ([], ""),
        "faultline": (
            [faultline, "record", "-o", str(folder / "f.fltrace"), "--"],
            "f.fltrace*",
        ),
        "heaptrack": (["heaptrack", "-o", str(folder / "h")], "h*"),
        "heaptrack --raw": (["heaptrack", "--raw", "-o", str(folder / "r")], "r*"),
    }


def timed(command):
    began = time.monotonic()
    subprocess.run(
        command,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.monotonic() - began


def measure(name, command, faultline, rounds, folder):
    seconds, sizes = {}, {}
    for _ in range(rounds):
        for recorder, (before, files) in recorders(faultline, folder).items():
            seconds.setdefault(recorder, []).append(timed(before + command))
            left = list(folder.glob(files)) if files else []
            sizes[recorder] = sum(file.stat().st_size for file in left)
            for file in left:
                file.unlink()
    median = {recorder: statistics.median(values) for recorder, values in seconds.items()}
    extra = {recorder: value - median["none"] for recorder, value in median.items()}
    for recorder in list(median)[1:]:
        share = f"{extra['faultline'] / extra[recorder]:.2f}" if recorder != "faultline" else ""
        spread = f"{min(seconds[recorder]):.2f} to {max(seconds[recorder]):.2f}"
        print(f"| {name} | {median['none']:.3f} | {recorder} | {median[recorder]:.3f} ({spread}) | {extra[recorder]:.3f} "
              f"| {share} | {sizes[recorder]} |", flush=True)  # fmt: skip


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("faultline")
    parser.add_argument("programs", nargs="*", metavar="NAME=COMMAND")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    faultline = os.path.abspath(arguments.faultline)
    given = {
        name: shlex.split(command)
        for name, _, command in (text.partition("=") for text in arguments.programs)
    }
    print("| program | s alone | recorder | s with it | s more | faultline's share of that | bytes |")
    print("| --- | --: | --- | --: | --: | --: | --: |", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, command in (given or own_programs(faultline)).items():
            measure(name, command, faultline, arguments.rounds, pathlib.Path(folder))


main()
