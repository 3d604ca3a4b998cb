#include "harness/stress/campaign.hpp"

#include "harness/stress/promises.hpp"
#include "workloads/stress/catalog.hpp"
#include "workloads/stress/voice.hpp"

#include <algorithm>

namespace faultline::stress {
namespace {

Task task_for(const Plan& plan, const Check& check, const registry::Allocator& allocator) {
    Task task;
    task.seed = plan.seed;
    task.seconds = check.seconds > 0 ? plan.seconds.value_or(check.seconds) : 0;
    task.artifacts = plan.artifacts.empty() ? "" : (plan.artifacts / allocator.name).string();
    task.trace = plan.trace.string();
    return task;
}

// The digests of a check's results against the C library's, which is run for that where it is not among them. False when the
// user stopped it.
Result<bool> compare_digests(const Plan& plan, const Check& check, const Settings& settings,
                             std::span<CheckResult> row) {
    std::vector<Judged> judged;
    std::vector<std::optional<std::string>> digests;
    std::optional<std::size_t> reference_at;
    for (std::size_t i = 0; i < row.size(); ++i) {
        judged.push_back(row[i].judged);
        digests.push_back(first_said(row[i].seen, word::digest));
        if (!plan.allocators[row[i].allocator].preload) {
            reference_at = i;
        }
    }
    std::optional<std::string> reference;
    if (reference_at) {
        reference = digests[*reference_at];
        judge_reference(judged[*reference_at], row.size() - 1);
    } else {
        const auto seen = run_check(check, task_for(plan, check, plan.reference), plan.reference, settings);
        if (!seen) {
            return tl::unexpected(seen.error());
        }
        if (seen->stopped) {
            return false;
        }
        reference = first_said(*seen, word::digest);
    }
    judge_digests(judged, digests, reference);
    for (std::size_t i = 0; i < row.size(); ++i) {
        row[i].judged = judged[i];
    }
    return true;
}

// What could not be tried, or not all of it, though the user insists on it has not held.
void insist(const Plan& plan, const Check& check, Judged& judged) {
    if (std::none_of(plan.to_be_tried.begin(), plan.to_be_tried.end(),
                     [&](const std::string& pattern) { return means(pattern, check.name); })) {
        return;
    }
    if (judged.verdict == Verdict::skipped) {
        judged.verdict = Verdict::broken;
        judged.why = "not tried: " + judged.why;
    } else if (judged.outcome == Outcome::partly) {
        judged.verdict = Verdict::broken;
        judged.why = "not tried in full: " + judged.why;
    }
}

// The last word on a result, once it is judged.
void conclude(const Plan& plan, CheckResult& result, Observer& observer) {
    const Check& check = *plan.checks[result.check];
    insist(plan, check, result.judged);
    result.finding = find_known(plan.findings, check, plan.allocators[result.allocator], result.judged);
    observer.check_ended(plan, result);
}

} // namespace

Result<Campaign> run_campaign(const Plan& plan, const Settings& settings, Observer& observer) {
    Campaign campaign;
    for (std::size_t c = 0; c < plan.checks.size(); ++c) {
        const Check& check = *plan.checks[c];
        const std::size_t row = campaign.results.size();
        for (std::size_t a = 0; a < plan.allocators.size(); ++a) {
            const registry::Allocator& allocator = plan.allocators[a];
            CheckResult result{c, a, task_for(plan, check, allocator), {}, {}};
            observer.check_starts(plan, c, a);
            auto seen = run_check(check, result.task, allocator, settings);
            if (!seen) {
                return tl::unexpected(seen.error());
            }
            if (seen->stopped) {
                campaign.stopped = true;
                return campaign;
            }
            result.seen = std::move(*seen);
            result.judged = judge(check, result.seen, allocator,
                                  promises_to_stop(allocator.name, check.name, plan.required));
            campaign.results.push_back(std::move(result));
            if (check.kind() != Kind::differential) {
                conclude(plan, campaign.results.back(), observer);
            }
        }
        if (check.kind() == Kind::differential) { // judged when all have ended
            const std::span<CheckResult> results = std::span(campaign.results).subspan(row);
            const auto compared = compare_digests(plan, check, settings, results);
            if (!compared) {
                return tl::unexpected(compared.error());
            }
            if (!*compared) {
                campaign.stopped = true;
                return campaign;
            }
            for (CheckResult& result : results) {
                conclude(plan, result, observer);
            }
        }
    }
    return campaign;
}

} // namespace faultline::stress
