#include "harness/stress/document.hpp"

#include "harness/stress/promises.hpp"
#include "workloads/stress/voice.hpp"

#include <charconv>

namespace faultline::stress {
namespace {

Json texts(const Observed& seen, std::string_view word) {
    Json all = Json::array();
    for (const Said& said : seen.said) {
        if (said.word == word) {
            all.push_back(said.text);
        }
    }
    return all;
}

Json figures(const Observed& seen) {
    Json all = Json::object();
    for (const Said& said : seen.said) {
        const std::size_t space = said.text.find(' ');
        std::uint64_t value = 0;
        if (said.word == word::figure && space != std::string::npos &&
            std::from_chars(said.text.data() + space + 1, said.text.data() + said.text.size(), value).ec ==
                std::errc{}) {
            all[said.text.substr(0, space)] = value;
        }
    }
    return all;
}

template <typename T>
Json or_null(const std::optional<T>& value) {
    return value ? Json(*value) : Json(nullptr);
}

Json known_json(const Plan& plan, const CheckResult& result) {
    if (!result.finding) {
        return nullptr;
    }
    const Finding& finding = plan.findings[*result.finding];
    return {{"explanation", finding.explanation},
            {"source", finding.source},
            {"confirmed_by", finding.confirmed_by}};
}

Json result_json(const Plan& plan, const CheckResult& result) {
    const Check& check = *plan.checks[result.check];
    const std::string& allocator = plan.allocators[result.allocator].name;
    const Observed& seen = result.seen;
    return {
        {"check", check.name},
        {"allocator", allocator},
        {"outcome", outcome_name(result.judged.outcome)},
        {"verdict", verdict_name(result.judged.verdict)},
        {"promised", check.kind() != Kind::misuse || promises_to_stop(allocator, check.name, plan.required)},
        {"why", result.judged.why},
        {"known", known_json(plan, result)},
        {"notes", texts(seen, word::note)},
        {"figures", figures(seen)},
        {"digest", or_null(first_said(seen, word::digest))},
        {"artifacts", texts(seen, word::artifact)},
        {"exit",
         {{"status", or_null(seen.exit.status)},
          {"signal", or_null(seen.exit.signal)},
          {"timed_out", seen.timed_out}}},
        {"stderr", seen.stderr_tail},
        {"orphans", seen.orphans},
        {"seed", result.task.seed},
        {"seconds", result.task.seconds},
        {"duration_ns", seen.duration_ns}};
}

} // namespace

Counts count(const Campaign& campaign, std::size_t allocator) {
    Counts counts;
    for (const CheckResult& result : campaign.results) {
        if (result.allocator == allocator) {
            switch (result.judged.verdict) {
            case Verdict::ok:
                ++counts.ok;
                break;
            case Verdict::broken:
                ++counts.broken;
                counts.fresh += result.is_new() ? 1 : 0;
                break;
            case Verdict::information:
                ++counts.information;
                break;
            case Verdict::skipped:
                ++counts.skipped;
                break;
            }
        }
    }
    return counts;
}

Json document_json(const Surroundings& around, const Plan& plan, const Campaign& campaign) {
    Json checks = Json::array();
    for (const Check* check : plan.checks) {
        checks.push_back({{"name", check->name},
                          {"kind", kind_name(check->kind())},
                          {"promise", check->promise},
                          {"by", check->by},
                          {"time_limit_s", check->time_limit_s}});
    }
    Json results = Json::array();
    for (const CheckResult& result : campaign.results) {
        results.push_back(result_json(plan, result));
    }
    Json summary = Json::array();
    for (std::size_t a = 0; a < plan.allocators.size(); ++a) {
        const Counts counts = count(campaign, a);
        summary.push_back({{"allocator", plan.allocators[a].name},
                           {"ok", counts.ok},
                           {"broken", counts.broken},
                           {"new", counts.fresh},
                           {"information", counts.information},
                           {"skipped", counts.skipped}});
    }
    return {{"schema", schema_name},
            {"complete", !campaign.stopped},
            {"tool", around.tool},
            {"host", around.host},
            {"plan",
             {{"seed", plan.seed},
              {"environment", around.environment},
              {"required_misuse", plan.required},
              {"to_be_tried", plan.to_be_tried},
              {"accept_known", plan.accept_known},
              {"allocators", around.allocators},
              {"checks", std::move(checks)}}},
            {"results", std::move(results)},
            {"summary", std::move(summary)}};
}

} // namespace faultline::stress
