// Progress of a run on standard error: one line rewritten in place on a terminal, plain lines elsewhere.
#pragma once

#include "harness/trial/campaign.hpp"

#include <string>

namespace faultline::cli {

class Progress final : public trial::Observer {
  public:
    Progress(const plan::Plan& plan, bool quiet);
    ~Progress() override;
    void trial_starts(const plan::TrialSpec& spec, std::size_t done, std::size_t total) override;
    void trial_ended(const results::TrialResult& result) override;
    void round_ended(unsigned rounds_whole) override;

  private:
    void line(const std::string& text); // a whole line, above the one that is rewritten
    void clear();

    const plan::Plan& plan_;
    bool quiet_;
    bool terminal_;
    std::uint64_t began_ns_;
    std::size_t done_ = 0;
    std::size_t total_ = 0;
};

} // namespace faultline::cli
