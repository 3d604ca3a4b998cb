// `faultline list workloads --explain NAME`: a workload's documentation, with a picture of its sizes and lifetimes counted in a
// dry run of its real stream of operations.
#pragma once

#include "base/error.hpp"

#include <string>
#include <vector>

namespace faultline::cli {

// `what` as a user writes a workload: larsonN, larson4, empirical2:profile=FILE. The text for a terminal, or JSON.
Result<std::string> explain_workload(const std::string& what, bool json);

// The bars of a distribution, a row each, labelled on the left: "   17 - 32  41.5 %  ##########".
struct Share {
    std::string label;
    double value;
};
std::string bars(const std::string& heading, const std::vector<Share>& shares);

} // namespace faultline::cli
