#include "workloads/apps/definition.hpp"

#include <gtest/gtest.h>

using namespace faultline;

namespace {

std::string error_of(std::string_view toml) {
    const auto parsed = apps::parse(toml, "x.toml");
    return parsed ? "" : parsed.error().line();
}

} // namespace

TEST(Definition, AFewLinesAreEnough) {
    const auto parsed = apps::parse("summary = \"s\"\ncommand = [\"sort\", \"lines\"]\n"
                                    "prepare = [\"seq 9 >lines\", [\"touch\", \"x\"]]\n",
                                    "/a/sorting.toml");
    ASSERT_TRUE(parsed) << parsed.error().line();
    const apps::Definition& app = **parsed;
    EXPECT_EQ(app.name, "app:sorting");
    EXPECT_EQ(app.spec.name, "app:sorting");
    EXPECT_EQ(app.program, "sort");
    EXPECT_EQ(app.prepare[0], (apps::Words{"/bin/sh", "-c", "seq 9 >lines"}));
    EXPECT_EQ(app.prepare[1], (apps::Words{"touch", "x"}));
    EXPECT_FALSE(app.service());
    EXPECT_FALSE(app.threaded());
}

TEST(Definition, ParametersBecomeTheWorkloads) {
    const auto parsed =
        apps::parse("command = [\"x\", \"{threads}\", \"{size}\"]\nparameters = { size = 7 }\n", "x.toml");
    ASSERT_TRUE(parsed) << parsed.error().line();
    EXPECT_TRUE((*parsed)->threaded());
    const auto arguments = engine::resolve((*parsed)->spec, 3, 1, {}, "test");
    ASSERT_TRUE(arguments) << arguments.error().line();
    EXPECT_EQ(arguments->integer("size"), 7);
    EXPECT_FALSE(engine::resolve((*parsed)->spec, 3, 1, {{"size", "many"}}, "test"));
}

TEST(Definition, MistakesAreToldWithTheirLine) {
    EXPECT_EQ(error_of("command = [\"x\"]\nrounds = 3\n").substr(0, 28), "x.toml:2: unknown key `round");
    EXPECT_EQ(error_of("command = [\"x\", 3]\n").substr(0, 9), "x.toml:1:");
    EXPECT_EQ(error_of("command = [\"x\"]\nexit = 256\n").substr(0, 9), "x.toml:2:");
    EXPECT_EQ(error_of("command = [\"x\"]\nparameters = { size = \"big\" }\n").substr(0, 9), "x.toml:2:");
    EXPECT_EQ(error_of("command = [\"x\"\n").substr(0, 7), "x.toml:");
}

TEST(Definition, IsACommandOrAWholeService) {
    EXPECT_NE(error_of("summary = \"nothing to run\"\n"), "");
    EXPECT_NE(error_of("command = [\"x\"]\nserver = [\"y\"]\nready = [\"r\"]\nload = [\"l\"]\n"), "");
    EXPECT_NE(error_of("server = [\"y\"]\nload = [\"l\"]\n"), "");
    EXPECT_NE(error_of("command = [\"x\"]\nload = [\"l\"]\nready = [\"r\"]\n"), "");
    EXPECT_EQ(error_of("server = [\"y\"]\nload = [\"l\"]\nready = [\"r\"]\n"), "");
}

TEST(Definition, SaysWhatIsMissingAndHowToGetIt) {
    const auto there = apps::parse("command = [\"sh\"]\n", "x.toml");
    EXPECT_EQ(apps::why_missing(**there), std::nullopt);
    const auto missing = apps::parse("command = [\"no-such-program\"]\npackage = \"nsp\"\n", "x.toml");
    ASSERT_TRUE(apps::why_missing(**missing));
    EXPECT_NE(apps::why_missing(**missing)->find("apt install nsp"), std::string::npos);
    const auto needs = apps::parse("command = [\"sh\"]\nneeds = [\"/nonexistent/*.py\"]\n", "x.toml");
    EXPECT_TRUE(apps::why_missing(**needs));
}

TEST(Definition, AllOfFaultlinesOwnAreSound) {
    const std::filesystem::path folder(FAULTLINE_APPS_DIR);
    unsigned count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() == ".toml") {
            const auto parsed = apps::find("app:" + entry.path().string(), "/", "test");
            ASSERT_TRUE(parsed) << parsed.error().line();
            EXPECT_FALSE((*parsed)->summary.empty()) << entry.path();
            EXPECT_FALSE((*parsed)->package.empty()) << entry.path();
            EXPECT_FALSE((*parsed)->expect.empty()) << entry.path();
            ++count;
        }
    }
    EXPECT_GE(count, 15U);
}
