// The results of `faultline stress` as text for a terminal: checks down, allocators across.
#pragma once

#include "harness/stress/campaign.hpp"

#include <string>

namespace faultline::cli {

struct Look {
    std::size_t columns = 80; // a table that is wider is split, some allocators at a time
    bool colour = false;      // as well as the words, never instead of them
};

// Tables by kind, then what is broken, why, and whether that is known or new, remarks, and the counts of each allocator.
std::string stress_tables(const stress::Plan& plan, const stress::Campaign& campaign, const Look& look);

// One word of at most five letters for a cell.
const char* cell_word(stress::Outcome outcome);

} // namespace faultline::cli
