// The tables of this folder's files, for catalog.cpp.
#pragma once

#include "workloads/stress/check.hpp"

namespace faultline::stress::conformance {

std::span<const Check> family_checks();
std::span<const Check> block_checks();
std::span<const Check> too_large_checks();
std::span<const Check> realloc_checks();
std::span<const Check> alignment_checks();
std::span<const Check> cxx_checks();
std::span<const Check> lifetime_checks();
std::span<const Check> thread_checks();
std::span<const Check> address_space_checks();

} // namespace faultline::stress::conformance
