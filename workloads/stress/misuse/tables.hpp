// The tables of this folder's files, for catalog.cpp.
#pragma once

#include "workloads/stress/check.hpp"

namespace faultline::stress::misuse {

std::span<const Check> double_free_checks();

} // namespace faultline::stress::misuse
