#include "harness/stress/judge.hpp"
#include "harness/stress/promises.hpp"
#include "workloads/stress/catalog.hpp"

#include <algorithm>
#include <csignal>
#include <gtest/gtest.h>

using namespace faultline;
using namespace faultline::stress;

namespace {

constexpr Check promise{"conformance.something", "it holds", "a standard", nullptr};
constexpr Check misuse{"misuse.something", "it is done", "", nullptr};
const registry::Allocator mine{"mine", "/lib/mine.so", true, "", "", ""};

Observed ended(std::vector<Said> said, int status = 0) {
    Observed seen;
    seen.exit.status = status;
    seen.said = std::move(said);
    return seen;
}
Observed killed(int signal, std::string stderr_tail, std::vector<Said> said = {}) {
    Observed seen;
    seen.exit.signal = signal;
    seen.stderr_tail = std::move(stderr_tail);
    seen.said = std::move(said);
    return seen;
}

Judged of_promise(const Observed& seen) {
    return judge(promise, seen, mine, true);
}
Judged of_misuse(const Observed& seen, bool promised = false) {
    return judge(misuse, seen, mine, promised);
}

} // namespace

TEST(JudgePromise, HeldOnlyWhenItCameToItsEnd) {
    EXPECT_EQ(of_promise(ended({{"end", ""}})).outcome, Outcome::held);
    EXPECT_EQ(of_promise(ended({{"end", ""}})).verdict, Verdict::ok);
    EXPECT_EQ(of_promise(ended({})).outcome, Outcome::lost);
    EXPECT_EQ(of_promise(ended({})).verdict, Verdict::broken);
}

TEST(JudgePromise, WhatItSaidStandsBeforeHowItEnded) {
    const Judged judged = of_promise(killed(SIGSEGV, "", {{"failed", "byte 3"}, {"end", ""}}));
    EXPECT_EQ(judged.outcome, Outcome::failed);
    EXPECT_EQ(judged.why, "byte 3");
    EXPECT_EQ(of_promise(ended({{"failed", "later"}, {"end", ""}})).verdict, Verdict::broken); // by a child
}

TEST(JudgePromise, SignalsTimeAndMemory) {
    EXPECT_EQ(of_promise(killed(SIGSEGV, "")).outcome, Outcome::crashed);
    EXPECT_EQ(of_promise(killed(SIGABRT, "heap is broken\n")).outcome, Outcome::stopped);
    EXPECT_EQ(of_promise(killed(SIGABRT, "heap is broken\n")).why, "SIGABRT: heap is broken");
    EXPECT_EQ(of_promise(killed(SIGABRT, "heap is broken\n")).verdict, Verdict::broken);
    Observed seen = killed(SIGKILL, "");
    seen.timed_out = true;
    EXPECT_EQ(of_promise(seen).outcome, Outcome::hung);
    seen.timed_out = false;
    seen.memory_exceeded = true;
    EXPECT_EQ(of_promise(seen).outcome, Outcome::exhausted);
    EXPECT_EQ(of_promise(ended({{"end", ""}}, 3)).verdict, Verdict::broken);
}

TEST(JudgePromise, ASkippedOneIsNeitherHeldNorBroken) {
    const Judged judged = of_promise(ended({{"skipped", "no such function"}}, 77));
    EXPECT_EQ(judged.verdict, Verdict::skipped);
    EXPECT_EQ(judged.why, "no such function");
}

TEST(JudgePromise, OneThatWasTriedInPartHoldsAndSaysWhatWasNot) {
    const Judged judged = of_promise(ended({{"untried", "3 of 9 calls"}, {"end", ""}}));
    EXPECT_EQ(judged.outcome, Outcome::partly);
    EXPECT_EQ(judged.verdict, Verdict::ok);
    EXPECT_EQ(judged.why, "3 of 9 calls");
    EXPECT_EQ(of_promise(ended({{"untried", "some"}, {"failed", "it"}}, 1)).outcome, Outcome::failed);
}

TEST(JudgePromise, WhatNoStandardPromisesIsInformationUnlessTheAllocatorDoes) {
    const Observed seen = ended({{"fell-short", "277 MiB"}}, 1);
    EXPECT_EQ(judge(promise, seen, mine, false).verdict, Verdict::information);
    EXPECT_EQ(judge(promise, seen, mine, false).outcome, Outcome::failed);
    EXPECT_EQ(judge(promise, seen, mine, false).why, "277 MiB");
    EXPECT_EQ(judge(promise, seen, mine, true).verdict, Verdict::broken);
    EXPECT_EQ(judge(promise, ended({{"failed", "byte 3"}, {"fell-short", "x"}}, 1), mine, false).verdict,
              Verdict::broken);
    EXPECT_TRUE(promises_to_stop("slabuddy", "faults.cgroup", {}));
    EXPECT_FALSE(promises_to_stop("mine", "faults.cgroup", {}));
}

TEST(Judge, AnotherMallocThanTheAllocatorsProvesNothing) {
    const Judged judged = of_promise(ended({{"loaded", "/lib/other.so"}, {"end", ""}}));
    EXPECT_EQ(judged.outcome, Outcome::unproven);
    EXPECT_EQ(judged.verdict, Verdict::broken);
    EXPECT_EQ(of_promise(ended({{"loaded", "/lib/mine.so"}, {"end", ""}})).outcome, Outcome::held);
}

TEST(JudgeMisuse, EachOutcome) {
    EXPECT_EQ(of_misuse(ended({{"end", ""}})).outcome, Outcome::unnoticed);
    EXPECT_EQ(of_misuse(killed(SIGABRT, "double free\n")).outcome, Outcome::stopped);
    EXPECT_EQ(of_misuse(killed(SIGABRT, "bad heap\n", {{"survived", ""}})).outcome, Outcome::delayed);
    EXPECT_EQ(of_misuse(killed(SIGSEGV, "", {{"survived", ""}})).outcome, Outcome::crashed);
    EXPECT_EQ(of_misuse(ended({}, 1)).outcome, Outcome::crashed); // ended itself without a word
    EXPECT_EQ(of_misuse(killed(SIGSEGV, "")).outcome, Outcome::crashed);
    EXPECT_EQ(of_misuse(killed(SIGSEGV, "\n")).outcome, Outcome::crashed);
    EXPECT_EQ(of_misuse(ended({{"corrupted", "two owners"}, {"end", ""}})).outcome, Outcome::corrupted);
    EXPECT_EQ(of_misuse(killed(SIGSEGV, "", {{"corrupted", "two owners"}})).outcome, Outcome::corrupted);
    EXPECT_EQ(of_misuse(killed(SIGABRT, "double free\n", {{"corrupted", "two owners"}})).outcome,
              Outcome::late);
    EXPECT_EQ(of_misuse(ended({{"end", ""}})).verdict, Verdict::information);
}

TEST(JudgeMisuse, APromiseIsKeptOnlyByStoppingInTime) {
    EXPECT_EQ(of_misuse(killed(SIGABRT, "double free\n"), true).verdict, Verdict::ok);
    EXPECT_EQ(of_misuse(killed(SIGABRT, "double free\n", {{"survived", ""}}), true).verdict, Verdict::ok);
    EXPECT_EQ(of_misuse(killed(SIGABRT, "double free\n", {{"corrupted", "x"}}), true).verdict,
              Verdict::broken);
    EXPECT_EQ(of_misuse(killed(SIGSEGV, ""), true).verdict, Verdict::broken);
    EXPECT_EQ(of_misuse(ended({{"end", ""}}), true).verdict, Verdict::broken);
}

TEST(JudgeDigests, WhatDiffersFromTheReferenceIsBroken) {
    std::vector<Judged> judged(4);
    judge_digests(judged, std::vector<std::optional<std::string>>{"a", "b", "a", std::nullopt}, "a");
    EXPECT_EQ(judged[0].verdict, Verdict::ok);
    EXPECT_EQ(judged[1].verdict, Verdict::broken);
    EXPECT_EQ(judged[2].verdict, Verdict::ok);
    EXPECT_EQ(judged[3].verdict, Verdict::ok);
}

TEST(JudgeDigests, AMajorityAgainstTheReferenceDoesNotOutvoteIt) {
    std::vector<Judged> judged(3);
    judge_digests(judged, std::vector<std::optional<std::string>>{"b", "b", "a"}, "a");
    EXPECT_EQ(judged[0].verdict, Verdict::broken);
    EXPECT_EQ(judged[2].verdict, Verdict::ok);
}

TEST(JudgeDigests, TheAccusationNamesWhatDiffers) {
    std::vector<Judged> judged(1);
    judge_digests(judged, std::vector<std::optional<std::string>>{"blocks=1 errno=3"}, "blocks=1 errno=2");
    EXPECT_EQ(judged[0].why, "differs from the C library in errno");
}

TEST(JudgeDigests, WithoutAReferenceNothingIsKnown) {
    std::vector<Judged> judged(1);
    judge_digests(judged, std::vector<std::optional<std::string>>{"a"}, std::nullopt);
    EXPECT_EQ(judged[0].verdict, Verdict::skipped);
    Judged alone;
    judge_reference(alone, 0);
    EXPECT_EQ(alone.verdict, Verdict::skipped);
    Judged one_of_two;
    judge_reference(one_of_two, 1);
    EXPECT_EQ(one_of_two.verdict, Verdict::ok);
}

TEST(Promises, OfTheProjectsOwnAndOfTheUsers) {
    EXPECT_TRUE(promises_to_stop("slabuddy-checked", "misuse.double-free-delayed", {}));
    EXPECT_FALSE(promises_to_stop("slabuddy", "misuse.write-after-free", {}));
    EXPECT_FALSE(promises_to_stop("mine", "misuse.free-stack", {}));
    EXPECT_TRUE(promises_to_stop("mine", "misuse.free-stack", {"misuse.free-*"}));
}
