// A whole run: rounds of trials, the document written after every whole round.
#pragma once

#include "harness/trial/trial.hpp"

#include <filesystem>

namespace faultline::trial {

// Told what happens, for progress on a terminal or in a log.
class Observer {
  public:
    virtual ~Observer() = default;
    // `done` of `total` trials are behind us.
    virtual void trial_starts(const plan::TrialSpec& spec, std::size_t done, std::size_t total) = 0;
    virtual void trial_ended(const results::TrialResult& result) = 0;
    virtual void round_ended(unsigned rounds_whole) = 0;
    virtual void counting_starts() = 0;  // the rounds are over
    virtual void occupancy_starts() = 0; // so is the counting
};

struct CampaignEnd {
    bool stopped = false; // by the user: only the rounds before are in the document
    unsigned invalid = 0; // trials
};

enum class Probing {
    apart,  // what slows a trial down gets one trial of its own for each pair, after the rounds
    within, // every probe in every trial
};

struct Apart {
    Probing probing = Probing::apart;
    bool occupancy = true; // one trial of each pair that keeps what its live blocks occupy
};
plan::Extras extras_of(const plan::Plan& plan, std::span<const std::unique_ptr<probes::Probe>> probes,
                       Apart apart);

// Runs the plan into `document`, whose tool, host, doctor, plan, capabilities and metrics are filled in by
// the caller, and writes it to `output` after each whole round and at the end. An Error leaves on disk what
// the last whole round wrote.
Result<CampaignEnd> run_campaign(const plan::Plan& plan, const Settings& settings,
                                 std::span<const std::unique_ptr<probes::Probe>> probes, Apart apart,
                                 results::Document& document, const std::filesystem::path& output,
                                 Observer& observer);

} // namespace faultline::trial
