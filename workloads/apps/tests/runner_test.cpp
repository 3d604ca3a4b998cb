#include "workloads/apps/runner/output.hpp"
#include "workloads/apps/runner/proof.hpp"

#include <gtest/gtest.h>

using namespace faultline;

TEST(Output, LinesThatDifferFromRunToRunAreLeftOut) {
    const auto kept = apps::without("result 3\ntook 17 ms\nresult 4", {"took [0-9]+ ms", "^never$"});
    ASSERT_TRUE(kept);
    EXPECT_EQ(*kept, "result 3\nresult 4\n");
    EXPECT_FALSE(apps::without("x", {"("}));
}

TEST(Output, IsComparedWithWhatIsExpected) {
    apps::Definition app;
    EXPECT_EQ(*apps::why_unexpected(app, "anything\n"), std::nullopt);
    app.expect = "^total [0-9]+$";
    EXPECT_EQ(*apps::why_unexpected(app, "first\ntotal 12\n"), std::nullopt);
    EXPECT_TRUE(apps::why_unexpected(app, "total none\n")->has_value());
    app.expect = "";
    app.sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"; // of nothing
    EXPECT_EQ(*apps::why_unexpected(app, ""), std::nullopt);
    EXPECT_TRUE(apps::why_unexpected(app, "x\n")->has_value());
    app.expect = "[";
    app.sha256 = "";
    EXPECT_FALSE(apps::why_unexpected(app, "x\n"));
}

TEST(Proof, TestimoniesAreReadOnceEachAndOthersSkipped) {
    const auto all = apps::read_testimonies("12\t/bin/a\tmalloc=/lib/x.so\tfree=/lib/x.so\n"
                                            "13\t/bin/a\tmalloc=/lib/x.so\tfree=/lib/x.so\n"
                                            "no testimony\n"
                                            "14\t/bin/b\tmalloc=/lib/y.so\n");
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].program, "/bin/a");
    EXPECT_EQ(all[0].resolved.at("free"), "/lib/x.so");
    EXPECT_EQ(all[1].resolved.at("malloc"), "/lib/y.so");
}

TEST(Proof, TheProgramItselfIsKnownByItsFile) {
    const auto all = apps::read_testimonies("12\t/bin/a\tmalloc=/proc/self/exe\tfree=a\n");
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].resolved.at("malloc"), "/bin/a");
    EXPECT_EQ(all[0].resolved.at("free"), "/bin/a");
}

TEST(Proof, AProgramThatSaidNothingIsNamedWithTheReason) {
    const auto all = apps::read_testimonies("12\t/bin/a\tmalloc=/lib/x.so\n");
    EXPECT_TRUE(apps::unproved({"/bin/a"}, all).empty());
    const auto silent = apps::unproved({"/bin/a", "/bin/sh"}, all);
    ASSERT_EQ(silent.size(), 1U);
    EXPECT_NE(silent[0].find("/bin/sh: it was started without LD_PRELOAD"), std::string::npos);
}
