#include "harness/process/observe.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace faultline::process;

TEST(OutputTail, KeepsTheEndOfWhatIsSaid) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    const std::string much(10'000, 'x');
    ASSERT_EQ(::write(ends[1], much.data(), much.size()), 10'000);
    ASSERT_EQ(::write(ends[1], "end\n", 4), 4);
    OutputTail tail;
    tail.collect(ends[0]);
    EXPECT_EQ(tail.text().size(), OutputTail::most_bytes);
    EXPECT_TRUE(tail.text().ends_with("xend\n"));
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST(LastLine, IsTheLastOneThatSaysSomething) {
    EXPECT_EQ(last_line("first\nsecond\n\n"), "second");
    EXPECT_EQ(last_line("only"), "only");
    EXPECT_EQ(last_line("\n\n"), "");
    EXPECT_EQ(last_line(""), "");
}

TEST(ResidentBytes, OfThisProcessAndOfNone) {
    EXPECT_GT(resident_bytes(::getpid()), 100'000U);
    EXPECT_EQ(resident_bytes(0x7fffffff), 0U);
}
