// Short ways to write a parameter's row.
#pragma once

#include "workloads/engine/workload.hpp"

namespace faultline::engine {

constexpr Parameter integer_parameter(std::string_view name, std::string_view fallback, std::int64_t min,
                                      std::int64_t max, std::string_view unit, std::string_view help) {
    return {name, Parameter::Kind::integer, fallback, min, max, "", unit, help};
}

// `choices` as in "fifo|lifo|random".
constexpr Parameter choice_parameter(std::string_view name, std::string_view fallback,
                                     std::string_view choices, std::string_view help) {
    return {name, Parameter::Kind::choice, fallback, 0, 0, choices, "", help};
}

// An empty fallback: the user must give one.
constexpr Parameter path_parameter(std::string_view name, std::string_view fallback, std::string_view help) {
    return {name, Parameter::Kind::path, fallback, 0, 0, "", "", help};
}

} // namespace faultline::engine
