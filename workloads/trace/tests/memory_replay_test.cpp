// Android memory_replay text: what it holds arrives, and each kind of broken input is one line with file and
// line.
#include "workloads/trace/program.hpp"
#include "workloads/trace/source.hpp"
#include "workloads/trace/tests/temporary.hpp"

#include <gtest/gtest.h>

using namespace faultline::trace;
using faultline::Exit;
using testing_support::TemporaryFolder;

namespace {

faultline::Result<std::string> compile_text(const TemporaryFolder& folder, const std::string& text) {
    auto source = open_trace(folder.write("t.txt", text));
    if (!source) {
        return tl::unexpected(source.error());
    }
    return testing_support::compiled_bytes(**source);
}

struct Broken {
    const char* name;
    const char* text;
    unsigned line;
    const char* says;
};

class BrokenText : public testing::TestWithParam<Broken> {};

} // namespace

TEST_P(BrokenText, IsRefusedWithFileAndLine) {
    const TemporaryFolder folder;
    const auto program = compile_text(folder, GetParam().text);
    ASSERT_FALSE(program);
    EXPECT_EQ(program.error().status, Exit::data);
    EXPECT_EQ(program.error().where,
              (folder.path() / "t.txt").string() + ":" + std::to_string(GetParam().line));
    EXPECT_NE(program.error().what.find(GetParam().says), std::string::npos) << program.error().line();
    EXPECT_EQ(program.error().line().find('\n'), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    All, BrokenText,
    testing::Values(
        Broken{"NegativeSize", "1: malloc 0x10 8\n1: malloc 0x20 -8\n", 2, "negative"},
        Broken{"SizeOf2To63", "1: malloc 0x10 9223372036854775808\n", 1, "beyond any address space"},
        Broken{"SizeBeyond64Bits", "1: malloc 0x10 99999999999999999999\n", 1, "beyond 64 bits"},
        Broken{"CallocOverflow", "1: calloc 0x10 4294967296 4294967296\n", 1, "overflows"},
        Broken{"FreeOfUnknown", "1: malloc 0x10 8\n\n1: free 0x20\n", 3, "not allocated"},
        Broken{"DoubleFree", "1: malloc 0x10 8\n1: free 0x10\n1: free 0x10\n", 3, "not allocated"},
        Broken{"ReallocOfUnknown", "1: realloc 0x10 0x20 8\n", 1, "not allocated"},
        Broken{"MallocOfLive", "1: malloc 0x10 8\n2: malloc 0x10 8\n", 2, "still allocated"},
        Broken{"NotUtf8", "1: malloc 0x10 8\n\xff\xfe\x01\n", 2, "not a line of text"},
        Broken{"UnknownAction", "1: mallocate 0x10 8\n", 1, "unknown action"},
        Broken{"MissingSize", "1: malloc 0x10\n", 1, "is missing"},
        Broken{"MissingColon", "1: malloc 0x10 8\n1 free 0x10\n", 2, "TID"},
        Broken{"BadPointer", "1: malloc 10 8\n", 1, "hexadecimal"},
        Broken{"ThreadBeyond32Bits", "99999999999: malloc 0x10 8\n", 1, "thread id"},
        Broken{"TrailingWord", "1: malloc 0x10 8 oops\n", 1, "end of the line"},
        Broken{"OddAlignment", "1: memalign 0x10 48 8\n", 1, "power of two"},
        Broken{"AnotherFormat", "<html>\n", 1, "not a trace in any known format"}),
    [](const auto& of) { return std::string(of.param.name); });

TEST(ImportTest, ALineWithoutEndIsRefusedBeforeItFillsMemory) {
    const TemporaryFolder folder;
    const auto program = compile_text(folder, "1: malloc 0x10 8\n" + std::string(5'000'000, '1'));
    ASSERT_FALSE(program);
    EXPECT_NE(program.error().what.find("more than 4096 bytes"), std::string::npos) << program.error().line();
    EXPECT_NE(program.error().where.find(":2"), std::string::npos);
}

TEST(ImportTest, EmptyFileMissingFileAndDirectoryAreOneLineEach) {
    const TemporaryFolder folder;
    EXPECT_EQ(compile_text(folder, "").error().status, Exit::data);
    EXPECT_EQ(open_trace(folder.path() / "none").error().status, Exit::no_input);
    EXPECT_EQ(open_trace(folder.path()).error().status, Exit::no_input);
}

TEST(ImportTest, EveryCallArrivesWithItsSizes) {
    const TemporaryFolder folder;
    auto source = open_trace(folder.write("t.txt", "7: malloc 0x10 100\r\n"
                                                   "7: calloc 0x20 4 25\n"
                                                   "8: memalign 0x40 64 200 17 19\n"
                                                   "8: realloc 0x80 0x10 300\n"
                                                   "7: realloc 0x90 0x0 5\n"
                                                   "7: free 0x0\n"
                                                   "8: free 0x20\n"
                                                   "8: thread_done 0x0")); // no newline at the end
    ASSERT_TRUE(source) << source.error().line();
    std::vector<Event> events(64);
    const auto n = (*source)->read(events);
    ASSERT_TRUE(n) << n.error().line();
    ASSERT_EQ(*n, 10u);
    EXPECT_EQ(events[0].op, Op::malloc);
    EXPECT_EQ(events[0].size, 100u);
    EXPECT_EQ(events[1].bytes(), 100u);
    EXPECT_EQ(events[1].extra, 4u);
    EXPECT_EQ(events[2].extra, 64u);
    EXPECT_EQ(events[2].size, 200u);
    EXPECT_EQ(events[3].op, Op::realloc_from);
    EXPECT_EQ(events[3].pointer, 0x10u);
    EXPECT_EQ(events[4].op, Op::realloc_to);
    EXPECT_EQ(events[4].pointer, 0x80u);
    EXPECT_EQ(events[4].size, 300u);
    EXPECT_EQ(events[5].pointer, 0u);
    EXPECT_EQ(events[9].op, Op::thread_end);
    EXPECT_EQ((*source)->read(events).value(), 0u);
    ASSERT_EQ((*source)->info().notes.size(), 1u); // says what it did not keep
    EXPECT_NE((*source)->info().notes[0].find("time stamps of 1 line"), std::string::npos);
}

TEST(ImportTest, FailedAndZeroSizedCallsAreKeptOrSaid) {
    const TemporaryFolder folder;
    const auto bytes = compile_text(folder, "1: malloc 0x0 8\n"
                                            "1: malloc 0x10 8\n"
                                            "1: realloc 0x0 0x10 99999999999\n" // fails: 0x10 stays live
                                            "1: realloc 0x0 0x10 0\n"           // frees it
                                            "1: malloc 0x10 24\n");
    ASSERT_TRUE(bytes) << bytes.error().line();
    const TemporaryFolder out;
    const auto program = Program::open(out.write("p", *bytes));
    ASSERT_TRUE(program);
    EXPECT_EQ(program->header().operations, 3u);
    EXPECT_EQ(program->header().live_bytes, 24u);
    EXPECT_NE(program->notes().find("2 call(s) that returned NULL"), std::string::npos);
    EXPECT_NE(program->notes().find("1 realloc(s) to 0 bytes"), std::string::npos);
}
