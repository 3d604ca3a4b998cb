// Replay in this process, on whatever malloc it has: all threads, all edges, the trace's own end, and a checksum that
// does not depend on how threads happened to run.
#include "workloads/engine/clock.hpp"
#include "workloads/trace/program.hpp"
#include "workloads/trace/program_cache.hpp"
#include "workloads/trace/replay.hpp"
#include "workloads/trace/tests/temporary.hpp"
#include "workloads/trace/writer.hpp"

#include <cstring>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace faultline;
using trace::testing_support::TemporaryFolder;

namespace {

struct Outcome {
    std::uint64_t operations = 0;
    std::uint64_t checksum = 0;
    std::uint64_t cost_operations = 0;
    std::uint64_t mapped_bytes = 0;
    std::vector<std::string> notes;
};

Outcome replay(const std::string& trace, std::map<std::string, std::string, std::less<>> given = {}) {
    given["trace"] = trace;
    const auto arguments = engine::resolve(trace::replay_spec, 1, 1, given, "test");
    if (!arguments) {
        ADD_FAILURE() << arguments.error().line();
        return {};
    }
    const auto workload = trace::replay_spec.make(*arguments);
    if (const auto prepared = workload->prepare(); !prepared) {
        ADD_FAILURE() << prepared.error().line();
        return {};
    }
    workload->warmup();
    workload->measure();
    workload->drain();
    return {workload->operations(), workload->checksum(), trace::replay_spec.cost(*arguments).operations,
            workload->mapped_bytes(), workload->notes()};
}

bool says(const Outcome& outcome, const std::string& text) {
    for (const std::string& note : outcome.notes) {
        if (note.find(text) != std::string::npos) {
            return true;
        }
    }
    return false;
}

// Blocks that go round between threads, are reallocated on the way and end elsewhere.
std::string make_text() {
    std::string text;
    for (int i = 0; i < 3000; ++i) {
        const auto pointer = [i](int n) {
            char name[20];
            std::snprintf(name, sizeof name, "0x%x", 16 * (10 * i + n + 1));
            return std::string(name);
        };
        text += "1: malloc " + pointer(0) + " " + std::to_string(i % 600) + "\n";
        text += "2: calloc " + pointer(1) + " 3 " + std::to_string(i % 70 + 1) + "\n";
        text += "3: memalign " + pointer(2) + " 64 " + std::to_string(i % 9000) + "\n";
        text += "2: realloc " + pointer(3) + " " + pointer(0) + " " + std::to_string(i % 1300 + 1) + "\n";
        text += "3: free " + pointer(1) + "\n";
        text += "1: free " + pointer(3) + "\n";
        text += "1: free 0x0\n";
        if (i % 100 != 0) {
            text += "2: free " + pointer(2) + "\n";
        }
    }
    return text;
}

} // namespace

TEST(ReplayTest, TheChecksumIsTheSameWhateverTheSchedule) {
    const TemporaryFolder folder;
    const std::string trace = folder.write("t.txt", make_text());
    const Outcome first = replay(trace);
    EXPECT_EQ(first.operations, 3000u * 8 - 30);
    EXPECT_TRUE(says(first, "3 thread(s) of the trace, all at once"));
    EXPECT_TRUE(says(first, "30 blocks were live at the end of measure, as in the trace"));
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(replay(trace).checksum, first.checksum);
    }
    EXPECT_EQ(replay(trace, {{"slack", "0"}}).checksum, first.checksum);
    EXPECT_EQ(replay(trace, {{"latency_every", "3"}}).checksum, first.checksum);
}

TEST(ReplayTest, EveryWayOfTouchingAndRepeatingEnds) {
    const TemporaryFolder folder;
    const std::string trace = folder.write("t.txt", make_text());
    const Outcome all = replay(trace, {{"touch", "all"}});
    EXPECT_EQ(all.checksum, replay(trace).checksum); // the same cookies
    replay(trace, {{"touch", "none"}});
    const Outcome thrice = replay(trace, {{"repeat", "3"}});
    EXPECT_EQ(thrice.operations, 3 * all.operations + 2 * 30);
    EXPECT_EQ(thrice.cost_operations, thrice.operations);
    EXPECT_EQ(replay(trace, {{"repeat", "3"}, {"slack", "0"}}).checksum, thrice.checksum);
}

TEST(ReplayTest, AStreamedProgramPlaysAsOneThatIsMapped) {
    const TemporaryFolder folder;
    auto source = trace::open_trace(folder.write("t.txt", make_text()));
    ASSERT_TRUE(source) << source.error().line();
    auto bytes = trace::testing_support::compiled_bytes(**source, {.most_mapped_bytes = 0});
    ASSERT_TRUE(bytes) << bytes.error().line();
    const std::string streamed = folder.write("streamed", *bytes);
    trace::ProgramHeader header{};
    std::memcpy(&header, bytes->data(), sizeof header);
    ASSERT_EQ(header.flags, trace::program_streamed);
    header.flags = 0;
    bytes->replace(0, sizeof header, reinterpret_cast<const char*>(&header), sizeof header);
    const std::string mapped = folder.write("mapped", *bytes);

    for (const char* slack : {"0", "4096"}) {
        for (const char* repeat : {"1", "3"}) {
            const Outcome outcome = replay(streamed, {{"slack", slack}, {"repeat", repeat}});
            EXPECT_EQ(outcome.checksum, replay(mapped, {{"slack", slack}, {"repeat", repeat}}).checksum);
            EXPECT_TRUE(says(outcome, "read on in pieces"));
        }
    }
    // Its words are not in memory as the harness's.
    EXPECT_LT(replay(streamed).mapped_bytes, 16384u);
    EXPECT_GT(replay(mapped).mapped_bytes, 100'000u);
}

// The second thread's life is over before the third's begins: so it is in replay, or what the one freed could not be what
// the other gets. Whoever began at once, by any schedule, would mostly be found by the blocks' addresses.
TEST(ReplayTest, ThreadsThatFollowEachOtherDoSoAgain) {
    const TemporaryFolder folder;
    std::string text = "1: malloc 0x10 8\n";
    for (int thread = 2; thread < 10; ++thread) {
        for (int i = 0; i < 1000; ++i) {
            text += std::to_string(thread) + ": malloc 0x20 100\n" + std::to_string(thread) + ": free 0x20\n";
        }
    }
    text += "1: free 0x10\n";
    const std::string trace = folder.write("t.txt", text);
    EXPECT_TRUE(says(replay(trace), "9 thread(s) of the trace, 7 of them after others had ended"));
    EXPECT_EQ(replay(trace, {{"repeat", "3"}}).operations, 3 * 16'002u);

    const auto file = trace::ensure_program(trace, folder.path());
    ASSERT_TRUE(file);
    const auto program = trace::Program::open(*file);
    ASSERT_TRUE(program);
    for (std::uint32_t i = 0; i < 9; ++i) {
        EXPECT_EQ(program->threads()[i].end_rank, (i + 8) % 9); // the first ends last
        EXPECT_EQ(program->threads()[i].after, i < 2 ? 0 : i - 1);
    }
}

// Never early, by the clock; how late a busy machine is, it only says.
TEST(ReplayTest, APacedOneKeepsToTheTimesOfTheTrace) {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "timed.fltrace";
    auto writer = trace::TraceWriter::create(path, trace::header_timed);
    ASSERT_TRUE(writer) << writer.error().line();
    const auto add = [&](std::uint64_t ms, unsigned thread, trace::Op op, std::uint64_t pointer) {
        ASSERT_TRUE(writer->add({.time = 1'000'000'000 + ms * 1'000'000,
                                 .pointer = pointer,
                                 .size = op == trace::Op::malloc ? 100u : 0u,
                                 .extra = 0,
                                 .position = 0,
                                 .thread = thread,
                                 .op = op}));
    };
    add(0, 1, trace::Op::malloc, 0x1000);
    add(30, 2, trace::Op::malloc, 0x2000);
    add(60, 1, trace::Op::free, 0x2000);
    add(90, 2, trace::Op::free, 0x1000);
    ASSERT_TRUE(writer->finish());

    const auto took_ms = [&](const char* pace) {
        const std::uint64_t begin = engine::monotonic_ns();
        const Outcome outcome = replay(path, {{"pace", pace}});
        EXPECT_EQ(outcome.operations, 4u);
        EXPECT_EQ(says(outcome, "in which it took 90 ms"), std::string(pace) != "0");
        return (engine::monotonic_ns() - begin) / 1'000'000;
    };
    EXPECT_GE(took_ms("100"), 90u - 1); // it may do at once what is due within 50 us
    EXPECT_GE(took_ms("50"), 180u - 1);
    const auto program = trace::ensure_program(path, folder.path(), true);
    ASSERT_TRUE(program) << program.error().line();
    EXPECT_EQ(trace::Program::read_header(*program)->recorded_ns, 90'000'000u);

    // Each of the two kinds is refused as the other, and a trace without times.
    const auto refusal = [&](const std::string& given, const char* pace) {
        const auto arguments =
            engine::resolve(trace::replay_spec, 1, 1, {{"trace", given}, {"pace", pace}}, "test");
        const auto prepared = trace::replay_spec.make(*arguments)->prepare();
        return prepared ? "" : prepared.error().line();
    };
    EXPECT_NE(refusal(*program, "0").find("was compiled to keep to its times"), std::string::npos);
    EXPECT_NE(refusal(*trace::ensure_program(path, folder.path()), "100").find("was compiled without times"),
              std::string::npos);
    EXPECT_NE(refusal(folder.write("t.txt", make_text()), "100").find("holds no times to keep to"),
              std::string::npos);
}

TEST(ReplayTest, SaysHowMuchOfItsFileIsResident) {
    const TemporaryFolder folder;
    const auto program = trace::ensure_program(folder.write("t.txt", make_text()), folder.path());
    ASSERT_TRUE(program) << program.error().line();
    const Outcome outcome = replay(*program);
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    EXPECT_EQ(outcome.mapped_bytes % page, 0u);
    EXPECT_GE(outcome.mapped_bytes, std::filesystem::file_size(*program));
    EXPECT_LT(outcome.mapped_bytes, std::filesystem::file_size(*program) + page);
}

// An AddressSanitizer build proves the pairs: it knows which call made a block.
TEST(ReplayTest, LeftoversAreReleasedAsTheyWereMade) {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "made.fltrace";
    auto writer = trace::TraceWriter::create(path, 0);
    ASSERT_TRUE(writer) << writer.error().line();
    const auto add = [&](trace::Op op, std::uint64_t pointer, std::uint64_t size, std::uint64_t extra) {
        ASSERT_TRUE(writer->add({.time = pointer,
                                 .pointer = pointer,
                                 .size = size,
                                 .extra = extra,
                                 .position = 0,
                                 .thread = 1,
                                 .op = op}));
    };
    add(trace::Op::malloc, 0x1000, 10, 0);
    add(trace::Op::op_new, 0x2000, 20, 0);
    add(trace::Op::op_new_aligned, 0x3000, 30, 256);
    add(trace::Op::op_new_aligned, 0x4000, 40, 1);
    add(trace::Op::memalign, 0x5000, 50, 64);
    ASSERT_TRUE(writer->finish());

    const auto file = trace::ensure_program(path, folder.path());
    ASSERT_TRUE(file) << file.error().line();
    const auto program = trace::Program::open(*file);
    ASSERT_TRUE(program) << program.error().line();
    std::vector<std::pair<trace::Step, unsigned>> ways;
    for (const trace::Leftover& leftover : program->leftovers(program->threads()[0])) {
        ways.emplace_back(static_cast<trace::Step>(leftover.release), leftover.alignment_log2);
    }
    using trace::Step;
    EXPECT_EQ(ways, (std::vector<std::pair<Step, unsigned>>{{Step::free, 0},
                                                            {Step::op_delete, 0},
                                                            {Step::op_delete_aligned, 8},
                                                            {Step::op_delete_aligned, 0},
                                                            {Step::free, 0}}));
    EXPECT_EQ(replay(*file).operations, 5u);
    EXPECT_EQ(replay(*file, {{"repeat", "3"}}).operations, 25u);
}

TEST(ReplayTest, ABrokenTraceIsNamedByPrepare) {
    const TemporaryFolder folder;
    const auto arguments = engine::resolve(
        trace::replay_spec, 1, 1, {{"trace", folder.write("t.txt", "1: free 0x10\n").string()}}, "test");
    ASSERT_TRUE(arguments);
    const auto workload = trace::replay_spec.make(*arguments);
    const auto prepared = workload->prepare();
    ASSERT_FALSE(prepared);
    EXPECT_EQ(prepared.error().status, Exit::data);
    EXPECT_NE(prepared.error().line().find("t.txt:1: releases 0x10"), std::string::npos)
        << prepared.error().line();
}

TEST(ReplayTest, TheProjectsOwnTracesPlay) {
    for (const char* name : {"sqlite-memory", "perl-text", "python-threads"}) {
        const Outcome outcome = replay(std::string(FAULTLINE_TRACE_DATA "/") + name + ".fltrace");
        EXPECT_GT(outcome.operations, 190'000u) << name;
        EXPECT_TRUE(says(outcome, "as in the trace")) << name;
    }
}

TEST(ReplayTest, SurfaceflingerPlaysOnItsFifteenThreads) {
    const std::string trace =
        FAULTLINE_TRACE_DATA "/../../../../shared/data/android-memory-replay/surfaceflinger.zip";
    if (!std::filesystem::exists(trace)) {
        GTEST_SKIP() << "needs " << trace << ", which is not part of the project";
    }
    const Outcome outcome = replay(trace);
    EXPECT_EQ(outcome.operations, 2'455'239u);
    EXPECT_TRUE(says(outcome, "15 thread(s)"));
    EXPECT_TRUE(says(outcome, "1516677 bytes in 3567 blocks were live at the end"));
}
