// What a user may change: SLABUDDY_OPTIONS=name=value,name,... with one table of names, defaults and
// meanings. A name alone means 1. Sizes take K, M, G. A mistake is said in one line on standard error, and
// the default stays.
//
// Read once, before or at the library's constructor, and constant afterwards: option() is safe from any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sb {

enum class Option : unsigned {
    help,
    stats,
    live,
    purge_ms,
    zone_bytes,
    area_cache,
    check,
    exit_check,
    debug,
    count
};

inline constexpr uint64_t purge_never = UINT64_MAX;

uint64_t option(Option which);

// Parses a value of SLABUDDY_OPTIONS; false when some part of it was not understood (said on standard error).
bool options_parse(const char* text);

// The table with its present values, to standard error.
void options_help();

// Finds SLABUDDY_OPTIONS in the environment given (NULL: libc's own, when it is set up already).
void options_load(char** environment);

// Sets one option by the program (mallopt). The value is not checked.
void option_set(Option which, uint64_t value);

} // namespace sb
