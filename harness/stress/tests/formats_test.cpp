#include "harness/stress/formats.hpp"

#include "harness/stress/document.hpp"

#include <gtest/gtest.h>

using namespace faultline;
using namespace faultline::stress;

namespace {

constexpr Check promise{"conformance.thing", "it holds", "a standard", nullptr};
constexpr Check misuse{"misuse.thing", "it is done", "", nullptr};

Plan plan() {
    Plan plan;
    plan.checks = {&promise, &misuse};
    plan.allocators = {{"system", "/libc.so", false, "", "", ""}, {"a<b>", "/ab.so", true, "", "", ""}};
    plan.seed = 7;
    return plan;
}

CheckResult result(std::size_t check, std::size_t allocator, Judged judged) {
    CheckResult made{check, allocator, {}, {}, std::move(judged)};
    made.task.seed = 7;
    made.seen.duration_ns = 1'500'000'000;
    made.seen.exit.status = 0;
    return made;
}

Campaign campaign() {
    Campaign campaign;
    campaign.results = {result(0, 0, {}),
                        result(0, 1, {Outcome::failed, Verdict::broken, "byte 3 is \"0x01\" & <not> # zero"}),
                        result(1, 0, {Outcome::stopped, Verdict::information, "double free"}),
                        result(1, 1, {Outcome::skipped, Verdict::skipped, "not here"})};
    campaign.results[1].seen.said = {
        {"note", "first"}, {"figure", "bytes 12"}, {"figure", "odd"}, {"artifact", "/t"}};
    return campaign;
}

// The same, but what is broken is known.
std::pair<Plan, Campaign> known_campaign(bool accepted) {
    std::pair<Plan, Campaign> both{plan(), campaign()};
    both.first.findings = {{"a<b>", "*", {"conformance.thing"}, {"byte *"}, "it # forgets", "https://x", ""}};
    both.first.accept_known = accepted;
    both.second.results[1].finding = 0;
    return both;
}

} // namespace

TEST(Tap, IsWhatItsReadersExpect) {
    EXPECT_EQ(tap(plan(), campaign()), "TAP version 13\n"
                                       "1..4\n"
                                       "ok 1 - system conformance.thing\n"
                                       "not ok 2 - a<b> conformance.thing\n"
                                       "  ---\n"
                                       "  outcome: failed\n"
                                       "  why: \"byte 3 is \\\"0x01\\\" & <not> # zero\"\n"
                                       "  finding: \"new\"\n"
                                       "  seed: 7\n"
                                       "  duration_s: 1.500\n"
                                       "  ...\n"
                                       "ok 3 - system misuse.thing (stopped)\n"
                                       "ok 4 - a<b> misuse.thing # SKIP not here\n");
}

TEST(Tap, SaysWhatIsKnownAndLetsItPassWhereItIsAccepted) {
    const auto [plan, campaign] = known_campaign(false);
    const std::string text = tap(plan, campaign);
    EXPECT_NE(text.find("\nnot ok 2 - a<b> conformance.thing\n"), std::string::npos) << text;
    EXPECT_NE(text.find("\n  finding: \"known: it # forgets (https://x)\"\n"), std::string::npos) << text;
    EXPECT_TRUE(fails(plan, campaign.results[1]));
    const auto [accepting, accepted] = known_campaign(true);
    EXPECT_NE(tap(accepting, accepted)
                  .find("\nnot ok 2 - a<b> conformance.thing # TODO known: it . forgets (https://x)\n"),
              std::string::npos)
        << tap(accepting, accepted);
    EXPECT_FALSE(fails(accepting, accepted.results[1]));
    CheckResult fresh = accepted.results[1];
    fresh.finding.reset();
    EXPECT_TRUE(fails(accepting, fresh));
}

TEST(Tap, SaysThatItWasStopped) {
    Campaign stopped = campaign();
    stopped.stopped = true;
    EXPECT_TRUE(tap(plan(), stopped).ends_with("Bail out! stopped by the user\n"));
}

TEST(Junit, CountsAndQuotes) {
    const std::string text = junit(plan(), campaign());
    EXPECT_NE(
        text.find("<testsuite name=\"a&lt;b&gt;\" tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"1\" "
                  "time=\"3.000\">"),
        std::string::npos)
        << text;
    EXPECT_NE(text.find("<failure type=\"failed\" message=\"byte 3 is &quot;0x01&quot; &amp; &lt;not&gt; # "
                        "zero (new)\">"),
              std::string::npos);
    EXPECT_NE(text.find("<skipped message=\"not here\"/>"), std::string::npos);
}

TEST(Junit, SkipsWhatIsKnownWhereItIsAccepted) {
    const auto [plan, campaign] = known_campaign(false);
    EXPECT_NE(junit(plan, campaign).find("# zero (known: it # forgets (https://x))\">"), std::string::npos);
    EXPECT_NE(junit(plan, campaign).find("failures=\"1\" errors=\"0\" skipped=\"1\""), std::string::npos);
    const auto [accepting, accepted] = known_campaign(true);
    EXPECT_NE(junit(accepting, accepted).find("failures=\"0\" errors=\"0\" skipped=\"2\""),
              std::string::npos);
    EXPECT_EQ(junit(accepting, accepted).find("<failure"), std::string::npos);
}

TEST(StressDocument, SaysWhatIsKnown) {
    const Surroundings around{Json::object(), Json::object(), Json::array(), Json::object()};
    const auto [plan, campaign] = known_campaign(true);
    const Json document = document_json(around, plan, campaign);
    EXPECT_EQ(document["plan"]["accept_known"], true);
    EXPECT_EQ(document["results"][1]["verdict"], "broken"); // all the same
    EXPECT_EQ(document["results"][1]["known"]["explanation"], "it # forgets");
    EXPECT_EQ(document["results"][1]["known"]["source"], "https://x");
    EXPECT_EQ(document["summary"][1]["broken"], 1);
    EXPECT_EQ(document["summary"][1]["new"], 0);
}

TEST(StressDocument, HoldsWhatCame) {
    const Surroundings around{Json::object(), Json::object(), Json::array(), Json::object()};
    const Json document = document_json(around, plan(), campaign());
    EXPECT_EQ(document["schema"], "faultline-stress/1");
    EXPECT_EQ(document["complete"], true);
    EXPECT_EQ(document["plan"]["checks"][1]["kind"], "misuse");
    const Json& broken = document["results"][1];
    EXPECT_EQ(broken["outcome"], "failed");
    EXPECT_EQ(broken["verdict"], "broken");
    EXPECT_EQ(broken["notes"], Json({"first"}));
    EXPECT_EQ(broken["figures"], Json({{"bytes", 12}}));
    EXPECT_EQ(broken["artifacts"], Json({"/t"}));
    EXPECT_EQ(document["results"][2]["promised"], false);
    EXPECT_EQ(broken["known"], nullptr);
    EXPECT_EQ(document["summary"][1]["broken"], 1);
    EXPECT_EQ(document["summary"][1]["new"], 1);
    EXPECT_EQ(document["summary"][1]["skipped"], 1);
}
