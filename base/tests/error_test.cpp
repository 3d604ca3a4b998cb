#include "base/error.hpp"

#include <cerrno>
#include <gtest/gtest.h>

using faultline::Error;
using faultline::Exit;

TEST(Error, LineLeavesOutEmptyParts) {
    EXPECT_EQ((Error{Exit::data, "a.toml:3", "unknown key", "remove it"}.line()),
              "a.toml:3: unknown key; remove it");
    EXPECT_EQ((Error{Exit::data, "", "unknown key", ""}.line()), "unknown key");
}

TEST(Error, LineEscapesControlCharactersOfHostileNames) {
    EXPECT_EQ((Error{Exit::data, "a\nb\x1b[31m", "bad", ""}.line()), "a\\x0ab\\x1b[31m: bad");
}

TEST(Error, FailErrnoNamesTheCause) {
    const auto failure = faultline::fail_errno(Exit::io, "f", "cannot write", ENOSPC);
    EXPECT_EQ(failure.value().line(), "f: cannot write: No space left on device");
}
