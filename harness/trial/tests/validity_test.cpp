#include "harness/trial/validity.hpp"

#include <csignal>
#include <gtest/gtest.h>

using namespace faultline;
using results::Json;
using results::TrialResult;
using trial::Observation;

namespace {

registry::Allocator allocator() {
    registry::Allocator made;
    made.name = "mine";
    made.path = "/opt/libmine.so";
    return made;
}

Observation good() {
    Observation observation;
    observation.exit.status = 0;
    observation.library_mapped = true;
    observation.measure_wall_ns = 10'000'000;
    Json resolved;
    for (const char* symbol : {"malloc", "free", "calloc", "realloc", "memalign", "operator new"}) {
        resolved[symbol] = "/opt/libmine.so";
    }
    observation.report = Json{{"resolved", resolved}};
    return observation;
}

std::string reason(const Observation& observation) {
    return trial::why_invalid(observation, allocator()).value_or("valid");
}

TrialResult checked(const std::string& allocator_name, const std::string& checksum) {
    TrialResult result;
    result.workload = "w";
    result.allocator = allocator_name;
    result.checksum = checksum;
    return result;
}

} // namespace

TEST(WhyInvalid, AcceptsAProvenTrial) {
    EXPECT_EQ(reason(good()), "valid");
}

TEST(WhyInvalid, NamesTheSignalAndTheLastLine) {
    Observation observation = good();
    observation.exit = {std::nullopt, SIGSEGV, false};
    observation.stderr_tail = "first\ndouble free\n";
    EXPECT_EQ(reason(observation), "killed by SIGSEGV: double free");
}

TEST(WhyInvalid, TimeOutAndMemoryLimitComeBeforeTheSignalThatEndedThem) {
    Observation observation = good();
    observation.exit = {std::nullopt, SIGKILL, true};
    observation.timeout_s = 5;
    EXPECT_EQ(reason(observation), "did not end within 5 s and was stopped");
    observation.exit.timed_out = false;
    observation.memory_limit_exceeded_bytes = 64 << 20;
    EXPECT_EQ(reason(observation), "used more than the memory limit of 64 MiB and was stopped");
    observation.memory_limit_exceeded_bytes.reset();
    observation.out_of_memory_in_bytes = 32 << 20;
    EXPECT_EQ(reason(observation), "was killed by the kernel: no memory left within its box of 32 MiB");
}

TEST(WhyInvalid, ZeroExitWithoutAReportIsNotBelieved) {
    Observation observation = good();
    observation.report.reset();
    EXPECT_EQ(reason(observation), "the worker left no whole report");
}

TEST(WhyInvalid, ALibraryThatWasNotMappedIsNotBelieved) {
    Observation observation = good();
    observation.library_mapped = false;
    EXPECT_EQ(reason(observation), "the library was not mapped into the worker");
}

TEST(WhyInvalid, EachEntryPointMustBeAnsweredByTheLibrary) {
    for (const char* symbol : {"malloc", "free", "calloc", "realloc", "memalign"}) {
        Observation observation = good();
        (*observation.report)["resolved"][symbol] = "/lib/x86_64-linux-gnu/libc.so.6";
        EXPECT_NE(reason(observation).find(symbol), std::string::npos);
        (*observation.report)["resolved"].erase(symbol);
        EXPECT_NE(reason(observation).find(symbol), std::string::npos);
    }
}

TEST(WhyInvalid, TooShortToBeTimed) {
    Observation observation = good();
    observation.measure_wall_ns = trial::minimum_measure_ns - 1;
    EXPECT_NE(reason(observation), "valid");
    observation.measure_wall_ns = trial::minimum_measure_ns;
    EXPECT_EQ(reason(observation), "valid");
}

TEST(JudgeChecksums, TheOddOneOutBecomesInvalid) {
    std::vector<TrialResult> round{checked("a", "1"), checked("b", "2"), checked("c", "1")};
    trial::judge_checksums(round);
    EXPECT_TRUE(round[0].valid());
    EXPECT_FALSE(round[1].valid());
    EXPECT_TRUE(round[2].valid());
}

TEST(JudgeChecksums, WithoutAMajorityNobodyIsBelieved) {
    std::vector<TrialResult> round{checked("a", "1"), checked("b", "2")};
    trial::judge_checksums(round);
    EXPECT_FALSE(round[0].valid());
    EXPECT_FALSE(round[1].valid());
}

TEST(JudgeChecksums, InvalidTrialsHaveNoVoteAndKeepTheirReason) {
    std::vector<TrialResult> round{checked("a", "1"), checked("b", "2"), checked("c", "2")};
    round[1].invalid_reason = "killed";
    round[2].invalid_reason = "killed";
    trial::judge_checksums(round);
    EXPECT_TRUE(round[0].valid());
    EXPECT_EQ(round[1].invalid_reason, "killed");
}
