// The tables of this folder's files, for catalog.cpp.
#pragma once

#include "workloads/stress/check.hpp"

namespace faultline::stress::random {

std::span<const Check> random_checks();

} // namespace faultline::stress::random
