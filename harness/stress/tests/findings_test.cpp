#include "harness/stress/findings.hpp"

#include "workloads/stress/catalog.hpp"

#include <gtest/gtest.h>

using namespace faultline;
using namespace faultline::stress;

namespace {

constexpr const char* good = R"([[finding]]
allocator = "mine"
version = "1.*"
checks = ["conformance.calloc-overflow", "random.operations"]
why = ["byte * is not zero", "gave [[]null]"]
explanation = "it forgets"
confirmed_by = "forgets"
)";

// The line of the only mistake of `good` with one of its lines replaced.
std::string mistake(const std::string& line, const std::string& by) {
    std::string text = good;
    text.replace(text.find(line), line.size(), by);
    const auto findings = parse_findings(text, "f.toml");
    return findings ? "none" : findings.error().line();
}

Judged broken(std::string why) {
    return {Outcome::failed, Verdict::broken, std::move(why)};
}

bool is_known(std::span<const Finding> findings, const char* allocator, const char* version,
              const char* check, const Judged& judged) {
    const registry::Allocator named{allocator, "/x.so", true, version, "", ""};
    return find_known(findings, *find_check(check), named, judged).has_value();
}

} // namespace

TEST(Findings, AreRead) {
    const auto findings = parse_findings(good, "f.toml");
    ASSERT_TRUE(findings) << findings.error().line();
    ASSERT_EQ(findings->size(), 1U);
    EXPECT_EQ(findings->front().checks.size(), 2U);
    EXPECT_EQ(findings->front().told(), "it forgets (confirmed by stress_confirm forgets)");
    EXPECT_EQ(mistake("confirmed_by = \"forgets\"", "source = \"https://x\"\nsometimes = true"), "none");
    EXPECT_TRUE(parse_findings("", "f.toml")); // nothing is known
}

TEST(Findings, TellAMistakeWithItsLine) {
    EXPECT_TRUE(
        mistake("version = \"1.*\"", "version = 1").starts_with("f.toml:3: `version` is not a string"));
    EXPECT_TRUE(mistake("version = \"1.*\"", "version = \"\"")
                    .starts_with("f.toml:3: this finding has no `version`"));
    EXPECT_TRUE(mistake("version = \"1.*\"\n", "").starts_with("f.toml:1: this finding has no `version`"));
    EXPECT_TRUE(mistake("version", "versions").starts_with("f.toml:3: unknown key `versions`"));
    EXPECT_TRUE(mistake("version = \"1.*\"", "version = ").starts_with("f.toml:3: "));
    EXPECT_TRUE(mistake("random.operations", "random.opera")
                    .starts_with("f.toml:4: no check is named `random.opera`"));
    EXPECT_TRUE(
        mistake("\"random.operations\"", "\n3").starts_with("f.toml:5: `checks` holds what is not a string"));
    EXPECT_TRUE(mistake("why = [", "why = []\n#").starts_with("f.toml:5: this finding has no `why`"));
    EXPECT_TRUE(
        mistake("gave [[]null]", "*").starts_with("f.toml:5: `why` matches any failure of the check"));
    EXPECT_TRUE(mistake("explanation = \"it forgets\"\n", "")
                    .starts_with("f.toml:1: this finding has no `explanation`"));
    EXPECT_TRUE(mistake("confirmed_by = \"forgets\"", "")
                    .starts_with("f.toml:1: this finding has neither `source` nor `confirmed_by`"));
    EXPECT_TRUE(mistake("confirmed_by = \"forgets\"", "source = \"s\"\nsometimes = 1")
                    .starts_with("f.toml:8: `sometimes` is not true or false"));
    EXPECT_TRUE(
        mistake("[[finding]]", "[finding]").starts_with("f.toml:1: `finding` is not a list of tables"));
    EXPECT_TRUE(mistake("[[finding]]", "[[findings]]").starts_with("f.toml:1: unknown key `findings`"));
    EXPECT_EQ(load_findings("/nonexistent/f.toml").error().status, Exit::no_input);
}

TEST(Findings, KnowThatOfThisVersionAndOfTheseWordsAlone) {
    const auto findings = *parse_findings(good, "f.toml");
    const char* check = "random.operations";
    EXPECT_TRUE(is_known(findings, "mine", "1.2", check, broken("byte 7 is not zero")));
    EXPECT_TRUE(is_known(findings, "mine", "1.2", check, broken("gave [null]")));
    EXPECT_FALSE(is_known(findings, "mine", "1.2", check, broken("byte 7 is not zero, and hung")));
    EXPECT_FALSE(is_known(findings, "mine", "1.2", check, broken("not tried: byte 7 is not zero")));
    EXPECT_FALSE(is_known(findings, "mine", "2.1", check, broken("byte 7 is not zero")));
    EXPECT_FALSE(is_known(findings, "mine", "", check, broken("byte 7 is not zero")));
    EXPECT_FALSE(is_known(findings, "yours", "1.2", check, broken("byte 7 is not zero")));
    EXPECT_FALSE(is_known(findings, "mine", "1.2", "random.forks", broken("byte 7 is not zero")));
}

TEST(Findings, AreOfPromisesAndExpectations) {
    const auto findings = *parse_findings(good, "f.toml");
    const Judged short_of{Outcome::failed, Verdict::information, "byte 7 is not zero"};
    EXPECT_TRUE(is_known(findings, "mine", "1.2", "random.operations", short_of));
    const Judged skipped{Outcome::skipped, Verdict::skipped, "byte 7 is not zero"};
    EXPECT_FALSE(is_known(findings, "mine", "1.2", "random.operations", skipped));
    std::string text = good;
    text.replace(text.find("random.operations"), 17, "misuse.free-stack");
    const Judged misuse{Outcome::stopped, Verdict::information, "byte 7 is not zero"};
    EXPECT_FALSE(is_known(*parse_findings(text, "f.toml"), "mine", "1.2", "misuse.free-stack", misuse));
}

// The table that is installed, on what was seen of those versions and on what would be something else.
TEST(Findings, OfTheTableAreNarrow) {
    const auto findings = load_findings(FAULTLINE_FINDINGS);
    ASSERT_TRUE(findings) << findings.error().line();
    ASSERT_GE(findings->size(), 20U);
    struct Seen {
        const char* allocator;
        const char* version;
        const char* check;
        const char* known;
        const char* fresh;
    };
    const char* jemalloc = "5.3.0-0-g54eaed1d8b56b1aa528be3bdd1877e59c56fa90c";
    const Seen all[] = {
        {"jemalloc", jemalloc, "conformance.failure-sets-errno",
         "errno is not ENOMEM when these fail: realloc",
         "errno is not ENOMEM when these fail: malloc, realloc"},
        {"jemalloc", jemalloc, "differential.calls", "differs from the C library in refused",
         "differs from the C library in contents, refused"},
        {"jemalloc", jemalloc, "faults.mmap",
         "where from the 22. on every mmap fails, the program was killed by SIGSEGV",
         "where from the 22. on every mmap fails, the program was killed by SIGABRT: out of memory"},
        {"mimalloc", "2.0.9", "conformance.alignments",
         "posix_memalign of 256 bytes to 256 gave 0x2026c150580, which is not aligned",
         "posix_memalign of 256 bytes to 256 gave 0x2026c150540, which is not aligned"},
        {"mimalloc", "2.0.9", "random.operations",
         "aligned_alloc of 1024 bytes at 0x3f072040980: is not aligned to 1024 (seed 8, episode 0, planned "
         "order, step "
         "78, thread 1)",
         "aligned_alloc of 2048 bytes at 0x3f072040980: is not aligned to 2048 (seed 8, episode 0, planned "
         "order, step "
         "78, thread 1)"},
        {"mimalloc", "2.0.9", "conformance.new-throws", "SIGABRT",
         "SIGABRT: mimalloc: error: corrupted free list"},
        {"tcmalloc", "gperftools 2.10", "differential.calls", "differs from the C library in refused",
         "differs from the C library in errno, refused"},
        {"tbbmalloc", "2.8", "conformance.fork-beside-threads",
         "the child of fork 113 did not end within 20 s", "the child of fork 113 was killed by SIGSEGV"},
        {"tbbmalloc", "2.8", "conformance.realloc-failure-keeps-content",
         "realloc of 30000000 bytes at 0x7f08b3819d80 to 18446744073709547520 gave 0x7f08b3819d80",
         "realloc of 100 bytes at 0x7f08b3819d80 to 18446744073709547520 gave 0x7f08b3819d80"},
        {"scudo", "14.0.6", "conformance.reservations",
         "SIGABRT: Scudo ERROR: internal map failure (NO MEMORY) requesting 33554436KB",
         "SIGABRT: Scudo ERROR: corrupted chunk header at address 0x7f08b3819d80"},
        {"scudo", "14.0.6", "random.operations",
         "operator delete of 0 bytes at 0x7f62632b5010: changed errno to 11 (seed 2, episode 15, free order, "
         "step 2453, "
         "thread 3)",
         "operator delete of 0 bytes at 0x7f62632b5010: byte 3 is not as it was written (seed 2, episode 15, "
         "free "
         "order, step 2453, thread 3)"},
        {"scudo", "14.0.6", "random.forks",
         "free of 0 bytes at 0x7f223dc5a000: changed errno to 11 (seed 8, episode 3, free order, step 4163, "
         "thread 1)",
         "free of 0 bytes at 0x7f223dc5a000: changed errno to 12 (seed 8, episode 3, free order, step 4163, "
         "thread "
         "1)"},
    };
    for (const Seen& seen : all) {
        SCOPED_TRACE(std::string(seen.allocator) + " " + seen.check);
        EXPECT_TRUE(is_known(*findings, seen.allocator, seen.version, seen.check, broken(seen.known)));
        EXPECT_FALSE(is_known(*findings, seen.allocator, seen.version, seen.check, broken(seen.fresh)));
        EXPECT_FALSE(is_known(*findings, seen.allocator, "99", seen.check, broken(seen.known)));
        EXPECT_FALSE(is_known(*findings, "slabuddy", seen.version, seen.check, broken(seen.known)));
    }
}
