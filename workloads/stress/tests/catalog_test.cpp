#include "workloads/stress/catalog.hpp"
#include "workloads/stress/voice.hpp"
#include "workloads/stress/voice_setup.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>
#include <sys/wait.h>
#include <unistd.h>

using namespace faultline;
using namespace faultline::stress;

TEST(Catalog, NamesAreUniqueAndBeginWithTheirKind) {
    std::set<std::string_view> names;
    for (const Check* check : all_checks()) {
        EXPECT_TRUE(names.insert(check->name).second) << check->name;
        EXPECT_TRUE(check->name.starts_with(std::string(kind_name(check->kind())) + ".")) << check->name;
        EXPECT_EQ(check->name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-."),
                  std::string_view::npos)
            << check->name;
    }
}

TEST(Catalog, EachSaysWhatIsPromisedAndByWhom) {
    for (const Check* check : all_checks()) {
        EXPECT_FALSE(check->promise.empty() || check->promise.ends_with('.')) << check->name;
        EXPECT_EQ(check->by.empty(), check->kind() == Kind::misuse) << check->name;
        EXPECT_GT(check->time_limit_s, 0U) << check->name;
        EXPECT_NE(check->run, nullptr) << check->name;
    }
}

TEST(SelectChecks, ByNameKindAndGlob) {
    EXPECT_EQ(select_checks({})->size(), all_checks().size());
    EXPECT_EQ(select_checks({"conformance.calloc-overflow"})->size(), 1U);
    const auto misuses = select_checks({"misuse"});
    ASSERT_TRUE(misuses);
    for (const Check* check : *misuses) {
        EXPECT_EQ(check->kind(), Kind::misuse);
    }
    const auto some = select_checks({"*.calloc-*", "misuse.free-stack"});
    EXPECT_GE(some->size(), 3U);
    EXPECT_EQ(some->back()->name, "misuse.free-stack");
}

TEST(SelectChecks, ANameThatIsNoneIsAnsweredWithTheNearest) {
    const auto chosen = select_checks({"conformance.calloc-overfow"});
    ASSERT_FALSE(chosen);
    EXPECT_EQ(chosen.error().status, Exit::usage);
    EXPECT_NE(chosen.error().line().find("did you mean \"conformance.calloc-overflow\""), std::string::npos);
}

namespace {

// What a child says while it runs `speak`, and its exit status.
std::pair<std::string, int> said_by(void (*speak)()) {
    int ends[2];
    if (::pipe(ends) != 0) {
        return {"no pipe", -1};
    }
    const pid_t pid = ::fork();
    if (pid == 0) {
        set_report_fd(ends[1]);
        speak();
        ::_exit(0);
    }
    ::close(ends[1]);
    std::string text;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
        text.append(buffer, static_cast<std::size_t>(n));
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(pid, &status, 0);
    return {text, WEXITSTATUS(status)};
}

} // namespace

TEST(Voice, SaysOneLineEach) {
    const auto [text, status] = said_by([] {
        note("two\nlines of %d", 5);
        figure("bytes", 7);
        say_end();
    });
    EXPECT_EQ(text, "note two lines of 5\nfigure bytes 7\nend \n");
    EXPECT_EQ(status, 0);
}

TEST(Voice, FailAndSkipEndTheProcess) {
    EXPECT_EQ(said_by([] { fail("at byte %d", 3); }),
              std::pair(std::string("failed at byte 3\n"), status_failed));
    EXPECT_EQ(said_by([] { skip("no room"); }), std::pair(std::string("skipped no room\n"), status_skipped));
}

TEST(Voice, CutsWhatIsTooLong) {
    const auto [text, status] = said_by([] { note("%s", std::string(5000, 'x').c_str()); });
    EXPECT_LT(text.size(), 2000U);
    EXPECT_TRUE(text.ends_with("xx\n"));
}
