// The known name that a mistyped one most likely meant.
#pragma once

#include <span>
#include <string_view>

namespace faultline::engine {

// By Levenshtein distance; empty when none is nearer than half of the word. Ties go to the first.
std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

} // namespace faultline::engine
