// Parts of traces, and several in one: what comes out can be read, and holds what it should.
#include "workloads/trace/edit.hpp"
#include "workloads/trace/model/lives.hpp"
#include "workloads/trace/tests/temporary.hpp"
#include "workloads/trace/trace_commands.hpp"

#include <gtest/gtest.h>

using namespace faultline::trace;
using faultline::Exit;
using testing_support::TemporaryFolder;

namespace {

// 1 and 2 are threads; at operation 4 blocks 0x10 (1) and 0x30 (2) are live.
constexpr const char* text = "1: malloc 0x10 100\n"
                             "1: malloc 0x20 200\n"
                             "2: malloc 0x30 300\n"
                             "1: free 0x20\n"
                             "1: realloc 0x40 0x10 400\n"
                             "1: free 0x30\n"
                             "2: malloc 0x20 50\n";

Summary summary_of(const std::filesystem::path& trace) {
    auto summary = summarize(trace, {});
    if (!summary) {
        ADD_FAILURE() << summary.error().line();
        return {};
    }
    return *std::move(summary);
}

} // namespace

TEST(Cut, BeginsWithWhatIsLive) {
    const TemporaryFolder folder;
    const auto out = folder.path() / "cut";
    ASSERT_TRUE(cut(folder.write("t", text), out, {4, 6}));
    const TraceStats stats = summary_of(out).stats;
    EXPECT_EQ(stats.operations, 2U + 2U); // two live blocks, a realloc and a free
    EXPECT_EQ(stats.peak_live_bytes, 700U);
    EXPECT_EQ(stats.live_bytes, 400U);
    EXPECT_EQ(stats.cross_thread_releases, 1U) << "the block is its maker's";
}

TEST(Cut, OfAllIsAll) {
    const TemporaryFolder folder;
    const auto out = folder.path() / "cut";
    ASSERT_TRUE(cut(folder.write("t", text), out, {}));
    const TraceStats whole = summary_of(folder.path() / "t").stats;
    const TraceStats stats = summary_of(out).stats;
    EXPECT_EQ(stats.operations, whole.operations);
    EXPECT_EQ(stats.peak_live_bytes, whole.peak_live_bytes);
    EXPECT_EQ(stats.requested_bytes, whole.requested_bytes);
}

TEST(Cut, RefusesWhatTheTraceDoesNotHave) {
    const TemporaryFolder folder;
    const auto done = cut(folder.write("t", text), folder.path() / "cut", {100, 200});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().status, Exit::usage);
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "cut"));
}

TEST(Merge, KeepsThreadsAndBlocksApart) {
    const TemporaryFolder folder;
    const std::filesystem::path traces[] = {folder.write("a", text), folder.write("b", text)};
    const auto out = folder.path() / "both";
    const TraceStats one = summary_of(traces[0]).stats;
    for (const bool in_turn : {false, true}) {
        ASSERT_TRUE(merge(traces, out, {in_turn}));
        const TraceStats stats = summary_of(out).stats;
        EXPECT_EQ(stats.operations, 2 * one.operations);
        EXPECT_EQ(stats.thread_names.size(), 4U);
        EXPECT_EQ(stats.live_bytes, 2 * one.live_bytes);
        EXPECT_EQ(stats.cross_thread_releases, 2 * one.cross_thread_releases);
        EXPECT_EQ(stats.peak_live_bytes,
                  in_turn ? one.peak_live_bytes + one.live_bytes : 2 * one.peak_live_bytes);
    }
}
