// What named versions of allocators are known to do: a table of those promises that they break, each with its published
// source or a program of a few lines that confirms it. What is broken beyond it is new.
//
// The table is a TOML file of [[finding]] entries, workloads/stress/findings/known.toml; its head says what each key means.
#pragma once

#include "harness/stress/judge.hpp"

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace faultline::stress {

struct Finding {
    std::string allocator;           // the name under which it is run
    std::string version;             // a glob of what the library says of itself
    std::vector<std::string> checks; // names
    std::vector<std::string> why;    // globs, one of which matches the whole of a result's `why`
    std::string explanation;         // one line
    std::string source;              // where it is published, a URL; "" when it is not
    std::string confirmed_by;        // the case of stress_confirm that reproduces it; "" when there is none

    std::string told() const; // "EXPLANATION (SOURCE; confirmed by stress_confirm CASE)"
};

// Fails with data, at "FILE:LINE", for the first mistake: a key that is unknown, missing, empty or of another type, a check
// that there is not, a pattern that any text matches, neither a source nor a confirmation.
Result<std::vector<Finding>> parse_findings(std::string_view toml, const std::filesystem::path& path);

// Fails as parse_findings, and with no_input where the file cannot be read.
Result<std::vector<Finding>> load_findings(const std::filesystem::path& path);

// The first that this result is an instance of; nullopt when there is none. Only what is broken can be, and what falls
// short of what faultline expects: how a misuse ends that nobody promised to stop is no finding.
std::optional<std::size_t> find_known(std::span<const Finding> findings, const Check& check,
                                      const registry::Allocator& allocator, const Judged& judged);

} // namespace faultline::stress
