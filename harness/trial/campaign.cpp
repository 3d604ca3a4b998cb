#include "harness/trial/campaign.hpp"

#include "base/time.hpp"
#include "harness/trial/validity.hpp"

namespace faultline::trial {

Result<CampaignEnd> run_campaign(const plan::Plan& plan, const Settings& settings,
                                 std::span<const std::unique_ptr<probes::Probe>> probes,
                                 results::Document& document, const std::filesystem::path& output,
                                 Observer& observer) {
    CampaignEnd end;
    const std::size_t per_round = plan.rows.size() * plan.arms.size() - plan.skips.size();
    std::size_t done = 0;
    for (unsigned index = 0; index < plan.rounds && !end.stopped; ++index) {
        std::vector<results::TrialResult> trials;
        for (const plan::TrialSpec& spec : plan::draw_round(plan, plan.first_round + index)) {
            observer.trial_starts(spec, done, per_round * plan.rounds);
            auto outcome = run(plan, spec, settings, probes);
            if (!outcome) {
                return tl::unexpected(outcome.error());
            }
            if (outcome->stopped) {
                end.stopped = true;
                break;
            }
            ++done;
            observer.trial_ended(outcome->result);
            trials.push_back(std::move(outcome->result));
        }
        if (end.stopped) {
            break;
        }
        judge_checksums(trials);
        for (results::TrialResult& trial : trials) {
            end.invalid += trial.valid() ? 0 : 1;
            document.trials.push_back(std::move(trial));
        }
        document.rounds_whole = index + 1;
        document.complete = document.rounds_whole == plan.rounds;
        if (document.complete) {
            document.tool["finished"] = timestamp();
        }
        if (auto written = results::write(document, output); !written) {
            return tl::unexpected(written.error());
        }
        observer.round_ended(document.rounds_whole);
    }
    return end;
}

} // namespace faultline::trial
