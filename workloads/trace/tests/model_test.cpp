// What is drawn from a model is like what the model was fitted to, and a model's file holds nothing else of it.
#include "workloads/trace/importers.hpp"
#include "workloads/trace/model/generate.hpp"
#include "workloads/trace/tests/temporary.hpp"

#include <cmath>
#include <gtest/gtest.h>

using namespace faultline::trace;
using testing_support::TemporaryFolder;

namespace {

Lives read(const std::filesystem::path& trace) {
    auto source = open_trace(trace);
    if (!source) {
        ADD_FAILURE() << source.error().line();
        return {};
    }
    auto lives = lives_of(**source);
    if (!lives) {
        ADD_FAILURE() << lives.error().line();
        return {};
    }
    return *std::move(lives);
}

class OwnTrace : public testing::TestWithParam<const char*> {
  protected:
    static std::filesystem::path path() {
        return std::filesystem::path(FAULTLINE_SOURCE_DIR "/workloads/trace/data") / GetParam();
    }
};

// Ones enough lines for every kind of a model's, and right.
const std::string small =
    "faultline-model 1\nallocations 2\nrun 1\nsize 8 16 2 24\nmake 0 1 0 2\n"
    "load 31 0 1 0\nload 63 0 0 1\nmix 0 0 1\nlife 0 0 1\nlong 63 64 0 1\nrelease 0 0 1\nend\n";

std::string complaint(const TemporaryFolder& folder, const std::string& text) {
    auto source = open_trace(folder.write("m", text));
    if (!source) {
        return source.error().line();
    }
    const auto lives = lives_of(**source);
    return lives ? "accepted" : lives.error().line();
}

} // namespace

TEST_P(OwnTrace, IsLikeWhatItsModelDraws) {
    const TemporaryFolder folder;
    const Lives lives = read(path());
    const auto file = folder.path() / "model";
    ASSERT_TRUE(write_model(fit(lives), file));
    const Lives drawn = read(file);
    EXPECT_EQ(drawn.blocks.size(), lives.blocks.size());
    EXPECT_EQ(drawn.threads, lives.threads);
    EXPECT_EQ(drawn.timed, lives.timed);
    const Distance apart = distance(lives, drawn);
    std::printf("%s: %zu allocations, %zu bytes, sizes %.4f, lifetimes %.4f, peak %.4f, foreign %+.4f\n",
                GetParam(), lives.blocks.size(), static_cast<std::size_t>(std::filesystem::file_size(file)),
                apart.sizes, apart.lifetimes, apart.peak, apart.foreign);
    EXPECT_LE(apart.sizes, 0.05);
    EXPECT_LE(apart.lifetimes, 0.05);
    EXPECT_NEAR(apart.peak, 1, 0.05);
    EXPECT_NEAR(apart.foreign, 0, 0.01);
}

INSTANTIATE_TEST_SUITE_P(Model, OwnTrace,
                         testing::Values("perl-text.fltrace", "python-threads.fltrace",
                                         "sqlite-memory.fltrace"),
                         [](const testing::TestParamInfo<const char*>& info) {
                             std::string name(info.param);
                             std::erase_if(name, [](char c) { return c == '-' || c == '.'; });
                             return name;
                         });

TEST(Model, DistanceSeesADifference) {
    const TemporaryFolder folder;
    const Lives a =
        read(folder.write("a", "1: malloc 0x10 8\n1: free 0x10\n1: malloc 0x20 8\n1: malloc 0x30 8\n"));
    const Lives b =
        read(folder.write("b", "1: malloc 0x10 8\n2: free 0x10\n1: malloc 0x20 80\n1: malloc 0x30 80\n"));
    const Distance apart = distance(a, b);
    EXPECT_NEAR(apart.sizes, 2.0 / 3, 1e-9);
    EXPECT_EQ(apart.lifetimes, 0);
    EXPECT_EQ(apart.peak, 10);
    EXPECT_EQ(apart.foreign, 1);
}

TEST(Model, OfAFewBlocksIsExact) {
    const TemporaryFolder folder;
    std::string text;
    for (int i = 1; i <= 300; ++i) {
        text += "1: malloc 0x" + std::to_string(i) + " " + std::to_string(7 * i % 1000) + "\n";
        text += i > 150 ? "2: free 0x" + std::to_string(i - 150) + "\n" : "";
    }
    const Lives lives = read(folder.write("t", text));
    const auto drawn = lives_of(*generate(fit(lives)));
    ASSERT_TRUE(drawn);
    const Distance apart = distance(lives, *drawn);
    EXPECT_EQ(apart.sizes, 0);
    EXPECT_EQ(apart.lifetimes, 0);
    EXPECT_EQ(apart.peak, 1);
    EXPECT_EQ(apart.foreign, 0);
}

TEST(Model, LifetimeBinsAreWithoutGaps) {
    std::uint64_t lifetime = 0;
    while (lifetime < 100'000) {
        const std::uint32_t bin = lifetime_bin(lifetime);
        EXPECT_EQ(lifetime_bin_begin(bin), lifetime);
        std::uint32_t after = bin + 1;
        while (lifetime_bin_begin(after) <= lifetime) {
            ++after;
        }
        EXPECT_EQ(lifetime_bin(lifetime_bin_begin(after) - 1), bin);
        lifetime = lifetime_bin_begin(after);
    }
}

TEST(Model, TheSameEachTime) {
    const TemporaryFolder folder;
    const auto file = folder.write("m", small);
    const Lives one = read(file);
    const Lives two = read(file);
    ASSERT_EQ(one.blocks.size(), 2U);
    for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(one.blocks[i].size, two.blocks[i].size);
    }
    EXPECT_TRUE(one.blocks[0].ends());
    EXPECT_FALSE(one.blocks[1].ends());
}

TEST(Model, WhatCannotBeIsRefusedWithItsLine) {
    const TemporaryFolder folder;
    EXPECT_EQ(complaint(folder, small), "accepted");
    const auto with = [&](const std::string& line) {
        return complaint(folder, "faultline-model 1\nsize 8 16 2 24\n" + line + "\nend\n");
    };
    for (const char* line : {"size 9 8 1 9", "size 8 8 0 0", "make 1 1 0 1", "make 0 2 0 1", "load 64 0 1 1",
                             "mix 0 9 1", "life 0 500 1", "long 5 4 0 1", "moment 0 16 1 1", "release 64 0 1",
                             "block 1 1 8 0 0 1 0", "run 0", "nonsense 1", "run x", "run 1 2", "run"}) {
        EXPECT_NE(with(line).find("m:3: "), std::string::npos) << line << ": " << with(line);
    }
    EXPECT_NE(complaint(folder, small.substr(0, small.size() - 4)).find("breaks off"), std::string::npos);
    EXPECT_NE(with("allocations 7").find("do not add up"), std::string::npos);
}
