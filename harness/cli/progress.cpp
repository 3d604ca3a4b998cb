#include "harness/cli/progress.hpp"

#include <fmt/format.h>

namespace faultline::cli {

void Progress::trial_starts(const plan::TrialSpec& spec, std::size_t done, std::size_t total) {
    status_.show(fmt::format("round {}/{}  trial {}/{}  {} left  {} on {}",
                             spec.round - plan_.first_round + 1, plan_.rounds, done + 1, total,
                             status_.left(static_cast<double>(done), static_cast<double>(total)),
                             plan_.rows[spec.row].label, plan_.arms[spec.arm].allocator.name));
}

void Progress::trial_ended(const results::TrialResult& result) {
    if (!result.valid()) {
        status_.line(Error{Exit::failure, result.workload + " on " + result.allocator,
                           "invalid: " + *result.invalid_reason, ""}
                         .line());
    }
}

void Progress::round_ended(unsigned rounds_whole) {
    if (!status_.on_terminal()) {
        status_.line(fmt::format("round {} of {} done, {} left", rounds_whole, plan_.rounds,
                                 status_.left(rounds_whole, plan_.rounds)));
    }
}

void Progress::counting_starts() {
    if (!status_.on_terminal()) {
        status_.line("counting what the kernel did, in a trial of its own for each pair");
    }
}

void Progress::occupancy_starts() {
    if (!status_.on_terminal()) {
        status_.line("dividing memory into live, rounded up, between blocks and kept, in a trial of its own "
                     "for each pair");
    }
}

} // namespace faultline::cli
