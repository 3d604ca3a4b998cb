// What a trace is compiled to: slots and edges as the happens-before of the trace asks for, the same bytes
// each time.
#include "workloads/trace/program.hpp"
#include "workloads/trace/program_cache.hpp"
#include "workloads/trace/tests/temporary.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <gtest/gtest.h>

using namespace faultline::trace;
using faultline::Exit;
using testing_support::TemporaryFolder;

namespace {

std::string compiled(const TemporaryFolder& folder, const std::string& text) {
    auto source = open_trace(folder.write("t.txt", text));
    if (!source) {
        ADD_FAILURE() << source.error().line();
        return {};
    }
    auto bytes = testing_support::compiled_bytes(**source);
    if (!bytes) {
        ADD_FAILURE() << bytes.error().line();
        return {};
    }
    return *bytes;
}

std::vector<std::string> words_of(const Program& program, unsigned thread) {
    static const char* names[] = {
        "end",     "param",    "wide",     "malloc",        "free",           "free_null", "calloc",
        "realloc", "realloc0", "memalign", "aligned_alloc", "posix_memalign", "new",       "delete",
        "new_a",   "delete_a", "give",     "take",          "take_free",      "poll",      "at"};
    std::vector<std::string> out;
    const ProgramThread& at = program.threads()[thread];
    for (std::uint64_t i = 0; i < at.words - look_ahead; ++i) {
        const std::uint64_t word = program.words(at)[i];
        const Step step = step_of(word);
        std::string text = names[static_cast<unsigned>(step)];
        if (step == Step::param || step == Step::wide || step == Step::at) {
            text += " " + std::to_string(value_of(word));
        } else if (step == Step::take_free) {
            text += std::string(" ") + names[slot_of(word)] + " " + std::to_string(argument_of(word));
        } else if (step != Step::end && step != Step::free_null && step != Step::poll) {
            text += " " + std::to_string(slot_of(word)) + " " + std::to_string(argument_of(word));
        }
        out.push_back(text);
    }
    return out;
}

} // namespace

TEST(ProgramTest, AThreadsOwnBlocksNeedNoEdges) {
    const TemporaryFolder folder;
    const auto program =
        Program::open(folder.write("p", compiled(folder, "1: malloc 0x10 8\n1: calloc 0x20 2 3\n"
                                                         "1: free 0x10\n1: malloc 0x30 9\n"
                                                         "1: realloc 0x40 0x20 50\n1: free 0x40\n")));
    ASSERT_TRUE(program);
    EXPECT_EQ(words_of(*program, 0),
              (std::vector<std::string>{"malloc 0 8", "param 2", "calloc 1 6", "free 0 8", "malloc 0 9",
                                        "param 6", "realloc 1 50", "free 1 50", "end"}));
    EXPECT_EQ(program->header().edges, 0u);
    EXPECT_EQ(program->header().operations, 6u);
    EXPECT_EQ(program->header().live_bytes, 9u);
    EXPECT_EQ(program->header().peak_live_bytes, 59u);
    ASSERT_EQ(program->leftovers(program->threads()[0]).size(), 1u);
    EXPECT_EQ(program->leftovers(program->threads()[0])[0].size, 9u);
}

TEST(ProgramTest, AForeignFreeWaitsForItsAllocationAndNothingElse) {
    const TemporaryFolder folder;
    const auto program = Program::open(
        folder.write("p", compiled(folder, "1: malloc 0x10 8\n1: malloc 0x20 16\n2: malloc 0x30 1\n"
                                           "2: free 0x20\n2: realloc 0x50 0x10 80\n1: free 0x50\n")));
    ASSERT_TRUE(program);
    EXPECT_EQ(words_of(*program, 0), (std::vector<std::string>{"malloc 0 8", "give 0 1", "malloc 1 16",
                                                               "give 1 0", "take_free free 2", "end"}));
    EXPECT_EQ(words_of(*program, 1),
              (std::vector<std::string>{"malloc 0 1", "take_free free 0", "take 1 1", "param 8",
                                        "realloc 1 80", "give 1 2", "end"}));
    EXPECT_EQ(program->header().edges, 3u);
}

TEST(ProgramTest, SizesOf4GiBAndMoreAreKeptWhole) {
    const TemporaryFolder folder;
    const auto program =
        Program::open(folder.write("p", compiled(folder, "1: malloc 0x10 4294967295\n1: free 0x10\n")));
    ASSERT_TRUE(program);
    EXPECT_EQ(words_of(*program, 0), (std::vector<std::string>{"wide 4294967295", "malloc 0 4294967295",
                                                               "free 0 4294967295", "end"}));
}

TEST(ProgramTest, DamagedProgramsAreRefused) {
    const TemporaryFolder folder;
    const std::string good = compiled(folder, "1: malloc 0x10 8\n1: free 0x10\n");
    ASSERT_TRUE(Program::open(folder.write("good", good)));
    std::string changed = good;
    changed.back() = static_cast<char>(changed.back() ^ 1);
    EXPECT_EQ(Program::open(folder.write("changed", changed)).error().status, Exit::data);
    EXPECT_EQ(Program::open(folder.write("cut", good.substr(0, good.size() - 1))).error().status, Exit::data);
    EXPECT_EQ(Program::open(folder.write("short", good.substr(0, 20))).error().status, Exit::data);
    std::string later = good;
    later[8] = 99;
    EXPECT_NE(Program::open(folder.write("later", later)).error().what.find("another version"),
              std::string::npos);
}

TEST(ProgramTest, AStreamedOneMustSayWhereToReadOn) {
    const TemporaryFolder folder;
    std::string text;
    for (int i = 1; i <= 4000; ++i) {
        text += "1: malloc 0x10 " + std::to_string(i) + "\n1: free 0x10\n";
    }
    auto source = open_trace(folder.write("t.txt", text));
    ASSERT_TRUE(source);
    auto bytes = testing_support::compiled_bytes(**source, {.most_mapped_bytes = 8 * 7999});
    ASSERT_TRUE(bytes);
    const auto program = Program::open(folder.write("streamed", *bytes));
    ASSERT_TRUE(program) << program.error().line();
    EXPECT_TRUE(program->is_streamed());
    const std::vector<std::string> words = words_of(*program, 0);
    EXPECT_EQ(std::count(words.begin(), words.end(), "poll"), 8000 / poll_words);

    source = open_trace(folder.write("t.txt", text));
    ASSERT_TRUE(source);
    bytes = testing_support::compiled_bytes(**source, {.most_mapped_bytes = 8 * 8000});
    ASSERT_TRUE(bytes);
    const auto mapped = Program::open(folder.write("mapped", *bytes));
    ASSERT_TRUE(mapped);
    EXPECT_FALSE(mapped->is_streamed());
    (*bytes)[offsetof(ProgramHeader, flags)] = program_streamed;
    EXPECT_EQ(Program::open(folder.write("hostile", *bytes)).error().status, Exit::data);
}

TEST(ProgramTest, LongTracesGoThroughAFile) {
    // More words of two threads than are kept in memory: what is read back is what was written.
    const TemporaryFolder folder;
    std::string text;
    for (int i = 1; i <= 20'000; ++i) {
        text += std::to_string(i % 2 + 1) + ": malloc 0x10 " + std::to_string(i) + "\n" +
                std::to_string(i % 2 + 1) + ": free 0x10\n";
    }
    const auto program = Program::open(folder.write("p", compiled(folder, text)));
    ASSERT_TRUE(program) << program.error().line();
    for (unsigned thread = 0; thread < 2; ++thread) {
        const std::vector<std::string> words = words_of(*program, thread);
        ASSERT_EQ(words.size(), 20'001u);
        for (int i = 0; i < 10'000; ++i) {
            // The first thread to be seen is the trace's second.
            const std::string size = std::to_string(2 * i + 1 + static_cast<int>(thread));
            ASSERT_EQ(words[static_cast<std::size_t>(2 * i)], "malloc 0 " + size);
            ASSERT_EQ(words[static_cast<std::size_t>(2 * i + 1)], "free 0 " + size);
        }
    }
}

TEST(ProgramTest, NoRoomForWhatIsCompiledIsOneLine) {
    const TemporaryFolder folder;
    std::string text;
    for (int i = 1; i <= 20'000; ++i) {
        text += "1: malloc 0x10 8\n1: free 0x10\n";
    }
    auto source = open_trace(folder.write("t.txt", text));
    ASSERT_TRUE(source);
    const auto bytes = testing_support::compiled_bytes(**source, {.folder = folder.path() / "none"});
    ASSERT_FALSE(bytes);
    EXPECT_EQ(bytes.error().status, Exit::io);
    EXPECT_NE(bytes.error().line().find("none: cannot keep a trace there"), std::string::npos)
        << bytes.error().line();
}

TEST(ProgramTest, CacheCompilesOnceAndRepairsItself) {
    const TemporaryFolder folder;
    const auto trace = folder.write("t.txt", "1: malloc 0x10 8\n1: free 0x10\n");
    const auto program = ensure_program(trace, folder.path() / "cache" / "deep");
    ASSERT_TRUE(program) << program.error().line();
    const auto made = std::filesystem::last_write_time(*program);
    EXPECT_EQ(ensure_program(trace, folder.path() / "cache" / "deep").value(), *program);
    EXPECT_EQ(std::filesystem::last_write_time(*program), made);
    std::ofstream(*program) << "broken";
    ASSERT_TRUE(ensure_program(trace, folder.path() / "cache" / "deep"));
    EXPECT_TRUE(Program::open(*program));
    EXPECT_EQ(ensure_program(*program, folder.path() / "other").value(), *program); // a program is its own
    EXPECT_EQ(ensure_program(folder.path() / "none", folder.path()).error().status, Exit::no_input);
}

TEST(ProgramTest, SurfaceflingerCompilesTheSameTwice) {
    const std::filesystem::path trace =
        FAULTLINE_SOURCE_DIR "/../shared/data/android-memory-replay/surfaceflinger.zip";
    if (!std::filesystem::exists(trace)) {
        GTEST_SKIP() << "needs " << trace << ", which is not part of the project";
    }
    std::string first;
    for (int i = 0; i < 2; ++i) {
        auto source = open_trace(trace);
        ASSERT_TRUE(source) << source.error().line();
        auto bytes = testing_support::compiled_bytes(**source);
        ASSERT_TRUE(bytes) << bytes.error().line();
        if (i == 0) {
            first = std::move(*bytes);
        } else {
            EXPECT_TRUE(*bytes == first);
        }
    }
    const TemporaryFolder folder;
    const auto program = Program::open(folder.write("p", first));
    ASSERT_TRUE(program);
    EXPECT_EQ(program->header().operations, 2'455'239u); // 2,455,240 lines, one of them a thread_done
    EXPECT_EQ(program->threads().size(), 15u);
    EXPECT_EQ(program->header().requested_bytes, 359'355'753u);
    EXPECT_EQ(program->header().edges, 22'209u);
    EXPECT_EQ(program->header().live_blocks, 3567u);
    EXPECT_EQ(program->header().live_bytes, 1'516'677u);
}
