// The formats of other tools: what a file holds arrives, what is broken in one is a line with its place, and what
// is written in a format comes back from it.
#include "workloads/trace/exporters.hpp"
#include "workloads/trace/source.hpp"
#include "workloads/trace/tests/temporary.hpp"
#include "workloads/trace/trace_commands.hpp"

#include <gtest/gtest.h>

using namespace faultline::trace;
using faultline::Exit;
using testing_support::TemporaryFolder;
using namespace std::string_literals;

namespace {

struct Reading {
    std::string format;
    std::vector<Event> events;
    std::vector<std::string> notes;
    std::string error; // the line, or empty
};

Reading read_all(const std::filesystem::path& path) {
    Reading reading;
    auto source = open_trace(path);
    if (!source) {
        reading.error = source.error().line();
        return reading;
    }
    reading.format = (*source)->info().format;
    std::vector<Event> some(3); // small, so that the seams between reads are tested too
    for (;;) {
        const auto n = (*source)->read(some);
        if (!n) {
            reading.error = n.error().line();
            return reading;
        }
        if (*n == 0) {
            reading.notes = (*source)->info().notes;
            return reading;
        }
        reading.events.insert(reading.events.end(), some.begin(), some.begin() + static_cast<long>(*n));
    }
}

Reading read_text(const std::string& content) {
    const TemporaryFolder folder;
    return read_all(folder.write("t", content));
}

// "malloc 1 100, free 1": operation, pointer and, where there is one, size.
std::string brief(const std::vector<Event>& events) {
    static const char* const names[op_last + 1] = {"",       "malloc", "free",   "calloc", "from",
                                                   "to",     "align",  "align",  "align",  "new",
                                                   "delete", "new",    "delete", "start",  "end"};
    std::string all;
    for (const Event& event : events) {
        all += (all.empty() ? "" : ", ") + std::string(names[static_cast<unsigned>(event.op)]) + " " +
               std::to_string(event.pointer);
        all += allocates(event.op) ? " " + std::to_string(event.bytes()) : "";
    }
    return all;
}

struct Broken {
    const char* name;
    std::string content;
    const char* says;
};

class BrokenFile : public testing::TestWithParam<Broken> {};

constexpr const char* head_of_rep = "100\n2\n3\n1\n";

} // namespace

TEST(Malloclab, EveryOperationArrives) {
    const Reading reading = read_text("20000\n3\n6\n1\na 0 512\na 1 0\nr 0 640\nr 2 8\nf 0\nf -1\n");
    EXPECT_EQ(reading.error, "");
    EXPECT_EQ(reading.format, "malloclab");
    EXPECT_EQ(brief(reading.events),
              "malloc 1 512, malloc 2 0, from 1, to 1 640, from 0, to 3 8, free 1, free 0");
}

TEST(Mtrace, EveryStepArrives) {
    const Reading reading = read_text("= Start\n"
                                      "@ ./my prog:(main+0x1d)[0x401153] + 0x10 0x14\n"
                                      "@ [0x401153] < 0x10\n"
                                      "@ [0x401153] > 0x20 0x40\n"
                                      "! 0x20 0x4000000\n"
                                      "@ ./p:[0x1] - 0x20\n"
                                      "@ ./p:[0x1] - 0x9999\n" // from before mtrace() was called
                                      "= End\n");
    EXPECT_EQ(reading.error, "");
    EXPECT_EQ(reading.format, "glibc mtrace");
    EXPECT_EQ(brief(reading.events), "malloc 16 20, from 16, to 32 64, free 32, free 39321");
    ASSERT_EQ(reading.notes.size(), 2u);
    EXPECT_NE(reading.notes[1].find("1 realloc(s) that failed"), std::string::npos);
}

TEST(Mtrace, AMissingEndIsSaid) {
    const Reading reading = read_text("= Start\n+ 0x10 0x14\n");
    EXPECT_EQ(reading.error, "");
    ASSERT_EQ(reading.notes.size(), 2u);
    EXPECT_NE(reading.notes[1].find("no \"= End\""), std::string::npos);
}

TEST(Heaptrack, RawFilesArriveWithTheirPointers) {
    const Reading reading = read_text("v 10400 3\nx b /usr/bin/ls\nX ls\nI 1000 5e298f\nm 1 -\nt 7f 0\n"
                                      "+ 1d8 1 55d0\nc a\nR 10\n- 55d0\n");
    EXPECT_EQ(reading.error, "");
    EXPECT_EQ(reading.format, "heaptrack");
    EXPECT_EQ(brief(reading.events), "malloc 21968 472, free 21968");
    EXPECT_EQ(reading.notes.size(), 1u);
}

TEST(Heaptrack, InterpretedFilesGetABlockForEachAllocation) {
    const Reading reading =
        read_text("v 10400 3\nX ls\ns b /usr/bin/ls\na 10 1\n+ 0\na 20 2\n+ 1\n+ 0\n- 0\n- 0\n");
    EXPECT_EQ(reading.error, "");
    EXPECT_EQ(brief(reading.events), "malloc 1 16, malloc 2 32, malloc 3 16, free 3, free 1");
    EXPECT_EQ(reading.notes.size(), 2u);
}

TEST(GlibcWorkload, ThreadsWaitForWhatTheyNeed) {
    // Main: 2 threads. Thread 1 waits for sync 1 and frees slot 1; thread 2 allocates it and 300 bytes in slot 2.
    const Reading reading =
        read_text("\x08\x03\x09\x02\x0a\x02\x0b\x0b\x0b\x10\x01"s // parts begin at 11 and 16
                  "\x07\x01\x05\x01\x01"s
                  "\x02\x01\x40\x06\x01\x0c\x02\x20\x82\x2c\x01"s);
    EXPECT_EQ(reading.error, "");
    EXPECT_EQ(reading.format, "glibc workload");
    EXPECT_EQ(brief(reading.events), "malloc 1 64, align 2 300, free 1");
    ASSERT_EQ(reading.events.size(), 3u);
    EXPECT_EQ(reading.events[0].thread, 2u);
    EXPECT_EQ(reading.events[2].thread, 1u);
    EXPECT_EQ(reading.events[1].extra, 32u);
}

TEST_P(BrokenFile, IsOneLineWithItsPlace) {
    const Reading reading = read_text(GetParam().content);
    EXPECT_NE(reading.error.find(GetParam().says), std::string::npos) << reading.error;
    EXPECT_EQ(reading.error.find('\n'), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    All, BrokenFile,
    testing::Values(
        Broken{"RepCut", head_of_rep + "a 0 8\n"s, "breaks off: 1 of 3 operations"},
        Broken{"RepTooLong", head_of_rep + "a 0 8\nf 0\na 1 8\nf 1\n"s, ":8: more operations than the 3"},
        Broken{"RepIdTooHigh", head_of_rep + "a 2 8\n"s, ":5: the id is not below the 2"},
        Broken{"RepHugeId", "1\n18446744073709551615\n1\n1\na 18446744073709551614 -1\n", "is negative"},
        Broken{"RepUnknown", head_of_rep + "a 0 8\nx 0\n"s, ":6: unknown action"},
        Broken{"RepTwoWords", head_of_rep + "a 0 8 9\n"s, ":5: more words"},
        Broken{"MtraceHalfRealloc", "= Start\n< 0x10\n+ 0x20 0x8\n", ":3: \"<\" without"},
        Broken{"MtraceOtherHalf", "= Start\n> 0x10 0x8\n", ":2: \">\" without"},
        Broken{"MtraceCaller", "= Start\n@ ./prog + 0x10 0x8\n", ":2: the caller has no end"},
        Broken{"MtracePointer", "= Start\n+ zz 0x8\n", ":2: the pointer is not a hexadecimal"},
        Broken{"MtraceBytes", "= Start\n\xff\xfe\n", ":2: not a line of text"},
        Broken{"HeaptrackNewer", "v 20000 4\n+ 1 1 1\n", "format 4 is not known"},
        Broken{"HeaptrackUndefined", "v 10400 3\na 8 1\n+ 1\n", ":3: an allocation that no \"a\" line"},
        Broken{"HeaptrackNoneLive", "v 10400 3\na 8 1\n- 0\n", ":3: frees a block of which none is live"},
        Broken{"HeaptrackDecimalPoint", "v 10400 3\n+ 1.5 1 1\n", ":2: the size is not a hexadecimal"},
        Broken{"WorkloadNoEnd", "\x08\x03\x0b\x05\x01\x02\x01\x40"s, "byte 8: a thread's part has no end"},
        Broken{"WorkloadCutNumber", "\x0b\x03\x01\x02\x81"s, "byte 3: a number is cut off"},
        Broken{"WorkloadBeyond", "\x0b\x63\x01"s, "begins beyond the end"},
        Broken{"WorkloadOverlap", "\x0b\x07\x0b\x07\x0b\x07\x01"s + "\x05\x00\x05\x00\x01"s,
               "parts of the threads overlap"},
        Broken{"WorkloadForEver", "\x0b\x03\x01\x07\x01\x01"s, "wait for each other for ever"},
        Broken{"WorkloadUnknown", "\x0b\x03\x01\x7f\x01"s, "byte 3: unknown operation"}),
    [](const auto& of) { return std::string(of.param.name); });

namespace {

// Two threads, every kind of call, a block that another thread frees, a NULL, a number that comes back.
constexpr const char* everything = "1: malloc 0x10 100\n"
                                   "2: calloc 0x20 4 25\n"
                                   "1: memalign 0x40 64 200\n"
                                   "2: realloc 0x80 0x10 300\n"
                                   "1: realloc 0x90 0x0 5\n"
                                   "1: free 0x0\n"
                                   "1: free 0x20\n"
                                   "2: malloc 0x20 7\n"
                                   "2: free 0x20\n"
                                   "1: free 0x80\n"
                                   "2: thread_done 0x0\n";

} // namespace

class RoundTrip : public testing::TestWithParam<Exporter> {};

TEST_P(RoundTrip, GivesTheSameBlocksAgain) {
    const TemporaryFolder folder;
    const auto from = folder.write("from", everything);
    const auto to = folder.path() / "to";
    ConvertOptions options;
    options.to = GetParam().name;
    const auto lost = convert(from, to, options);
    ASSERT_TRUE(lost) << lost.error().line();
    const auto before = summarize(from, {});
    const auto after = summarize(to, {});
    ASSERT_TRUE(before && after) << after.error().line();
    EXPECT_EQ(after->stats.requested_bytes, before->stats.requested_bytes);
    EXPECT_EQ(after->stats.largest_bytes, before->stats.largest_bytes);
    EXPECT_EQ(after->stats.live_bytes, before->stats.live_bytes);
    EXPECT_EQ(after->stats.live_blocks, before->stats.live_blocks);
    EXPECT_EQ(after->stats.sizes, before->stats.sizes);
    if (GetParam().name != "malloclab" && GetParam().name != "mtrace" && GetParam().name != "heaptrack") {
        EXPECT_EQ(after->stats.thread_names.size(), before->stats.thread_names.size());
        EXPECT_EQ(after->stats.cross_thread_releases, before->stats.cross_thread_releases);
    } else { // nothing is dropped in silence
        EXPECT_NE(testing::PrintToString(*lost).find("other threads"), std::string::npos);
    }
    EXPECT_FALSE(std::filesystem::exists(to.string() + ".part"));
}

INSTANTIATE_TEST_SUITE_P(All, RoundTrip, testing::ValuesIn(exporters().begin(), exporters().end()),
                         [](const auto& of) {
                             std::string name(of.param.name);
                             std::erase(name, '-');
                             return name;
                         });

TEST(Export, MemoryReplayTextComesBackToTheLetter) {
    const TemporaryFolder folder;
    ConvertOptions options;
    options.to = "memory-replay";
    ASSERT_TRUE(convert(folder.write("from", everything), folder.path() / "to", options));
    std::ifstream written(folder.path() / "to");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(written), {}), everything);
}

TEST(Export, AnEmptyTraceIsAFileThatCanBeRead) {
    const TemporaryFolder folder;
    const auto from = folder.write("from", "1: thread_done 0x0\n");
    for (const Exporter& exporter : exporters()) {
        ConvertOptions options;
        options.to = exporter.name;
        const auto to = folder.path() / exporter.name;
        ASSERT_TRUE(convert(from, to, options)) << exporter.name;
        EXPECT_TRUE(std::filesystem::exists(to)) << exporter.name;
    }
}

TEST(Export, AnUnknownFormatIsRefusedBeforeAnythingIsWritten) {
    const TemporaryFolder folder;
    ConvertOptions options;
    options.to = "xml";
    const auto lost = convert(folder.write("from", everything), folder.path() / "to", options);
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().status, Exit::usage);
    EXPECT_NE(lost.error().line().find("memory-replay"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "to"));
}
