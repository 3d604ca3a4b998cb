"""Why one allocator needed more CPU time than another, in one plain sentence: only where what the kernel
counted explains it.

Said is what was measured: how much of the difference is the kernel's time, and which of the kernel's events
differ by an amount that can cost so much. Everything has to point the same way; else nothing is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from faultline_reports import formatting
from faultline_reports.report.counted import TIMED_PHASE, Arm
from faultline_reports.report.details import SPLIT_FROM_NS
from faultline_reports.statistics.verdict import Effect, Scale, Verdict

LEAST_RATIO = 0.095  # ln: a difference of some 10 % in CPU time, from which on it is worth explaining
EXPLAINS = 0.5  # of the difference in CPU time: what has to be the kernel's for the kernel to explain it
NOT_THE_KERNEL = 0.1  # of it: at most so much may be the kernel's to say that the kernel is not the reason
# What a page fault can cost, so that more of them can be said to be the reason: from the least that handling
# one takes to one of a huge page that has to be cleared.
FAULT_NS = (200.0, 400_000.0)
CALL_NS = (100.0, 2e6)  # the same for a system call that gives memory back or takes it
COUNTED_LIKE = 3.0  # times the timed difference, or a third of it: how far the counted one may be from it
MOST = 1.25  # of the difference: a part that is larger is no explanation but noise
LEAST_EVENTS = 100.0  # fewer more are no reason
DIFFERENT = 1.2  # times as many
OWN_CODE = "not the kernel, whose time is about the same; the difference is in the program itself."
GIVES_AND_TAKES = ("mmap_calls", "munmap_calls", "madvise_calls", "mremap_calls", "brk_calls")


@dataclass(frozen=True)
class _Difference:
    slower: Arm
    faster: Arm
    cpu_ns: float  # how much more the slower one needed


def sentence(base: Arm, other: Arm, effect: Effect | None) -> str:
    """Of CPU time in the measured phase; "" where the counts do not explain it. `effect` is that of `other`
    relative to `base`."""
    if effect is None or effect.scale is not Scale.RATIO or not _sure(effect):
        return ""
    if abs(effect.shown.estimate) < LEAST_RATIO:
        return ""
    slower, faster = (other, base) if effect.shown.estimate > 0 else (base, other)
    more, less = slower.measured("cpu_ns"), faster.measured("cpu_ns")
    if more is None or less is None or more <= less:
        return ""
    # With operations drawn by time, totals are not of the same work.
    if slower.measured("operations") != faster.measured("operations"):
        return ""
    found = _Difference(slower, faster, more - less)
    head = f"Why {slower.name} needed more CPU time than {faster.name}: "
    for reason in (_reclaim(found), _faults(found), _calls(found), _own_code(found)):
        if reason:
            return head + reason
    return ""


def sentences(base: Arm, others: Sequence[tuple[Arm, Effect | None]]) -> list[str]:
    """For each of the others; those whose difference is the program's own are told in one."""
    said = [(arm.name, sentence(base, arm, effect)) for arm, effect in others]
    own = [name for name, text in said if text.endswith(OWN_CODE)]
    lines = [text for _, text in said if text and not text.endswith(OWN_CODE)]
    if len(own) > 1:
        names = f"{', '.join(own[:-1])} and {own[-1]}"
        return [*lines, f"Why {names} differ from {base.name}: {OWN_CODE}"]
    return [*lines, *(text for _, text in said if text.endswith(OWN_CODE))]


def _sure(effect: Effect) -> bool:
    if effect.verdict in (Verdict.HIGHER, Verdict.LOWER):
        return True
    return effect.verdict is Verdict.INCONCLUSIVE and effect.unanimous != 0


def _reclaim(found: _Difference) -> str:
    """It stood in reclaim, in trials with a limit of memory."""
    more, less = (
        _known_sum(arm, "direct_reclaim_ns", "memcg_reclaim_ns") for arm in (found.slower, found.faster)
    )
    extra = _counted_extra(found)
    if more is None or less is None or extra is None or not EXPLAINS <= (more - less) / extra <= MOST:
        return ""
    return (
        f"it stood in reclaim for {formatting.quantity(more, 'ns')} against "
        f"{formatting.quantity(less, 'ns')}, {_part((more - less) / extra)} of the difference."
    )


def _faults(found: _Difference) -> str:
    """Page faults: by the time their handling took where that was measured, else by the kernel's time and
    their number."""
    more, less = (_minor_and_major(arm) for arm in (found.slower, found.faster))
    if more is None or less is None or not _many_more(more, less):
        return ""
    numbers = f"{formatting.quantity(more, '')} page faults against {formatting.quantity(less, '')}"
    kinds = _kinds(found)
    longer, shorter = (arm.count("fault_ns", [TIMED_PHASE]) for arm in (found.slower, found.faster))
    extra = _counted_extra(found)
    trusted = not any(
        {"faults_minor", "faults_major"} & arm.distrusted() for arm in (found.slower, found.faster)
    )
    if longer is not None and shorter is not None and extra is not None and trusted:
        share = (longer - shorter) / extra
        if EXPLAINS <= share <= MOST and _plausible(longer - shorter, more - less, FAULT_NS):
            return f"it took {numbers}{kinds}; handling them is {_part(share)} of the difference."
    system = _kernel_extra(found)
    if system is None or not _of_most(system, found) or not _plausible(system, more - less, FAULT_NS):
        return ""
    back = _given_back(found)
    return (
        f"{_part(system / found.cpu_ns)} of the difference is time in the kernel, where it took "
        f"{numbers}{kinds}{back}."
    )


def _calls(found: _Difference) -> str:
    """System calls about memory, where the kernel's time explains the difference and faults do not."""
    system = _kernel_extra(found)
    if system is None or not _of_most(system, found):
        return ""
    best = ("", 0.0, 0.0)
    for name in GIVES_AND_TAKES:
        more, less = (arm.count(name, [TIMED_PHASE]) for arm in (found.slower, found.faster))
        if more is None or less is None or not _many_more(more, less):
            continue
        if more - less > best[1] - best[2]:
            best = (name, more, less)
    name, more, less = best
    if not name or not _plausible(system, more - less, CALL_NS):
        return ""
    call = name.removesuffix("_calls")
    return (
        f"{_part(system / found.cpu_ns)} of the difference is time in the kernel, where it called {call} "
        f"{formatting.quantity(more, '')} times against {formatting.quantity(less, '')}."
    )


def _own_code(found: _Difference) -> str:
    """The kernel's time is the same: the difference is in the program."""
    system, user = _split_extra(found, "system_ns"), _split_extra(found, "user_ns")
    if system is None or user is None:
        return ""
    if abs(system) > NOT_THE_KERNEL * found.cpu_ns or user < (1 - NOT_THE_KERNEL) * found.cpu_ns:
        return ""
    return OWN_CODE


def _many_more(more: float, less: float) -> bool:
    return more - less >= LEAST_EVENTS and more >= DIFFERENT * less


def _of_most(time_ns: float, found: _Difference) -> bool:
    return EXPLAINS <= time_ns / found.cpu_ns <= MOST


def _plausible(time_ns: float, events: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= time_ns / events <= bounds[1]


def _minor_and_major(arm: Arm) -> float | None:
    minor, major = arm.measured("minor_faults"), arm.measured("major_faults")
    return None if minor is None else minor + (major or 0.0)


def _known_sum(arm: Arm, *names: str) -> float | None:
    values = [arm.count(name, [TIMED_PHASE]) for name in names]
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _counted_extra(found: _Difference) -> float | None:
    """How much more CPU time the slower one needed where it was counted: what counted times are a part of.
    None where that is so unlike the timed difference that the counted trial cannot speak for the timed
    ones."""
    more, less = (arm.measured_counted("cpu_ns") for arm in (found.slower, found.faster))
    if more is None or less is None or not found.cpu_ns / COUNTED_LIKE <= more - less:
        return None
    return more - less if more - less <= found.cpu_ns * COUNTED_LIKE else None


def _split_extra(found: _Difference, field: str) -> float | None:
    """The difference in one side of the CPU time, where the kernel's ticks can tell the sides apart."""
    values = [arm.measured(field) for arm in (found.slower, found.faster)]
    times = [arm.measured("cpu_ns") for arm in (found.slower, found.faster)]
    if any(time is None or time < SPLIT_FROM_NS for time in times):
        # Both have to be long enough: of a short one the split is chance.
        return None
    return values[0] - values[1] if values[0] is not None and values[1] is not None else None


def _kernel_extra(found: _Difference) -> float | None:
    return _split_extra(found, "system_ns")


KINDS = {
    "faults_anonymous": "fresh pages",
    "faults_huge": "huge pages",
    "faults_zero_page": "reads of untouched pages",
    "faults_cow": "copies on write",
    "faults_file": "pages of files",
    "faults_swap": "pages from swap",
}


def _kinds(found: _Difference) -> str:
    """The kind that most of the additional ones are of, where one is."""
    extra = {
        name: more - less
        for name in KINDS
        if (more := found.slower.count(name, [TIMED_PHASE])) is not None
        and (less := found.faster.count(name, [TIMED_PHASE])) is not None
    }
    total = sum(value for value in extra.values() if value > 0)
    best = max(extra, key=lambda name: extra[name], default="")
    if not best or extra[best] < 0.8 * total or extra[best] <= 0:
        return ""
    return f", nearly all of {KINDS[best]}" if extra[best] >= 0.95 * total else f", most of {KINDS[best]}"


def _given_back(found: _Difference) -> str:
    """Memory given back to the kernel more often has to be faulted in again."""
    more, less = (_known_sum(arm, "madvise_bytes", "munmap_bytes") for arm in (found.slower, found.faster))
    if more is None or less is None or more - less < 2**20 or more < DIFFERENT * less:
        return ""
    return f" and gave {formatting.quantity(more, 'bytes')} back against {formatting.quantity(less, 'bytes')}"


def _part(share: float) -> str:
    if share >= 0.9:
        return "nearly all"
    return f"about {round(share * 20) * 5} %"
