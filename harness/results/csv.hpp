// A result document as comma-separated values (RFC 4180): one line for each trial and phase, invalid trials
// included and marked, so that a spreadsheet or R sees every sample.
#pragma once

#include "harness/results/document.hpp"

namespace faultline::results {

std::string to_csv(const Json& document);

} // namespace faultline::results
