"""Every threshold of the statistics, in one table. Ratios are compared on the log scale: 3 % is ln(1.03)."""

from __future__ import annotations

from dataclasses import dataclass

CONFIDENCE = (
    0.95  # of the intervals that are shown, and of the simultaneous ones that say "slower" or "faster"
)
EQUIVALENCE_CONFIDENCE = 0.90  # of the interval that must lie inside the margin to say "equivalent"

# max-T: all sign patterns are enumerated up to this many rounds, beyond it this many are drawn with this
# seed.
ENUMERATED_ROUNDS = 13
SIGN_FLIPS = 9_999
FLIP_SEED = 20_130_401

# Exact distributions up to these sizes; beyond them the normal approximation, which is then good to 4 digits.
EXACT_SIGNED_RANK = 120
EXACT_RANK_SUM = 60

# What could have been seen: with this probability, over so many resamples of the noise in blocks of so many
# rounds.
POWER = 0.80
RESAMPLES = 400
RESAMPLE_SEED = 19_890_917
NOISE_BLOCK = 4

# Local A/B: this many rounds, then more until the half-width of every CPU time is small enough or there are
# the most; looked at after so many rounds each time, an even number so that either arm went first as often.
AB_ROUNDS = 20
AB_MOST_ROUNDS = 60
AB_STEP = 4
AB_HALF_WIDTH = 0.02

ROUNDS_RECOMMENDED = AB_ROUNDS
PRECISE_ENOUGH = 0.05  # half-width of a typical interval beyond which a report warns
# A ratio is not known where its interval's ends are so many times apart. A workload of which not one
# allocator's is, as where the baseline itself swings, would lead a geometric mean by chance, and is left out.
UNKNOWN_SPAN = 2.0
ROUNDS_TO_SPEAK = 3  # below this, "the same in every round" is not worth saying


@dataclass(frozen=True)
class Margin:
    """What difference does not matter: a share, and for counts an absolute amount (4 pages or 4 events).
    Values below `ratio_from` give no ratio: one of them makes the comparison one of amounts, and where all
    are below there is nothing to compare."""

    relative: float
    absolute: float = 0.0
    ratio_from: float = 0.0


CPU_TIME = Margin(0.03)
WALL_TIME = Margin(0.05)
LATENCY = Margin(0.10)
SAMPLES_BEYOND_QUANTILE = 20  # a quantile of a trial's latency with fewer timed calls beyond it is not taken
EVENTS = Margin(0.005, 4.0)
PAGE_BYTES = 4096
MEMORY = Margin(0.005, 4.0 * PAGE_BYTES)
# The heap's part of a resident set is a difference of two readings, each of them off by the pages that the
# kernel has not yet folded in from its CPUs (percpu_counter: 32 pages or more of each kind and CPU).
HEAP = Margin(0.005, 4.0 * PAGE_BYTES, ratio_from=2.0**20)


# The gate. Stage 1 names candidates with this false-alarm rate over everything that is timed, stage 2 alone
# may fail it, on fresh rounds of the candidates.
GATE_ALPHA_NAME = 0.05
GATE_ALPHA_CONFIRM = 0.01
GATE_ROUNDS = 30
GATE_MOST_ROUNDS = 6  # times as many of what is still not precise, where there is time
GATE_LEAST_ROUNDS = 12  # with fewer, stage 1 was cut short: inconclusive
GATE_CONFIRM_ROUNDS = 40
GATE_LEAST_CONFIRM_ROUNDS = 12  # 2^-12 over 40 candidates is still below GATE_ALPHA_CONFIRM
GATE_COUNT_ROUNDS = 5  # of the kernel's counts, apart from what is timed
GATE_COUNT_CONFIRM_ROUNDS = 16  # when every candidate is a steady count
# How a gate divides its time, by what rounds take alone. Stage 1 leaves time for the least confirmation of so
# many workloads, those that take longest, and no less than this share of all.
GATE_LEAST_CONFIRMED = 3
GATE_TRIED_ROUNDS = (
    2  # the quicker of so many tells that a budget is too short: the first one may have met a stall
)
GATE_CONFIRM_SHARE = 0.30
GATE_COUNTED_COST = (
    1.25  # of a round that is counted, in timed ones, until one was measured: 1.23 on suite quick
)
GATE_COST_MARGIN = 1.1  # rounds may turn out so much longer than those that were measured
GATE_PASS_CONFIDENCE = 0.95  # of the one-sided upper bound
GATE_PASS_BOUND = 0.10  # that must not be above this
GATE_OPEN_SHARE = (
    0.2  # of gates with nothing changed: a row that is open in more of them is too noisy to gate
)
GATE_INVALID_TRIALS = 3  # fewer that are not valid may be the machine's: one that stood still stops a trial
GATE_INVALID_SHARE = 0.5  # of a workload's rounds: from here on an arm is broken and not unlucky

# Counts: what is so steady between two arms that are the same is compared by its size; what is not, by rank
# as times are.
STEADY_MAD = 0.005
MADS_OF_TOLERANCE = 5.0


# The history. A change counts where both methods name it within so many points of each other, with so many
# points after it (and before it), when it is at least so large and so many median absolute deviations.
CHANGE_P = 0.001  # of E-divisive
CHANGE_ORDERS = 1_999  # random orders, from this seed
CHANGE_SEED = 20_140_601
CHANGE_TAIL = 100  # the largest of them, by which smaller p-values are told
CHANGE_LEAST_POINTS = 4
CHANGE_LEAST_SHARE = 0.01
CHANGE_LEAST_MADS = 2.0
CHANGE_AGREE_POINTS = 2
CHANGE_CLEAR_DEVIATIONS = 8.0  # of a point: a larger step is none that alike neighbours make
CHANGE_PENALTY = (
    2.0  # of a jump in L1-Potts: times the noise of means and the logarithm of the number of points
)
CHANGE_WINDOW = 32  # points on either side that a change is judged by
CHANGE_DISCOVERY_RATE = 0.05  # Benjamini-Hochberg over series
# Where neighbouring means of so many points differ by so many of their deviations it is looked closer.
CHANGE_SCALES = (4, 8, 16, 32)
CHANGE_SCREEN = 4.5
# The newest point alone: so many robust deviations from those before it ask for another run.
NEWEST_DEVIATIONS = 4.0
NEWEST_LEAST_POINTS = 8
