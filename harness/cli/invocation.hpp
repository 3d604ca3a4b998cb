// What commands that run something share of their command line.
#pragma once

#include "base/error.hpp"
#include "harness/process/environment.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace faultline::cli {

std::vector<std::string> own_command(); // this process's argv

std::uint64_t random_seed();

// --env NAME=VALUE. Refuses LD_PRELOAD, which is how the allocator under test is loaded.
Result<process::Variables> parse_environment(const std::vector<std::string>& settings);

} // namespace faultline::cli
