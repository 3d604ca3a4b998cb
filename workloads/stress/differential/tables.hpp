// The tables of this folder's files, for catalog.cpp.
#pragma once

#include "workloads/stress/check.hpp"

namespace faultline::stress::differential {

std::span<const Check> differential_checks();

} // namespace faultline::stress::differential
