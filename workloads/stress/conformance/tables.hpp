// The tables of this folder's files, for catalog.cpp.
#pragma once

#include "workloads/stress/check.hpp"

namespace faultline::stress::conformance {

std::span<const Check> zeroing_checks();

} // namespace faultline::stress::conformance
