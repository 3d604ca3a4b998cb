"""Kernel patterns: each shows in the probes what it claims (`faultline list workloads --explain NAME`), on the built
program as a user runs it. What the probes cannot count here is skipped, and said.

Run by CTest with FAULTLINE (the program) in the environment.
"""

import json
import os
import subprocess

import pytest

FAULTLINE = os.environ["FAULTLINE"]
MIB = 1 << 20


def faultline(*arguments, **options):
    command = [FAULTLINE, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=250, check=False, **options)


def run(tmp_path, *arguments):
    """One round; the finished process and the document."""
    output = tmp_path / "r.json"
    done = faultline("run", *arguments, "--rounds", 1, "--idle-ms", 0, "-o", output)
    return done, json.loads(output.read_text()) if output.exists() else None


def measures(document):
    """What the kernel did in phase `measure` of each workload's counted trial, by workload."""
    found = {}
    for trial in document["counts"]:
        assert trial["valid"] and trial["allocator"] == "none"
        (phase,) = (phase for phase in trial["phases"] if phase["name"] == "measure")
        found[trial["workload"]] = phase["kernel"]
    return found


def figure(kernel, metric):
    if kernel.get(metric) is None:
        pytest.skip(f"SKIPPED: no {metric} on this host")
    return kernel[metric]


PAGES = 16 * MIB // 4096 * 2  # of 16 MiB in two passes
TWICE = "size=16M,passes=2"

# workload, metric, count, how far it may be off (of the count): the kernel's own pages and interrupts come on top
CLAIMS = [
    (f"anon-touch1:{TWICE}", "faults_anonymous", PAGES, 0.02),
    (f"anon-touch1:{TWICE}", "alloc_pages_order0_calls", PAGES, 0.05),
    (f"anon-touch1:{TWICE},order=random", "faults_anonymous", PAGES, 0.02),
    (f"anon-touch1:{TWICE},how=read", "faults_zero_page", PAGES, 0.02),
    (f"anon-touch1:{TWICE},how=populate", "faults_in_calls", PAGES, 0.02),
    (f"anon-touch1:{TWICE},how=populate-write", "faults_in_calls", PAGES, 0.02),
    (f"anon-touch2:{TWICE}", "faults_anonymous", 2 * PAGES, 0.02),
    ("stack:size=4M,passes=8", "faults_anonymous", 8 * 1024, 0.02),
    (f"grow:{TWICE}", "mmap_calls", 2 * 128, 0.02),
    (f"grow:{TWICE}", "faults_anonymous", PAGES, 0.02),
    (f"grow:{TWICE},how=brk", "brk_calls", 2 * 2 * 128, 0.02),
    (f"grow:{TWICE},how=brk", "faults_anonymous", PAGES, 0.02),
    (f"grow:{TWICE},how=mremap", "mremap_calls", 2 * 2 * 127, 0.02),
    (f"give-back:{TWICE}", "faults_anonymous", PAGES, 0.02),
    (f"fork-cow:{TWICE}", "faults_cow", PAGES, 0.02),
    (f"fork-cow:{TWICE},by=child", "faults_cow", PAGES, 0.02),
    (f"fork-cow:{TWICE},written=50", "faults_cow", PAGES / 2, 0.02),
    (f"file-map:{TWICE},cache=cold", "pagecache_added_pages", PAGES, 0.02),
    (f"file-map:{TWICE},cache=cold,how=pread", "pagecache_added_pages", PAGES, 0.02),
    (f"file-map:{TWICE},how=private", "faults_cow", PAGES, 0.02),
    (f"file-map:{TWICE},how=write", "pagecache_dirtied_pages", PAGES, 0.02),
    (f"file-map:{TWICE},how=pwrite", "pagecache_dirtied_pages", PAGES, 0.02),
    ("kmalloc1:size=1024,operations=5000", "kmalloc_to_1024_calls", 5000, 0.02),
    ("kmalloc1:size=128,operations=5000", "kmalloc_to_128_calls", 5000, 0.02),
    ("kmalloc1:size=4096,operations=5000,call=setxattr", "kmalloc_to_4096_calls", 5000, 0.02),
    ("kmalloc1:size=2048,operations=5000,call=writev", "kmalloc_to_2048_calls", 5000, 0.02),
    ("kmalloc1:size=1024,operations=5000,call=msgsnd", "kmalloc_to_1024_calls", 5000, 0.02),
    ("kmalloc2:size=512,operations=5000", "kmalloc_to_512_calls", 10000, 0.02),
    ("alloc-pages:call=packet,order=3,operations=50", "alloc_pages_order3_calls", 50 * 14, 0.02),
    ("alloc-pages:call=packet,order=6,operations=20,blocks=8", "alloc_pages_order6_calls", 20 * 8, 0.02),
]


FREE, COLD = f"give-back:{TWICE},how=free", f"give-back:{TWICE},how=cold"
HOT, FILTER, PIPE = f"file-map:{TWICE},cache=hot", "vmalloc:operations=500", "alloc-pages:operations=500"
MAP, HUGE = "vmalloc:operations=200,call=map,size=1M", "anon-touch1:huge=on,size=16M,passes=2"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """What each of the workloads of this file made the kernel do, counted in one run of them all."""
    workloads = dict.fromkeys([claim[0] for claim in CLAIMS] + [FREE, COLD, HOT, FILTER, PIPE, MAP, HUGE])
    done, document = run(tmp_path_factory.mktemp("run"), *workloads, "--probes", "all")
    assert done.returncode == 0, done.stderr
    return measures(document)


def counted(kernel, workload, metric):
    if workload not in kernel:
        pytest.skip(f"SKIPPED: {workload} does not run on this host")
    return figure(kernel[workload], metric)


@pytest.mark.parametrize(("workload", "metric", "count", "off"), CLAIMS)
def test_the_probes_count_what_the_pattern_claims(kernel, workload, metric, count, off):
    found = counted(kernel, workload, metric)
    assert abs(found - count) <= off * count + 8, f"{metric}: {found} for {count}"


def test_a_hot_file_brings_nothing_into_the_cache(kernel):
    assert counted(kernel, HOT, "pagecache_added_pages") <= 8
    assert counted(kernel, HOT, "faults_file") > 0


def test_free_and_cold_pages_do_not_fault_again_while_memory_is_not_short(kernel):
    assert counted(kernel, FREE, "faults_anonymous") <= 64
    assert counted(kernel, COLD, "faults_anonymous") <= 64


def test_each_filter_and_each_map_is_at_least_one_vmalloc(kernel):
    assert counted(kernel, FILTER, "vmap_alloc_calls") >= 500
    assert counted(kernel, MAP, "vmap_alloc_calls") >= 200
    assert counted(kernel, MAP, "vmap_alloc_bytes") >= 200 * MIB


def test_a_pipe_takes_its_pages_one_by_one(kernel):
    assert 500 * 12 <= counted(kernel, PIPE, "alloc_pages_order0_calls") <= 500 * 15


def test_huge_pages_are_one_fault_for_two_mebibytes(kernel):
    assert counted(kernel, HUGE, "faults_huge") == counted(kernel, HUGE, "alloc_pages_order9_calls") == 16


def test_pages_paged_out_come_back_from_swap(tmp_path):
    """In a pressure box, which needs root."""
    arguments = ["give-back:how=pageout,size=16M,passes=2", "--memory-limit", "64M", "--swap", "zram:256M"]
    done, document = run(tmp_path, *arguments, "--probes", "all")
    if done.returncode in (69, 71):
        pytest.skip("SKIPPED: " + done.stderr)
    (kernel,) = measures(document).values()
    assert abs(figure(kernel, "swap_out_pages") - PAGES) <= PAGES * 0.05
    assert abs(figure(kernel, "swap_in_pages") - PAGES) <= PAGES * 0.05


def test_a_heap_over_its_limit_swaps(tmp_path):
    arguments = ["over-limit:live=48M,operations=20000", "-a", "system", "--no-floor"]
    done, document = run(tmp_path, *arguments, "--memory-limit", "32M", "--swap", "zram:256M")
    if done.returncode in (69, 71):
        pytest.skip("SKIPPED: " + done.stderr)
    assert done.returncode == 0, done.stderr
    (trial,) = document["trials"]
    assert trial["valid"] and trial["allocator"] == "system"
    assert sum(phase["major_faults"] for phase in trial["phases"]) > 100
    assert trial["process_peak_rss_bytes"] < 40 * MIB


def test_patterns_without_an_allocator_run_once_a_round_beside_others(tmp_path):
    done, document = run(tmp_path, "grow:size=1M,passes=200", "glibc-simple", "-a", "system,slabuddy")
    assert done.returncode == 0, done.stderr
    ran = sorted((trial["workload"], trial["allocator"]) for trial in document["trials"])
    beside = [("glibc-simple", allocator) for allocator in ("null", "slabuddy", "system")]
    assert ran == sorted([("grow:size=1M,passes=200", "none"), *beside])
    roles = {allocator["name"]: allocator["role"] for allocator in document["plan"]["allocators"]}
    assert roles == {"system": "subject", "slabuddy": "subject", "null": "floor", "none": "kernel"}
    assert "without an allocator" in done.stdout
    assert "skipped" not in done.stderr


def test_patterns_without_an_allocator_need_none_to_be_named(tmp_path):
    done, document = run(tmp_path, "grow:size=1M,passes=200")
    assert done.returncode == 0, done.stderr
    assert [allocator["role"] for allocator in document["plan"]["allocators"]] == ["kernel"]


def test_what_the_host_does_not_allow_is_refused_in_one_line(tmp_path):
    done, document = run(tmp_path, "give-back:how=pageout,size=1000G")
    assert done.returncode == 69 and done.stderr.count("\n") == 1, done.stderr
    assert "swap" in done.stderr and document is None


def test_explain_says_what_the_kernel_does():
    done = faultline("list", "workloads", "--explain", "grow")
    assert done.returncode == 0
    assert "one call of brk, mmap, munmap or mremap" in done.stdout and "how" in done.stdout
