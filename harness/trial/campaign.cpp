#include "harness/trial/campaign.hpp"

#include "base/time.hpp"
#include "harness/trial/validity.hpp"

#include <algorithm>
#include <set>

namespace faultline::trial {
namespace {

using Probes = std::span<const std::unique_ptr<probes::Probe>>;

class Campaign {
  public:
    Campaign(const plan::Plan& plan, const Settings& settings, results::Document& document,
             const std::filesystem::path& output, Observer& observer)
        : plan_(plan), settings_(settings), document_(document), output_(output), observer_(observer) {}

    // The rounds, then one trial for each pair with `counting`, unless that is empty.
    Result<CampaignEnd> run(Probes timing, Probes counting) {
        total_ = plan_.trials() + (counting.empty() ? 0 : plan_.trials(plan_.first_round));
        for (unsigned round = 0; round < plan_.rounds; ++round) {
            auto trials = run_round(plan::draw_round(plan_, plan_.first_round + round), timing);
            if (!trials) {
                return tl::unexpected(trials.error());
            }
            if (end_.stopped) {
                return end_;
            }
            keep(std::move(*trials), round, counting.empty());
            if (auto written = results::write(document_, output_); !written) {
                return tl::unexpected(written.error());
            }
            observer_.round_ended(document_.rounds_whole);
        }
        return counting.empty() ? end_ : count(counting);
    }

  private:
    Result<std::vector<results::TrialResult>> run_round(const std::vector<plan::TrialSpec>& specs,
                                                        Probes probes) {
        std::vector<results::TrialResult> trials;
        for (const plan::TrialSpec& spec : specs) {
            observer_.trial_starts(spec, done_, total_);
            auto outcome = trial::run(plan_, spec, settings_, probes);
            if (!outcome) {
                return tl::unexpected(outcome.error());
            }
            if (outcome->stopped) {
                end_.stopped = true;
                break;
            }
            ++done_;
            observer_.trial_ended(outcome->result);
            trials.push_back(std::move(outcome->result));
        }
        judge_checksums(trials);
        return trials;
    }

    void keep(std::vector<results::TrialResult> trials, unsigned round, bool last_of_all) {
        for (results::TrialResult& trial : trials) {
            end_.invalid += trial.valid() ? 0 : 1;
            document_.trials.push_back(std::move(trial));
        }
        document_.rounds_whole = round + 1;
        if (last_of_all && document_.rounds_whole == plan_.rounds) {
            complete();
        }
    }

    Result<CampaignEnd> count(Probes probes) {
        observer_.counting_starts();
        auto specs = plan::draw_round(plan_, plan_.first_round);
        // A pair that never ran well would only fail, or hang, once more.
        std::set<std::pair<std::string_view, std::string_view>> ran;
        for (const results::TrialResult& trial : document_.trials) {
            if (trial.valid()) {
                ran.emplace(trial.workload, trial.allocator);
            }
        }
        std::erase_if(specs, [&](const plan::TrialSpec& spec) {
            return !ran.contains({plan_.rows[spec.row].label, plan_.arms[spec.arm].allocator.name});
        });
        auto trials = run_round(specs, probes);
        if (!trials) {
            return tl::unexpected(trials.error());
        }
        document_.counts = std::move(*trials);
        if (!end_.stopped) {
            complete();
        }
        if (auto written = results::write(document_, output_); !written) {
            return tl::unexpected(written.error());
        }
        return end_;
    }

    void complete() {
        document_.complete = true;
        document_.tool["finished"] = timestamp();
    }

    const plan::Plan& plan_;
    const Settings& settings_;
    results::Document& document_;
    const std::filesystem::path& output_;
    Observer& observer_;
    std::size_t total_ = 0;
    std::size_t done_ = 0;
    CampaignEnd end_;
};

} // namespace

Result<CampaignEnd> run_campaign(const plan::Plan& plan, const Settings& settings, Probes probes,
                                 Probing probing, results::Document& document,
                                 const std::filesystem::path& output, Observer& observer) {
    const auto first_disturbing =
        std::find_if(probes.begin(), probes.end(), [](const auto& probe) { return probe->disturbs(); });
    const auto quiet = static_cast<std::size_t>(first_disturbing - probes.begin());
    if (probing == Probing::within) {
        return Campaign(plan, settings, document, output, observer).run(probes, {});
    }
    // A run that goes on where another ended need not count again.
    const bool counts = quiet < probes.size() && plan.first_round == 0;
    return Campaign(plan, settings, document, output, observer)
        .run(probes.first(quiet), counts ? probes : Probes());
}

} // namespace faultline::trial
