// The recorder in programs: what it writes is a whole trace that passes the same checks as any other.
#include "workloads/trace/program.hpp"
#include "workloads/trace/record_command.hpp"
#include "workloads/trace/recorded.hpp"
#include "workloads/trace/tests/temporary.hpp"
#include "workloads/trace/trace_commands.hpp"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

using namespace faultline::trace;
using faultline::Exit;
using testing_support::TemporaryFolder;

namespace {

class RecorderTest : public testing::Test {
  protected:
    Recording record(const std::vector<std::string>& command) {
        auto recording = run_recorded({folder_.path() / "t.fltrace", FAULTLINE_RECORDER}, command);
        if (!recording) {
            ADD_FAILURE() << recording.error().line();
            return {};
        }
        return *recording;
    }
    static Summary summary_of(const std::filesystem::path& trace) {
        auto summary = summarize(trace, {});
        if (!summary) {
            ADD_FAILURE() << summary.error().line();
            return {};
        }
        return *summary;
    }
    TemporaryFolder folder_;
};

std::uint64_t calls(const Summary& summary, Op op) {
    return summary.stats.calls[static_cast<unsigned>(op)];
}

} // namespace

TEST_F(RecorderTest, EachCallOfTheFamilyIsThere) {
    const Recording recording = record({FAULTLINE_VICTIM, "family"});
    EXPECT_EQ(recording.exit_status, 0);
    ASSERT_EQ(recording.files.size(), 1u);
    const Summary summary = summary_of(recording.files[0]);
    EXPECT_FALSE(summary.info.partial);
    EXPECT_EQ(calls(summary, Op::aligned_alloc), 1u);
    EXPECT_EQ(calls(summary, Op::posix_memalign), 1u);
    EXPECT_EQ(calls(summary, Op::memalign), 2u);   // and valloc
    EXPECT_EQ(calls(summary, Op::realloc_to), 2u); // and reallocarray
    EXPECT_GE(calls(summary, Op::calloc), 1u);
    EXPECT_EQ(summary.stats.null_frees, 1u);
    EXPECT_EQ(summary.program_notes.at(0), "program=trace_victim");
}

TEST_F(RecorderTest, ThreadsAndTheirForeignFreesAreThere) {
    const Recording recording = record({FAULTLINE_VICTIM, "threads"});
    EXPECT_EQ(recording.exit_status, 0);
    const Summary summary = summary_of(recording.files.at(0));
    EXPECT_GE(summary.stats.thread_names.size(), 9u); // main, four and four
    EXPECT_GE(summary.stats.operations, 80'000u);
    EXPECT_GE(summary.stats.cross_thread_releases, 40'000u);
    EXPECT_EQ(summary.stats.failed_calls, 0u);
}

TEST_F(RecorderTest, AForkedChildHasATraceOfItsOwn) {
    const Recording recording = record({FAULTLINE_VICTIM, "fork"});
    EXPECT_EQ(recording.exit_status, 0);
    ASSERT_EQ(recording.files.size(), 2u);
    EXPECT_FALSE(summary_of(recording.files[0]).info.partial);
    const Summary child = summary_of(recording.files[1]);
    EXPECT_TRUE(child.info.partial);
    EXPECT_EQ(child.stats.unknown_releases, 1u); // its parent's block
    EXPECT_EQ(calls(child, Op::malloc), 100u);
}

TEST_F(RecorderTest, ForksWhileThreadsAllocateNeitherHangNorMixTraces) {
    const Recording recording = record({FAULTLINE_VICTIM, "fork-busy"});
    EXPECT_EQ(recording.exit_status, 0);
    ASSERT_EQ(recording.files.size(), 9u);
    for (std::size_t i = 1; i < recording.files.size(); ++i) {
        EXPECT_EQ(calls(summary_of(recording.files[i]), Op::malloc), 100u);
    }
}

TEST_F(RecorderTest, ExecKeepsWhatWasBeforeAndRecordsWhatComes) {
    const Recording recording = record({FAULTLINE_VICTIM, "exec"});
    EXPECT_EQ(recording.exit_status, 0);
    ASSERT_GE(recording.files.size(), 1u);
    const Summary before = summary_of(recording.files[0]);
    EXPECT_FALSE(before.info.partial);
    EXPECT_GE(before.stats.largest_bytes, 4321u);
}

TEST_F(RecorderTest, AKilledProgramLeavesAReadableTrace) {
    const Recording recording = record({FAULTLINE_VICTIM, "killed"});
    EXPECT_EQ(recording.exit_status, 128 + SIGKILL);
    const Summary summary = summary_of(recording.files.at(0));
    EXPECT_TRUE(summary.info.partial);
    EXPECT_GT(summary.stats.operations, 4000u);
    auto source = open_trace(recording.files[0]);
    ASSERT_TRUE(source);
    EXPECT_TRUE(testing_support::compiled_bytes(**source)); // and it can be replayed
}

TEST_F(RecorderTest, BashAndItsChildrenAreRecorded) {
    const Recording recording =
        record({"/bin/bash", "-c", "for i in 1 2 3; do (echo $i | cat >/dev/null); done; exit 7"});
    EXPECT_EQ(recording.exit_status, 7);
    EXPECT_GE(recording.files.size(), 4u);
    for (const auto& file : recording.files) {
        EXPECT_GT(summary_of(file).stats.operations, 0u) << file;
    }
}

TEST_F(RecorderTest, TheLargestTraceOfAWrapperIsNamedFirst) {
    const std::string script = "(exec true); (exec true); " FAULTLINE_VICTIM " threads; exit 3";
    const Recording recording = record({"/bin/bash", "-c", script});
    EXPECT_EQ(recording.exit_status, 3);
    const std::vector<RecordedTrace> traces = recorded_traces(recording.files);
    ASSERT_EQ(traces.size(), recording.files.size());
    ASSERT_GE(traces.size(), 2u);
    EXPECT_NE(traces[0].file, folder_.path() / "t.fltrace"); // which is the shell's
    EXPECT_EQ(traces[0].program, "trace_victim");
    EXPECT_GE(traces[0].events, 80'000u);
    EXPECT_TRUE(traces[0].whole);
    EXPECT_TRUE(std::is_sorted(traces.begin(), traces.end(),
                               [](const auto& a, const auto& b) { return a.events > b.events; }));
    for (const RecordedTrace& trace : traces) { // each with what reading all of it finds
        EXPECT_EQ(trace.file_bytes, std::filesystem::file_size(trace.file));
        EXPECT_GE(trace.events, summary_of(trace.file).stats.operations) << trace.file;
        EXPECT_EQ(trace.problem, "");
    }
    const auto index = to_json(traces);
    EXPECT_EQ(index["traces"][0]["file"], traces[0].file.filename().string());
    EXPECT_GT(index["events"], traces[0].events);
}

TEST_F(RecorderTest, ATraceThatCannotBeReadIsListedWithItsReason) {
    const Recording recording = record({FAULTLINE_VICTIM, "killed"});
    const auto rubbish = folder_.path() / "t.1.fltrace";
    std::ofstream(rubbish) << "rubbish";
    const std::vector<RecordedTrace> traces = recorded_traces({rubbish, recording.files.at(0)});
    EXPECT_FALSE(traces.at(0).whole);
    EXPECT_GT(traces[0].events, 4000u);
    EXPECT_EQ(traces.at(1).file, rubbish);
    EXPECT_NE(traces[1].problem, "");
    EXPECT_EQ(traces[1].events, 0u);
}

TEST_F(RecorderTest, PythonIsRecorded) {
    if (::access("/usr/bin/python3", X_OK) != 0) {
        GTEST_SKIP() << "needs /usr/bin/python3";
    }
    const Recording recording =
        record({"/usr/bin/python3", "-S", "-c", "x = [str(i) * 200 for i in range(5000)]"});
    EXPECT_EQ(recording.exit_status, 0);
    EXPECT_GT(summary_of(recording.files.at(0)).stats.operations, 5000u);
}

TEST_F(RecorderTest, CompactTracesReplayAsTheirOriginals) {
    const Recording recording = record({FAULTLINE_VICTIM, "threads"});
    const auto compact = folder_.path() / "compact.fltrace";
    ConvertOptions options;
    options.to = "compact";
    ASSERT_TRUE(convert(recording.files.at(0), compact, options));
    const Summary before = summary_of(recording.files[0]);
    const Summary after = summary_of(compact);
    EXPECT_EQ(after.stats.operations, before.stats.operations);
    EXPECT_EQ(after.stats.peak_live_bytes, before.stats.peak_live_bytes);
    EXPECT_EQ(after.stats.calls, before.stats.calls);
    EXPECT_EQ(after.stats.cross_thread_releases, before.stats.cross_thread_releases);
    EXPECT_LT(after.file_bytes, before.file_bytes);
    auto source = open_trace(recording.files[0]);
    auto compact_source = open_trace(compact);
    ASSERT_TRUE(source && compact_source);
    const auto a = testing_support::compiled_bytes(**source);
    const auto b = testing_support::compiled_bytes(**compact_source);
    ASSERT_TRUE(a && b);
    EXPECT_EQ(a->size(), b->size());
}

TEST(RecordCommandTest, WhatCannotBeRunIsOneLine) {
    const TemporaryFolder folder;
    const RecordOptions options{folder.path() / "t.fltrace", FAULTLINE_RECORDER};
    EXPECT_EQ(run_recorded(options, {}).error().status, Exit::usage);
    EXPECT_EQ(run_recorded(options, {"/nonexistent/program"}).error().status, Exit::no_input);
    EXPECT_EQ(run_recorded({folder.path() / "no" / "t", FAULTLINE_RECORDER}, {"true"}).error().status,
              Exit::cannot_create);
    EXPECT_EQ(run_recorded({folder.path() / "t", "/nonexistent.so"}, {"true"}).error().status,
              Exit::unavailable);
}
