#include "allocators/registry/registry.hpp"

#include "allocators/registry/identify.hpp"
#include "allocators/registry/search.hpp"
#include "base/layout.hpp"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gnu/libc-version.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace fs = std::filesystem;
namespace registry = faultline::registry;
using faultline::Exit;
using registry::Allocator;

namespace {

const fs::path wrong_libraries =
    FAULTLINE_TEST_LIBRARIES; // directory of the small libraries built beside this test
fs::path wrong(const std::string& name) {
    return wrong_libraries / ("libwrong-" + name + ".so");
}

} // namespace

class RegistryTest : public testing::Test {
  protected:
    RegistryTest() {
        char name[] = "/tmp/faultline-registry-test-XXXXXX";
        directory_ = ::mkdtemp(name);
    }
    ~RegistryTest() override { fs::remove_all(directory_); }

    fs::path file(const std::string& name, const std::string& content) {
        fs::create_directories((directory_ / name).parent_path());
        std::ofstream(directory_ / name, std::ios::binary) << content;
        return directory_ / name;
    }
    // A stand-in for the worker: prints an answer, as a program that itself runs on the preloaded library.
    fs::path worker(const std::string& answer) {
        fs::path path = file("worker", "#!/bin/sh\necho '" + answer + "'\n");
        ::chmod(path.c_str(), 0755);
        return path;
    }
    fs::path directory_;
};

TEST_F(RegistryTest, UnknownNameIsAUsageErrorWithTheNearestName) {
    const auto found = registry::find("jemaloc");
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().status, Exit::usage);
    EXPECT_EQ(found.error().line(),
              "unknown allocator \"jemaloc\"; did you mean \"jemalloc\"? see `faultline list allocators`");
    EXPECT_EQ(registry::find("zzzzzzzz").error().line(),
              "unknown allocator \"zzzzzzzz\"; see `faultline list allocators`");
}

TEST_F(RegistryTest, NamesOfUsersLibrariesMayNotMislead) {
    for (const char* text :
         {"=/lib/x.so", "a b=/lib/x.so", "a\n=/lib/x.so", "system=/lib/x.so", "null=/lib/x.so"}) {
        const auto found = registry::find(text);
        ASSERT_FALSE(found) << text;
        EXPECT_EQ(found.error().status, Exit::usage) << text;
    }
}

TEST_F(RegistryTest, FileThatIsNotThereOrNotAFileIsNoInput) {
    EXPECT_EQ(registry::find("x=/nonexistent.so").error().status, Exit::no_input);
    EXPECT_EQ(registry::find("x=" + directory_.string()).error().status, Exit::no_input);
}

TEST_F(RegistryTest, PathThatThePreloadListCannotCarryIsRefused) {
    const auto found = registry::find("x=" + file("a b.so", "").string());
    ASSERT_FALSE(found);
    EXPECT_NE(found.error().what.find("LD_PRELOAD cannot carry"), std::string::npos);
}

#ifdef FAULTLINE_HAVE_LIBELF
TEST_F(RegistryTest, LibraryIsCheckedBeforeItIsLoaded) {
    const auto error = [](const fs::path& path) { return registry::find("x=" + path.string()).error(); };
    EXPECT_EQ(error(file("text.so", "not a library")).what, "is not an ELF file");
    EXPECT_EQ(error(file("empty.so", "")).what, "is not an ELF file");
    EXPECT_EQ(error(wrong("no-malloc")).what, "does not export malloc and free");

    std::ifstream in(wrong("no-malloc"), std::ios::binary);
    const std::string content((std::istreambuf_iterator<char>(in)), {});
    EXPECT_EQ(error(file("cut.so", content.substr(0, 100))).what, "has no readable dynamic symbol table");
    EXPECT_EQ(error(file("half.so", content.substr(0, content.size() / 2))).what,
              "has no readable dynamic symbol table");
    std::string other = content;
    other[18] = '\x2b'; // e_machine: SPARC V9
    other[19] = '\0';
    EXPECT_NE(
        error(file("other.so", other)).what.find("is built for ELF machine 43 (64-bit), faultline for "),
        std::string::npos);
    std::string executable = content;
    executable[16] = 2; // e_type: ET_EXEC
    EXPECT_EQ(error(file("exec.so", executable)).what, "is not a shared object");
}
#endif

TEST_F(RegistryTest, LibraryThatCrashesOrHangsOnLoadIsADataErrorThatSaysSo) {
    using namespace std::chrono_literals;
    const fs::path program = worker(R"({"resolved": {"malloc": "/x"}})");
    const auto crashed = registry::identify(program, wrong("crashes"), 10s);
    ASSERT_FALSE(crashed);
    EXPECT_EQ(crashed.error().status, Exit::data);
    EXPECT_NE(crashed.error().what.find("died of SIGABRT"), std::string::npos) << crashed.error().line();
    const auto hung = registry::identify(program, wrong("hangs"), 100ms);
    ASSERT_FALSE(hung);
    EXPECT_NE(hung.error().what.find("did not finish within 100 ms"), std::string::npos)
        << hung.error().line();
}

TEST_F(RegistryTest, BannerOfALibraryDoesNotHideTheAnswer) {
    const auto identity =
        registry::identify(worker(R"({"resolved": {"malloc": "/x"}, "versions": {"mi_version": 209}})"),
                           wrong("prints"), std::chrono::seconds(10));
    ASSERT_TRUE(identity) << identity.error().line();
    EXPECT_EQ(identity->resolved.at("malloc"), "/x");
    EXPECT_EQ(identity->versions.at("mi_version"), "209");
}

TEST_F(RegistryTest, AnswerThatIsNotThePromisedJsonIsAnError) {
    for (const char* answer : {"", "hello", "{\"resolved\": {", "[1]", "{\"resolved\": 3}", "{}"}) {
        EXPECT_FALSE(registry::identify(worker(answer), {}, std::chrono::seconds(10))) << answer;
    }
    EXPECT_EQ(registry::identify("/nonexistent/worker", {}, std::chrono::seconds(10)).error().status,
              Exit::unavailable);
}

TEST_F(RegistryTest, SearchTakesTheFirstPatternThatMatchesAndItsHighestVersion) {
    file("lib/llvm-9/libx.so", "");
    file("lib/llvm-14/libx.so", "");
    file("lib/liby.so", "");
    const std::vector<fs::path> directories = {directory_ / "none", directory_ / "lib"};
    const std::string_view patterns[] = {"libx.so.2", "llvm-*/libx.so", "liby.so"};
    EXPECT_EQ(registry::search(patterns, directories), fs::canonical(directory_ / "lib/llvm-14/libx.so"));
    const std::string_view nothing[] = {"libz.so*"};
    EXPECT_EQ(registry::search(nothing, directories), std::nullopt);
}

TEST_F(RegistryTest, SearchSkipsADanglingLink) {
    fs::create_symlink("nowhere", directory_ / "libx.so.2");
    file("libx.so", "");
    const std::vector<fs::path> directories = {directory_};
    const std::string_view patterns[] = {"libx.so.2", "libx.so"};
    EXPECT_EQ(registry::search(patterns, directories), fs::canonical(directory_ / "libx.so"));
}

TEST_F(RegistryTest, OnlyTheLibraryMayAnswerTheMallocFamily) {
    const Allocator allocator{"x", file("libx.so", ""), true, "", "", ""};
    fs::create_symlink("libx.so", directory_ / "link.so");
    EXPECT_EQ(registry::judge_resolution(allocator, "malloc", allocator.path.string()), "");
    EXPECT_EQ(registry::judge_resolution(allocator, "malloc", (directory_ / "link.so").string()), "");
    EXPECT_EQ(
        registry::judge_resolution(allocator, "operator new", "/usr/lib/x86_64-linux-gnu/libstdc++.so.6"),
        "");
    EXPECT_EQ(registry::judge_resolution(allocator, "operator delete", "/usr/lib/libc++.so.1"), "");
    EXPECT_EQ(registry::judge_resolution(allocator, "memalign", "/lib/libc.so.6"),
              "memalign is answered by /lib/libc.so.6, not by " + allocator.path.string());
    EXPECT_NE(registry::judge_resolution(allocator, "malloc", "/usr/lib/x86_64-linux-gnu/libstdc++.so.6"),
              "");
    EXPECT_NE(registry::judge_resolution(allocator, "operator new", "/lib/libc.so.6"), "");
    EXPECT_EQ(registry::judge_resolution(allocator, "free", ""), "free is answered by nobody");
}

// With the real worker, as every command asks. Not in sanitized builds: their run-time is malloc whatever is
// preloaded.
#ifndef FAULTLINE_SANITIZED
TEST_F(RegistryTest, SystemIsTheLibcThatThisProcessRunsOnAndIsNotPreloaded) {
    const auto found = registry::find("system");
    ASSERT_TRUE(found) << found.error().line();
    EXPECT_FALSE(found->preload);
    EXPECT_EQ(found->version, ::gnu_get_libc_version());
    EXPECT_EQ(found->path.filename(), "libc.so.6");
    EXPECT_EQ(found->sha256.size(), 64U);
}

TEST_F(RegistryTest, FaultlinesOwnLibrariesAreFoundBesideIt) {
    for (const char* name : {"slabuddy", "slabuddy-checked", "null"}) {
        const auto found = registry::find(name);
        ASSERT_TRUE(found) << found.error().line();
        EXPECT_EQ(found->path.parent_path(), fs::canonical(faultline::layout::libraries())) << name;
    }
}

TEST_F(RegistryTest, LibraryNamedByPathKeepsTheUsersNameAndResolvesLinks) {
    fs::create_symlink(faultline::layout::libraries() / "libslabuddy.so", directory_ / "mine.so");
    const auto found = registry::find("mine=" + (directory_ / "mine.so").string());
    ASSERT_TRUE(found) << found.error().line();
    EXPECT_EQ(found->name, "mine");
    EXPECT_TRUE(found->preload);
    EXPECT_EQ(found->path, fs::canonical(faultline::layout::libraries() / "libslabuddy.so"));
    EXPECT_EQ(found->version_source, "sb_version()");
    EXPECT_NE(found->version, "");
}

TEST_F(RegistryTest, KnownAllocatorMayBearASecondName) {
    const auto system = registry::find("again=system");
    ASSERT_TRUE(system) << system.error().line();
    EXPECT_EQ(system->name, "again");
    EXPECT_FALSE(system->preload);
    const auto slabuddy = registry::find("again=slabuddy");
    ASSERT_TRUE(slabuddy) << slabuddy.error().line();
    EXPECT_EQ(slabuddy->path, registry::find("slabuddy")->path);
    EXPECT_TRUE(slabuddy->preload);
}

TEST_F(RegistryTest, LibraryThatLeavesPartOfTheFamilyToLibcIsRefused) {
    const auto found = registry::find("x=" + wrong("mixes-heaps").string());
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().status, Exit::data);
    EXPECT_NE(found.error().what.find("is answered by "), std::string::npos) << found.error().line();
}

TEST_F(RegistryTest, EveryKnownAllocatorIsFoundOrSaysHowToGetIt) {
    const auto all = registry::list_all();
    ASSERT_EQ(all.size(), registry::known_allocators().size());
    for (const registry::Listed& listed : all) {
        if (listed.allocator) {
            EXPECT_EQ(listed.allocator->name, listed.known->name);
            EXPECT_TRUE(listed.allocator->path.is_absolute()) << listed.known->name;
        } else {
            EXPECT_EQ(listed.allocator.error().status, Exit::unavailable) << listed.allocator.error().line();
            EXPECT_FALSE(listed.allocator.error().remedy.empty()) << listed.known->name;
        }
    }
}
#endif
