// Progress of a run: trial by trial on a terminal, round by round elsewhere, invalid trials as they come.
#pragma once

#include "harness/cli/status_line.hpp"
#include "harness/trial/campaign.hpp"

namespace faultline::cli {

class Progress final : public trial::Observer {
  public:
    Progress(const plan::Plan& plan, bool quiet) : plan_(plan), status_(quiet) {}
    void trial_starts(const plan::TrialSpec& spec, std::size_t done, std::size_t total) override;
    void trial_ended(const results::TrialResult& result) override;
    void round_ended(unsigned rounds_whole) override;
    void counting_starts() override;
    void occupancy_starts() override;

  private:
    const plan::Plan& plan_;
    StatusLine status_;
};

} // namespace faultline::cli
