#include "base/file.hpp"

#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace fs = std::filesystem;
using faultline::Exit;

class FileTest : public testing::Test {
  protected:
    FileTest() {
        char name[] = "/tmp/faultline-file-test-XXXXXX";
        directory_ = ::mkdtemp(name);
    }
    ~FileTest() override { fs::remove_all(directory_); }
    fs::path directory_;
};

TEST_F(FileTest, WritesWhatIsReadBackAndLeavesNothingElse) {
    ASSERT_TRUE(faultline::write_file_atomically(directory_ / "a", "one"));
    ASSERT_TRUE(faultline::write_file_atomically(directory_ / "a", "two"));
    EXPECT_EQ(faultline::read_file(directory_ / "a").value(), "two");
    EXPECT_EQ(std::distance(fs::directory_iterator(directory_), fs::directory_iterator()), 1);
}

TEST_F(FileTest, FullDiskIsAnIoErrorAndLeavesTheOldContent) {
    const auto written = faultline::write_file_atomically("/dev/full/none", "x");
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().status, Exit::cannot_create);
}

TEST_F(FileTest, MissingFileAndDirectoryAreNoInput) {
    EXPECT_EQ(faultline::read_file(directory_ / "none").error().status, Exit::no_input);
    EXPECT_EQ(faultline::read_file(directory_).error().status, Exit::no_input);
}

TEST_F(FileTest, ALinkIsKeptAndItsTargetReplaced) {
    ASSERT_TRUE(faultline::write_file_atomically(directory_ / "real", "one"));
    fs::create_symlink("real", directory_ / "link");
    ASSERT_TRUE(faultline::write_file_atomically(directory_ / "link", "two"));
    EXPECT_TRUE(fs::is_symlink(directory_ / "link"));
    EXPECT_EQ(faultline::read_file(directory_ / "real").value(), "two");
}

TEST_F(FileTest, WhatIsNoRegularFileIsLeftAlone) {
    ASSERT_EQ(::mkfifo((directory_ / "fifo").c_str(), 0600), 0);
    EXPECT_EQ(faultline::write_file_atomically(directory_ / "fifo", "x").error().status, Exit::cannot_create);
    EXPECT_EQ(faultline::check_writable(directory_ / "fifo").error().status, Exit::cannot_create);
    EXPECT_TRUE(fs::is_fifo(directory_ / "fifo"));
}

TEST_F(FileTest, CheckWritableLeavesNoTrace) {
    EXPECT_TRUE(faultline::check_writable(directory_ / "new"));
    EXPECT_TRUE(fs::is_empty(directory_));
    EXPECT_EQ(faultline::check_writable(directory_ / "none" / "new").error().status, Exit::cannot_create);
    EXPECT_EQ(faultline::check_writable(directory_).error().status, Exit::cannot_create);
}
