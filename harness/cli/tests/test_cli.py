"""What the command line promises, checked on the built program as a user runs it.

Run by CTest with FAULTLINE (the program), FAULTLINE_LIBRARIES (the misbehaving libraries) in the environment.
"""

import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import time

import pytest

FAULTLINE = os.environ["FAULTLINE"]
LIBRARIES = pathlib.Path(os.environ["FAULTLINE_LIBRARIES"])
WORKLOADS = ["pair:size=64,operations=200000", "glibc-simple"]


def faultline(*arguments, timeout=120, **options):
    command = [FAULTLINE, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, **options)


def run(tmp_path, *arguments, **options):
    """A short run; returns the finished process and the document, or None where there is none."""
    output = tmp_path / "r.json"
    done = faultline("run", *arguments, "--idle-ms", 0, "-o", output, **options)
    return done, json.loads(output.read_text()) if output.exists() else None


def assert_one_line(done, status, *words):
    """Bad input: the status, one line on standard error that holds the words, and nothing else."""
    assert done.returncode == status, done.stderr
    assert done.stderr.startswith("faultline: ")
    assert done.stderr.count("\n") == 1, done.stderr
    for word in words:
        assert str(word) in done.stderr


def test_as_many_valid_trials_as_rounds_for_each_pair(tmp_path):
    done, document = run(tmp_path, *WORKLOADS, "-a", "system,slabuddy", "--rounds", 3, "--seed", 7)
    assert done.returncode == 0, done.stderr
    assert document["complete"] and document["rounds_whole"] == 3
    assert document["plan"]["seed"] == 7
    for workload in (entry["workload"] for entry in document["plan"]["workloads"]):
        for allocator in ("system", "slabuddy", "null"):
            trials = [t for t in document["trials"] if (t["workload"], t["allocator"]) == (workload, allocator)]
            assert [t["round"] for t in trials] == [0, 1, 2]
            assert all(t["valid"] for t in trials), [t["invalid_reason"] for t in trials]
            assert [p["name"] for p in trials[0]["phases"]] == ["start", "warmup", "measure", "drain", "idle"]


def test_a_dry_run_checks_the_words_and_runs_nothing(tmp_path):
    words = [*WORKLOADS, "-a", "system,slabuddy", "--rounds", 3, "--no-floor", "--dry-run", "-o", tmp_path / "r.json"]
    done = faultline("run", *words, "--json")
    assert done.returncode == 0 and done.stderr == ""
    said = json.loads(done.stdout)
    assert said["workloads"] == WORKLOADS and said["trials"] == 12
    assert said["allocators"] == ["system", "slabuddy"] and said["rounds"] == 3
    told = faultline("run", *words)
    assert told.returncode == 0 and "2 workloads, 2 allocators, 3 rounds, 12 trials" in told.stderr
    assert list(tmp_path.iterdir()) == []
    assert_one_line(faultline("run", "quikc", "-a", "system", "--dry-run"), 64, "quikc")
    assert_one_line(faultline("run", *WORKLOADS, "-a", "systm", "--dry-run"), 64, "systm")


def test_every_command_says_what_it_does():
    """In the list of all, those that are programs of their own, too."""
    said = faultline("--help").stdout
    own = pathlib.Path(FAULTLINE).resolve().parent.parent / "libexec" / "faultline"
    names = [path.name.removeprefix("faultline-") for path in own.glob("faultline-*")]
    assert "gate" in names and "history" in names
    for name in names:
        (line,) = [line for line in said.splitlines() if line.split()[:1] == [name]]
        assert len(line.split()) > 4, line
        assert len(line) <= 120


def test_memory_is_divided_in_one_trial_of_each_pair_apart(tmp_path):
    words = ["malloc-large:operations=200,slots=4,touch=all", "-a", "system,slabuddy", "--rounds", 2]
    done, document = run(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    apart = document["occupancy"]
    assert sorted(t["allocator"] for t in apart) == ["slabuddy", "system"], "the floor frees nothing"
    for trial in apart:
        assert trial["valid"] and trial["occupancy"] == {"reason": None}, trial
        series = {s["name"]: s for s in trial["series"]}
        assert max(series["requested_bytes"]["values"]) > 20 * 2**20
        assert max(series["occupied_bytes"]["values"]) > 20 * 2**20
        for name in ("usable_bytes", "rounding_bytes", "occupancy_tables_bytes"):
            assert series[name]["at_ns"] == series["rss_bytes"]["at_ns"], "seen at once"
        assert trial["latency"] == [], "it is not timed"
    assert all("occupancy" not in t for t in document["trials"])
    assert run(tmp_path, *words, "--no-occupancy")[1]["occupancy"] == []


def test_the_seed_reproduces_order_and_streams(tmp_path):
    def shape(seed):
        _, document = run(tmp_path, *WORKLOADS, "-a", "system,slabuddy", "--rounds", 2, "--seed", seed)
        return [(t["workload"], t["allocator"], t["seed"], t["checksum"]) for t in document["trials"]]

    first = shape(1)
    assert shape(1) == first
    assert shape(2) != first


def test_a_slice_runs_the_rounds_that_the_whole_plan_would_have_run(tmp_path):
    def shape(*arguments):
        done, document = run(tmp_path, *WORKLOADS, "-a", "system,again=system", "--seed", 3, *arguments)
        assert done.returncode == 0, done.stderr
        return [
            (t["round"], t["position"], t["workload"], t["allocator"], t["seed"], t["checksum"])
            for t in document["trials"]
        ]

    whole = shape("--rounds", 3, "--no-floor")
    assert shape("--rounds", 1, "--first-round", 2, "--no-floor") == [row for row in whole if row[0] == 2]
    alone = shape("--rounds", 1, "--only", "glibc-simple", "--no-floor")
    assert {row[2] for row in alone} == {"glibc-simple"}
    assert {row[4] for row in alone} == {row[4] for row in whole if row[0] == 0 and row[2] == "glibc-simple"}


@pytest.mark.parametrize(
    ("library", "reason"),
    [
        ("crashes", "killed by SIGSEGV"),
        ("hangs", "did not end within 1 s"),
        ("runs_dry", "returned NULL"),
        ("hands_out_twice", "did not hold what was written"),
    ],
)
def test_a_misbehaving_arm_is_recorded_and_the_run_goes_on(tmp_path, library, reason):
    bad = f"bad={LIBRARIES / f'lib{library}.so'}"
    arguments = ["-a", f"{bad},system", "--rounds", 2, "--timeout", 1, "--no-floor"]
    done, document = run(tmp_path, "larson1:operations=100000", *arguments)
    assert done.returncode == 76, done.stderr
    by_allocator = {t["allocator"]: t for t in document["trials"]}
    assert not by_allocator["bad"]["valid"]
    assert reason in by_allocator["bad"]["invalid_reason"]
    assert by_allocator["system"]["valid"]
    assert document["rounds_whole"] == 2
    assert {b["run_name"].rpartition("/")[2] for b in document["benchmarks"]} == {"system"}


def test_a_trial_over_its_memory_limit_is_stopped_and_said(tmp_path):
    done, document = run(tmp_path, "malloc-large", "-a", "system", "--rounds", 1, "--memory-limit", "512M", "--no-floor")
    if done.returncode == 69:  # the plan knows that it does not fit
        assert_one_line(done, 69, "malloc-large", "MiB")
    else:
        assert done.returncode in (0, 76)
        assert all(t["process_peak_rss_bytes"] < 600 << 20 for t in document["trials"] if t["valid"])


def other_architecture(tmp_path):
    path = tmp_path / "arm.so"
    image = bytearray((LIBRARIES / "libcrashes.so").read_bytes())
    image[18:20] = (183).to_bytes(2, "little")  # e_machine: EM_AARCH64
    path.write_bytes(image)
    return path


def test_bad_allocators_are_one_line_each(tmp_path):
    def refused(allocator):
        done, document = run(tmp_path, "glibc-simple", "-a", allocator)
        assert document is None
        return done

    unreadable = tmp_path / "text.so"
    unreadable.write_text("not ELF")
    assert_one_line(refused("jemaloc"), 64, "jemaloc", "jemalloc")
    assert_one_line(refused("./libmine.so"), 64, "NAME=PATH")
    assert_one_line(refused("x=/nonexistent.so"), 66, "/nonexistent.so")
    assert_one_line(refused(f"x={unreadable}"), 65, unreadable)
    assert_one_line(refused(f"x={tmp_path}"), 66, tmp_path)
    assert_one_line(refused(f"x={LIBRARIES / 'libno_malloc.so'}"), 65, "malloc")
    assert_one_line(refused(f"x={LIBRARIES / 'libhalf.so'}"), 65, "alloc is answered by")
    assert_one_line(refused(f"x={other_architecture(tmp_path)}"), 65, "arm.so")


def test_bad_workloads_suites_and_options_are_one_line_each(tmp_path):
    def refused(*arguments):
        done, document = run(tmp_path, *arguments, "-a", "system")
        assert document is None
        return done

    broken = tmp_path / "broken.toml"
    broken.write_text('rounds = 3\n[[workload]\nuse = "pair"\n')
    not_utf8 = tmp_path / "latin.toml"
    not_utf8.write_bytes(b'summary = "\xe9"\n')
    unknown = tmp_path / "unknown.toml"
    unknown.write_text('[[workload]]\nuse = "pear"\n')
    assert_one_line(refused("larsn2"), 64, "larsn2")
    assert_one_line(refused("pair:size=-4"), 64, "size")
    assert_one_line(refused("pair:size=99999999999999999999"), 64, "size")
    assert_one_line(refused("pair:colour=red"), 64, "colour")
    assert_one_line(refused(broken), 65, "broken.toml:2")
    assert_one_line(refused(not_utf8), 65, "latin.toml:1")
    assert_one_line(refused(unknown), 64, "unknown.toml:1", "pear")
    assert_one_line(refused(tmp_path / "none.toml"), 66, "none.toml")
    assert_one_line(refused("pair", "--rounds", "0"), 64, "rounds")
    assert_one_line(refused("pair", "--probes", "gremlins"), 64, "gremlins")
    assert_one_line(faultline("frobnicate"), 64, "frobnicate")
    assert_one_line(faultline("run"), 64)


def test_an_output_that_cannot_be_written_is_found_before_any_work(tmp_path):
    begin = time.monotonic()
    assert_one_line(faultline("run", "pair", "-a", "system", "-o", tmp_path / "none" / "r.json"), 73, "r.json")
    assert_one_line(faultline("run", "pair", "-a", "system", "-o", tmp_path), 73, tmp_path)
    assert time.monotonic() - begin < 20
    taken = tmp_path / "taken"
    taken.write_text("")
    assert_one_line(faultline("run", "pair", "-a", "system", "-o", tmp_path / "r.json", "--report", taken), 73, "taken")
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    assert_one_line(faultline("run", "pair", "-a", "system", "-o", fifo), 73, "fifo", "regular file")


def test_a_full_disk_loses_nothing_that_was_there(tmp_path):
    output = tmp_path / "r.json"
    output.write_text("precious")

    def limit_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))

    done = faultline("run", "pair", "-a", "system", "--rounds", 1, "-q", "-o", output, preexec_fn=limit_files)
    assert_one_line(done, 74, "r.json", "nothing was overwritten")
    assert output.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [output]


def start_long_run(output):
    command = [FAULTLINE, "run", "glibc-simple", "-a", "system", "--rounds", "1000", "-o", str(output), "--idle-ms", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for _ in range(600):
        if output.exists() and json.loads(output.read_text())["rounds_whole"] >= 2:
            return process
        time.sleep(0.1)
    process.kill()
    raise AssertionError("no round came: " + process.communicate()[1])


def worker_pids(parent):
    children = pathlib.Path(f"/proc/{parent}/task/{parent}/children")
    return [int(pid) for pid in children.read_text().split()] if children.exists() else []


def assert_whole_rounds_only(output):
    document = json.loads(output.read_text())
    assert not document["complete"]
    assert document["rounds_whole"] >= 2
    assert {t["round"] for t in document["trials"]} == set(range(document["rounds_whole"]))
    return document


def test_ctrl_c_keeps_the_rounds_that_are_whole(tmp_path):
    output = tmp_path / "r.json"
    process = start_long_run(output)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "rounds are whole" in err
    assert "results:" in out
    assert_whole_rounds_only(output)


def test_sigkill_leaves_a_readable_document_and_no_worker(tmp_path):
    output = tmp_path / "r.json"
    process = start_long_run(output)
    children = worker_pids(process.pid)
    process.kill()
    process.communicate(timeout=30)
    assert_whole_rounds_only(output)
    assert faultline("export", output, "-f", "csv").returncode == 0
    time.sleep(0.5)
    for pid in children:
        state = pathlib.Path(f"/proc/{pid}/stat")
        assert not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"


def test_exports_hold_every_valid_sample(tmp_path):
    _, document = run(tmp_path, "pair", "-a", "system", "--rounds", 2)
    csv = faultline("export", tmp_path / "r.json", "-f", "csv").stdout.splitlines()
    assert len(csv) == 1 + sum(len(t["phases"]) for t in document["trials"])
    benchmark = json.loads(faultline("export", tmp_path / "r.json", "-f", "gbench").stdout)
    assert len(benchmark["benchmarks"]) == 4
    assert {"name", "real_time", "cpu_time", "time_unit", "iterations"} <= set(benchmark["benchmarks"][0])


def test_export_of_what_is_no_document_is_one_line(tmp_path):
    for name, content in {"empty": "", "text": "hello", "list": "[]", "cut": '{"schema": "faultline-results/1", "tri'}.items():
        path = tmp_path / name
        path.write_text(content)
        assert_one_line(faultline("export", path), 65, name)
    assert_one_line(faultline("export", tmp_path / "none"), 66, "none")


def test_list_is_json_where_a_program_reads_it():
    everything = json.loads(faultline("list", "--json").stdout)
    assert {"allocators", "workloads", "suites", "probes"} == set(everything)
    system = next(a for a in everything["allocators"] if a["name"] == "system")
    assert system["installed"] and system["version"] and len(system["sha256"]) == 64
    assert "larsonN" in {w["name"] for w in everything["workloads"]}
    suites = {s["name"]: s for s in everything["suites"]}
    assert suites["quick"]["trials"] >= suites["quick"]["rows"] * suites["quick"]["rounds"] * 2
    assert suites["nightly"]["estimated_s"] > 10 * suites["quick"]["estimated_s"]
    assert suites["apps"]["estimated_s"] is None  # nobody knows what a program will do
    names = faultline("list", "allocators", "--names").stdout.split()
    assert "system" in names and "null" in names


def test_doctor_gives_each_warning_a_remedy():
    findings = json.loads(faultline("doctor", "--json").stdout)
    assert findings
    for finding in findings:
        assert finding["status"] in ("ok", "warn", "fail")
        assert finding["status"] == "ok" or finding["remedy"], finding


def test_what_cannot_be_printed_is_no_success():
    with open("/dev/full", "w") as full:
        done = subprocess.run([FAULTLINE, "list"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 74
    assert done.stderr.count("\n") == 1 and "standard output" in done.stderr


def test_every_command_has_help_with_an_example():
    for command in ("list", "doctor", "run", "export", "completion"):
        done = faultline(command, "--help")
        assert done.returncode == 0
        assert "Example: " in done.stdout or "Examples: " in done.stdout
    assert faultline("--version").stdout.strip()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_parse(tmp_path, shell):
    script = faultline("completion", shell)
    assert script.returncode == 0
    assert "--allocators" in script.stdout or "-l allocators" in script.stdout
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    path = tmp_path / "completion"
    path.write_text(script.stdout)
    assert subprocess.run([shell, "-n", path], check=False).returncode == 0


def test_bash_completes_commands_options_and_names(tmp_path):
    path = tmp_path / "completion"
    path.write_text(faultline("completion", "bash").stdout)

    def complete(*words):
        quoted = " ".join(f"'{word}'" for word in words)
        script = (
            f"PATH={pathlib.Path(FAULTLINE).parent}:$PATH; source {path}; COMP_WORDS=({quoted}); "
            f"COMP_CWORD={len(words) - 1}; _faultline; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        )
        return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False).stdout.split()

    assert complete("faultline", "ru") == ["run"]
    assert "--rounds" in complete("faultline", "run", "--ro")
    assert "quick" in complete("faultline", "run", "qui")
    assert "system,jemalloc" in complete("faultline", "run", "-a", "system,jemal")


def test_record_of_a_wrapper_says_which_trace_is_the_large_one(tmp_path):
    wrapper = "for i in $(seq 12); do (exec true); done; seq 100000 | sort -R | tail -n 1; exit 5"
    done = faultline("record", "-o", tmp_path / "job.fltrace", "--", "bash", "-c", wrapper)
    assert done.returncode == 5
    index = json.loads((tmp_path / "job.index.json").read_text())
    assert index["schema"] == "faultline-recording/1"
    events = [trace["events"] for trace in index["traces"]]
    assert events == sorted(events, reverse=True) and sum(events) == index["events"]
    assert {trace["file"] for trace in index["traces"]} == {file.name for file in tmp_path.glob("job*.fltrace")}
    largest = index["traces"][0]
    assert largest["program"] == "sort"
    lines = done.stderr.splitlines()
    assert f"{len(events)} traces with {sum(events)} events" in lines[0]
    assert lines[2].split()[:4] == [largest["file"], "sort", str(largest["process"]), str(events[0])]
    assert f"and {len(events) - 10} more with {sum(events[10:])} events" in done.stderr
    assert lines[-1] == f"faultline: recorded {tmp_path / largest['file']}"
    # One process has neither a list nor an index, and that of before is gone.
    alone = faultline("record", "-o", tmp_path / "job.fltrace", "--", "true")
    assert alone.returncode == 0 and alone.stderr.count("\n") == 1, alone.stderr
    assert sorted(file.name for file in tmp_path.iterdir()) == ["job.fltrace"]
