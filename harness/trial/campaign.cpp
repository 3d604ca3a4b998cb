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

    // The rounds with `timing`, then the extras: those that count with `counting`.
    Result<CampaignEnd> run(Probes timing, Probes counting, plan::Extras extras) {
        using Specs = std::vector<plan::TrialSpec>;
        const Specs counted = extras.counts ? plan::draw_round(plan_, plan_.first_round) : Specs();
        const Specs divided = extras.occupancy ? plan::draw_occupancy(plan_) : Specs();
        total_ = plan_.trials() + counted.size() + divided.size();
        for (unsigned round = 0; round < plan_.rounds; ++round) {
            auto trials = run_round(plan::draw_round(plan_, plan_.first_round + round), timing, settings_);
            if (!trials) {
                return tl::unexpected(trials.error());
            }
            if (end_.stopped) {
                return end_;
            }
            keep(std::move(*trials), round, counted.empty() && divided.empty());
            if (auto written = results::write(document_, output_); !written) {
                return tl::unexpected(written.error());
            }
            observer_.round_ended(document_.rounds_whole);
        }
        if (!counted.empty()) {
            observer_.counting_starts();
            auto ended = once_each(counted, counting, settings_, document_.counts, divided.empty());
            if (!ended || end_.stopped) {
                return ended;
            }
        }
        if (divided.empty()) {
            return end_;
        }
        observer_.occupancy_starts();
        Settings settings = settings_;
        settings.occupancy = true;
        return once_each(divided, {}, settings, document_.occupancy, true);
    }

  private:
    Result<std::vector<results::TrialResult>> run_round(const std::vector<plan::TrialSpec>& specs,
                                                        Probes probes, const Settings& settings) {
        std::vector<results::TrialResult> trials;
        for (const plan::TrialSpec& spec : specs) {
            observer_.trial_starts(spec, done_, total_);
            auto outcome = trial::run(plan_, spec, settings, probes);
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

    // One trial for each pair after the rounds, into `kept`.
    Result<CampaignEnd> once_each(std::vector<plan::TrialSpec> specs, Probes probes, const Settings& settings,
                                  std::vector<results::TrialResult>& kept, bool last_of_all) {
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
        auto trials = run_round(specs, probes, settings);
        if (!trials) {
            return tl::unexpected(trials.error());
        }
        kept = std::move(*trials);
        if (last_of_all && !end_.stopped) {
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

plan::Extras extras_of(const plan::Plan& plan, Probes probes, Apart apart) {
    if (plan.first_round > 0) {
        return {}; // a run that goes on where another ended need not do once more what is done once
    }
    const bool disturbed =
        std::any_of(probes.begin(), probes.end(), [](const auto& probe) { return probe->disturbs(); });
    return {.counts = disturbed && apart.probing == Probing::apart, .occupancy = apart.occupancy};
}

Result<CampaignEnd> run_campaign(const plan::Plan& plan, const Settings& settings, Probes probes, Apart apart,
                                 results::Document& document, const std::filesystem::path& output,
                                 Observer& observer) {
    const auto first_disturbing =
        std::find_if(probes.begin(), probes.end(), [](const auto& probe) { return probe->disturbs(); });
    const Probes quiet = probes.first(static_cast<std::size_t>(first_disturbing - probes.begin()));
    Campaign campaign(plan, settings, document, output, observer);
    return campaign.run(apart.probing == Probing::within ? probes : quiet, probes,
                        extras_of(plan, probes, apart));
}

} // namespace faultline::trial
