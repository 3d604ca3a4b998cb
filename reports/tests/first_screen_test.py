"""The first screen: the sentence, the heap's part of memory, the trust badges and the picture of time against
memory."""

from __future__ import annotations

import json
from typing import Any

import fake_documents
import pytest
from faultline_reports import document, formatting
from faultline_reports.report import analysis, as_text, overview, page, pareto, sentence, trust
from faultline_reports.report.analysis import Analysis

MIB = 2**20
ROW = [("one", "batch", 1, "")]
ROWS = [*ROW, ("two", "batch", 1, "")]


def analysed(arms: dict[str, dict[str, float]], rounds: int = 8, **options: Any) -> Analysis:
    """Every arm with these figures: cpu (a factor), heap (bytes), wobble (of the CPU time, by round).
    `swings`, `slows`: by workload and arm, factors of the heap, of the time, in one round after the other."""
    value = fake_documents.make(
        rounds=rounds, workloads=options.get("rows", ROW), allocators=tuple(arms), floor=False, samples=0
    )
    value["doctor"] = options.get("doctor", [])
    value["capabilities"] = options.get("capabilities", value["capabilities"])
    for trial in value["trials"]:
        arm = arms[trial["allocator"]]
        sign = 1 if trial["round"] % 2 else -1
        slow = options.get("slows", {}).get((trial["workload"], trial["allocator"]), (1,))
        for phase in trial["phases"]:
            phase["operations"] = 1000
            factor = slow[trial["round"] % len(slow)]
            phase["cpu_ns"] = int(1e6 * arm.get("cpu", 1.0) * factor * (1 + sign * arm.get("wobble", 0.0)))
            phase["kernel"] = options.get("kernel", {})
        trial["baseline_rss_bytes"] = int(arm.get("before", 6 * MIB))
        swing = options.get("swings", {}).get((trial["workload"], trial["allocator"]), (1,))
        heap = arm.get("heap", 10 * MIB) * swing[trial["round"] % len(swing)]
        trial["peak_rss_bytes"] = trial["baseline_rss_bytes"] + int(heap)
        trial["retained_rss_bytes"] = trial["peak_rss_bytes"]
    return analysis.analyse(
        document.parse(json.dumps(value).encode(), "r.json"), None, options.get("false_alarms")
    )


def test_the_sentence_names_the_first_the_price_and_the_runner_up() -> None:
    found = analysed(
        {"system": {}, "a": {"cpu": 0.5, "heap": 12 * MIB}, "b": {"cpu": 0.6}}, rounds=10, rows=ROWS
    )
    said = sentence.answer(found)
    assert said.headline == (
        "Over 2 workloads a needed the least CPU time: 50 % less than system (glibc 2.36), with 20 % more "
        "peak heap; "
        "b, the runner-up, needed 20 % more."
    )
    assert said.remarks[0].startswith("95 % intervals: a 50.0 to 50.0 % less than system; b 20.0")


def test_the_sentence_says_a_tie() -> None:
    arms = {"system": {}, "a": {"cpu": 0.5, "wobble": 0.02}, "b": {"cpu": 0.5, "wobble": -0.02}}
    said = sentence.answer(analysed({**arms, "c": {"cpu": 0.9}})).headline
    assert said.startswith("On this workload a and b are tied for the least CPU time: ") or said.startswith(
        "On this workload b and a are tied for the least CPU time: "
    )
    assert said.endswith("; c comes next.")


def test_a_tie_with_the_baseline_claims_no_gain() -> None:
    said = sentence.answer(analysed({"system": {"wobble": 0.02}, "a": {"cpu": 0.999, "wobble": -0.02}}))
    assert said.headline == "On this workload a and system (glibc 2.36) are tied for the least CPU time."


def test_two_rounds_never_say_tied() -> None:
    arms = {"system": {}, "a": {"cpu": 0.5, "wobble": 0.02}, "b": {"cpu": 0.5, "wobble": -0.02}}
    assert "tied" not in sentence.answer(analysed(arms, rounds=2)).headline


ARMS = {"system": {}, "a": {"cpu": 0.5, "heap": 12 * MIB}, "b": {"cpu": 0.8}}
SWING = (1, 5.6, 2.5)  # glibc on xmalloc-test1: 5 to 28 MiB


def test_a_workload_whose_baseline_swings_leads_no_mean() -> None:
    found = analysed(ARMS, rounds=3, rows=ROWS, swings={("two", "system"): SWING})
    assert found.memory.unsteady == ["two"] and not found.time.unsteady
    assert found.memory.mean_of == {"a": ["one"], "b": ["one"]}
    said = sentence.answer(found)
    assert "50 % less than system (glibc 2.36), with 20 % more peak heap;" in said.headline
    assert (
        "Memory over the 1 of 2 workloads where it can be compared; not in the mean, for swinging too "
        "far from round to round: two (system: 10.0 to 56.0 MiB)." in said.remarks
    )
    heat = overview.heats(found)[2]
    assert [[cell.remark for cell in row.cells[1:]] for row in heat.rows] == [
        ["", ""],
        ["not in the mean"] * 2,
    ]
    assert heat.mean is not None and heat.mean[1].remark == "over 1 of 2"
    front = pareto.of(found)
    assert front is not None and (front.time_over, front.memory_over) == (2, 1)
    assert "(not in the mean)" not in as_text.text(found) and "not in the mean" in as_text.text(found)
    told = json.loads(as_text.as_json(found))["metrics"]
    assert (
        told["peak_heap_bytes"]["not_in_means"] == ["two"]
        and not told["cpu_ns_per_operation"]["not_in_means"]
    )
    assert ">not in the mean<" in page.render(found.document, None)


def test_the_sentence_says_over_how_many_workloads_times_were_compared() -> None:
    said = sentence.answer(analysed(ARMS, rounds=3, rows=ROWS, slows={("two", "system"): SWING}))
    assert said.headline.startswith("Over 1 of 2 workloads ")
    assert (
        "Of CPU time not in the mean, for swinging too far from round to round: "
        "two (system: 1.00 to 5.60 µs)." in said.remarks
    )


def test_rounds_enough_tell_what_swings() -> None:
    for rounds, unsteady in ((3, ["two"]), (20, [])):
        found = analysed(ARMS, rounds=rounds, rows=ROWS, swings={("two", "system"): (1, 3, 1.7)})
        assert found.memory.unsteady == unsteady
    assert not found.memory.unsteady and found.memory.mean_of["a"] == ["one", "two"]


def test_where_nothing_would_be_left_all_stay_and_the_range_says_it() -> None:
    found = analysed(ARMS, rounds=3, swings={("one", "system"): (1, 1.1, 5.6)})
    assert not found.memory.unsteady and found.memory.mean_of["a"] == ["one"]
    assert "cannot be told from system's" in sentence.answer(found).headline


def test_one_arm_that_swings_takes_no_workload_from_the_others() -> None:
    found = analysed(ARMS, rounds=3, rows=ROWS, swings={("two", "a"): SWING})
    assert not found.memory.unsteady
    assert "a's peak heap" in sentence.answer(found).remarks[1]


def test_an_uncertain_amount_is_said_as_its_range() -> None:
    swings = {("two", "a"): (1, 1.6)}
    said = sentence.answer(analysed(ARMS, rounds=10, rows=ROWS, swings=swings))
    assert ", with 20 to 52 % more peak heap;" in said.headline and "50 % less than system" in said.headline
    both = sentence.answer(analysed(ARMS, rounds=10, rows=ROWS, swings={("two", "a"): (0.6, 1.0)}))
    assert ", with peak heap that cannot be told from system's;" in both.headline


def test_memory_is_compared_without_what_was_there_before() -> None:
    found = analysed({"system": {"heap": 2 * MIB}, "a": {"heap": 4 * MIB, "before": 60 * MIB}})
    assert found.memory.metric.key == "peak_heap_bytes"
    cell = overview.heats(found)[2].rows[0].cells[1]
    assert cell.value == "×2.00"
    assert overview.before(found.document) == [("system", "6.00 MiB"), ("a", "60.0 MiB")]


@pytest.mark.parametrize(
    ("base", "other", "value", "detail"),
    [
        (MIB // 2, MIB // 4, "256 KiB", "too small to compare"),
        (MIB // 2, 8 * MIB, "+7.50 MiB", "+7.50 MiB"),
        (0, 8 * MIB, "+8.00 MiB", "+8.00 MiB"),
        (8 * MIB, 4 * MIB, "−50 %", "−50 %"),
    ],
)
def test_a_small_heap_gives_no_ratio(base: int, other: int, value: str, detail: str) -> None:
    found = analysed({"system": {"heap": base}, "a": {"heap": other}})
    cell = overview.heats(found)[2].rows[0].cells[1]
    assert (cell.value, cell.detail) == (value, detail)


def test_a_document_without_the_baseline_of_memory_compares_the_whole() -> None:
    value = fake_documents.make(rounds=3, workloads=ROW, allocators=("system", "jemalloc"), samples=0)
    for trial in value["trials"]:
        del trial["baseline_rss_bytes"]
    found = analysis.analyse(document.parse(json.dumps(value).encode(), "r.json"), None)
    assert found.memory.metric.key == "peak_rss_bytes"


def test_who_is_beaten_is_not_on_the_front_and_ties_are_named() -> None:
    front = pareto.of(
        analysed(
            {
                "system": {"heap": 8 * MIB},
                "fast": {"cpu": 0.5, "heap": 16 * MIB},
                "beaten": {"cpu": 0.8, "heap": 32 * MIB},
                "also": {"cpu": 0.8, "heap": 32 * MIB},
            },
            rounds=12,
        )
    )
    assert front is not None and front.front == ["fast", "system"]
    assert {point.name: point.ties for point in front.points}["beaten"] == ["also"]
    assert front.scope() == "Geometric means over the workload"


def test_no_picture_where_no_heap_can_be_compared() -> None:
    assert pareto.of(analysed({"system": {"heap": 1}, "a": {"heap": 2}})) is None


def texts(found: Analysis) -> dict[str, str]:
    return {badge.text: badge.state for badge in trust.badges(found)}


def test_rows_of_the_kernel_alone_are_no_comparison() -> None:
    value = fake_documents.make(rounds=3, workloads=ROW, allocators=("none",), floor=False, samples=0)
    value["plan"]["allocators"][0]["role"] = "kernel"
    loaded = document.parse(json.dumps(value).encode(), "r.json")
    assert 'class="heat"' not in page.render(loaded, None) and "'s column" not in page.render(loaded, None)
    found = analysis.analyse(loaded, None)
    for form in (as_text.text, as_text.markdown):
        said = form(found)
        assert "compared with" not in said and "inconclusive" not in said and not said.endswith("\n\n")
    assert "compared with system" in as_text.text(analysed({"system": {}, "a": {}}))


def test_the_trust_badges() -> None:
    doctor = [
        {"id": "steal", "status": "warn", "what": "3 % of CPU time taken", "remedy": ""},
        {"id": "probe.x", "status": "warn", "what": "said among the probes", "remedy": ""},
    ]
    kernel = {"host_cpu_pressure_ns": 1e15, "host_memory_pressure_some_ns": 0}
    found = texts(analysed({"system": {}, "a": {}}, doctor=doctor, kernel=kernel))
    assert found["steal: 3 % of CPU time taken"] == "warn"
    assert found["tasks waited for a CPU in 100 % of the measured time"] == "warn"
    assert found["1 warning about this host"] == "warn"
    assert found["false alarms of this host: not calibrated"] == "warn"
    calm = texts(analysed({"system": {}, "a": {}}, false_alarms="at most 1 %"))
    assert calm["at most 1 %"] == "good"
    assert not any("waited" in text for text in calm)


def test_the_verdict_on_trust_is_a_plain_word() -> None:
    good, warn = trust.Badge("good", "", ""), trust.Badge("warn", "", "")
    spoilt = trust.Badge("bad", "", "", "2 trials are invalid")
    assert trust.verdict([good, good]).text == "Trust it: all 2 checks passed"
    assert trust.verdict([good, warn]).text == "With care: 1 of 2 checks passed"
    assert (
        trust.verdict([warn, spoilt]).text
        == "Do not rely on this: 2 trials are invalid; 0 of 2 checks passed"
    )


def test_too_few_rounds_and_invalid_trials_are_not_to_be_relied_on() -> None:
    def reason(found: Analysis) -> str:
        return trust.verdict(trust.badges(found)).text

    arms: dict[str, dict[str, float]] = {"system": {}, "a": {}}
    assert reason(analysed(arms, rounds=2)).startswith("Do not rely on this: 2 rounds are too few; ")
    assert reason(analysed(arms, rounds=6)).startswith("With care: ")
    quiet = analysed(arms, rounds=6, false_alarms="at most 1 %", capabilities=[])
    assert reason(quiet).startswith("Trust it: ")
    value = fake_documents.make(rounds=6, workloads=ROW, allocators=("system", "jemalloc"), samples=0)
    fake_documents.invalidate(value, "jemalloc", "crashed", rounds=1)
    found = analysis.analyse(document.parse(json.dumps(value).encode(), "r.json"), None)
    assert reason(found).startswith("Do not rely on this: 1 trial is invalid; ")


def test_every_form_says_the_same_word_of_trust() -> None:
    found = analysed({"system": {}, "a": {}}, rounds=2)
    assert "\nDo not rely on this: 2 rounds" in as_text.text(found)
    assert "\n**Do not rely on this: 2 rounds" in as_text.markdown(found)
    assert json.loads(as_text.as_json(found))["trust_verdict"] == "Do not rely on this"
    assert "<b>Do not rely on this:</b> 2 rounds" in page.render(found.document, None)


def test_two_rounds_are_said_to_be_too_few_before_any_interval() -> None:
    remarks = sentence.answer(analysed({"system": {}, "a": {"cpu": 0.5}}, rounds=2)).remarks
    assert remarks[0].startswith("2 rounds cannot make a difference certain")
    assert remarks[1].startswith("50 % intervals: ") and "cannot make" not in " ".join(remarks[1:])


def test_an_option_and_a_percentage_are_not_broken() -> None:
    shown = page.unbroken("<b> 5 % with --rounds 20.")
    assert shown == "&lt;b&gt; 5\u00a0% with <code>--rounds 20</code>."


def test_a_library_that_does_not_say_it_is_glibc_is_not_called_so() -> None:
    value = fake_documents.make(rounds=6, workloads=ROW, allocators=("system", "jemalloc"), samples=0)
    for entry in value["plan"]["allocators"]:
        entry["version_source"] = "path"
    found = analysis.analyse(document.parse(json.dumps(value).encode(), "r.json"), None)
    assert "glibc" not in sentence.answer(found).headline


def test_the_baseline_is_named_as_such_above_its_table() -> None:
    found = page.render(analysed({"system": {}, "a": {}}).document, None)
    lead = found[found.index('<p class="lead">') : found.index('<table class="heat"')]
    assert 'the baseline, <b class="baseline-name">system</b><span class="libc"> (glibc 2.36)</span>' in lead
    assert "and hatched: inconclusive" in lead


def test_a_hyphen_in_a_name_stays_one() -> None:
    found = analysed({"sys-tem": {}, "a-b": {"cpu": 0.5}, "c-d": {"cpu": 0.8}})
    said = " ".join(sentence.answer(found).remarks)
    assert "a-b 50.0 to 50.0 % less than sys-tem" in said and "c-d" in said


def test_shortened_names_differ_as_the_names_do() -> None:
    names = [f"an-allocator-number-{number:02d}-of-them" for number in range(12)]
    for limit in (17, 28, 32):
        short = formatting.shortened(names, limit)
        assert len(set(short)) == 12 and all(len(name) <= limit for name in short)
    assert formatting.shortened(["system", "a" * 40 + "b" * 40], 17) == ["system", "a" * 8 + "…" + "b" * 8]
    assert formatting.shortened([f"begin-{n}-{'x' * 40}" for n in "ab"], 12)[0].startswith("begin-a")
    assert len(formatting.shortened(["x" * 30 + n + "x" * 30 for n in "ab"], 12)) == 2


def test_with_too_few_rounds_for_so_many_nobody_is_tied() -> None:
    """Eight rounds tell two apart, but not one of the 66 pairs of twelve."""
    names = ("system", *(f"arm{number}" for number in range(11)))
    value = fake_documents.make(rounds=8, workloads=fake_documents.WORKLOADS[:4], allocators=names, samples=0)
    front = pareto.of(analysis.analyse(document.parse(json.dumps(value).encode(), "r.json"), None))
    assert front is not None and not front.certain and not any(point.ties for point in front.points)
    assert "too few rounds" in front.rows()[0]
