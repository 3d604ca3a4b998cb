// The tables of this folder's files, for catalog.cpp.
#pragma once

#include "workloads/stress/check.hpp"

namespace faultline::stress::misuse {

std::span<const Check> double_free_checks();
std::span<const Check> wrong_pointer_checks();
std::span<const Check> overflow_checks();
std::span<const Check> after_free_checks();
std::span<const Check> mismatch_checks();

} // namespace faultline::stress::misuse
