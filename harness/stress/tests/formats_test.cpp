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

} // namespace

TEST(Tap, IsWhatItsReadersExpect) {
    EXPECT_EQ(tap(plan(), campaign()), "TAP version 13\n"
                                       "1..4\n"
                                       "ok 1 - system conformance.thing\n"
                                       "not ok 2 - a<b> conformance.thing\n"
                                       "  ---\n"
                                       "  outcome: failed\n"
                                       "  why: \"byte 3 is \\\"0x01\\\" & <not> # zero\"\n"
                                       "  seed: 7\n"
                                       "  duration_s: 1.500\n"
                                       "  ...\n"
                                       "ok 3 - system misuse.thing (stopped)\n"
                                       "ok 4 - a<b> misuse.thing # SKIP not here\n");
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
    EXPECT_NE(
        text.find(
            "<failure type=\"failed\" message=\"byte 3 is &quot;0x01&quot; &amp; &lt;not&gt; # zero\">"),
        std::string::npos);
    EXPECT_NE(text.find("<skipped message=\"not here\"/>"), std::string::npos);
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
    EXPECT_EQ(document["summary"][1]["broken"], 1);
    EXPECT_EQ(document["summary"][1]["skipped"], 1);
}
