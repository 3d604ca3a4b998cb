// The tables of this folder's files, for catalog.cpp.
#pragma once

#include "workloads/stress/check.hpp"

namespace faultline::stress::soak {

std::span<const Check> soak_checks();

} // namespace faultline::stress::soak
