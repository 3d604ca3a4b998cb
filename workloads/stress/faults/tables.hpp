// The tables of this folder's files, for catalog.cpp.
#pragma once

#include "workloads/stress/check.hpp"

namespace faultline::stress::faults {

std::span<const Check> fault_checks();

} // namespace faultline::stress::faults
