// A suite file: TOML that names workloads, their parameters, allocators and rounds. See workloads/suites/.
//
//   summary = "one line"            rounds = 3         idle_ms = 200
//   allocators = ["system", "jemalloc", "mine=build/libmine.so"]
//   [[workload]]
//   use = "larson2"                 # as on the command line: "pair", "larsonN", "pair:size=64"
//   size = [16, 256]                # a parameter; a list makes one row for each value
//   trace = "lua.fltrace"           # a path is looked for beside the suite, then among faultline's own
//   label = "name in the report"    # optional; of a single row
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace faultline::plan {

// One row as written, lists expanded, names not yet looked up.
struct SuiteRow {
    std::string use;
    std::string label; // empty: to be made from the name and `shown`
    std::map<std::string, std::string, std::less<>> parameters;
    std::vector<std::string> shown;  // "size=16": what sets this row apart from its neighbours
    std::string where;               // "quick.toml:12"
    std::filesystem::path directory; // where relative paths start; empty: as the suite says
};

struct Suite {
    std::string name;
    std::string summary;
    unsigned rounds =
        10; // where neither a suite nor the user says: enough for a verdict on clear differences
    std::uint64_t idle_ms = 200;
    std::uint64_t timeout_s = 60; // of one trial
    std::vector<std::string> allocators;
    std::vector<SuiteRow> rows;
    std::filesystem::path directory; // where relative paths start
};

// Errors name file and line: not UTF-8, not TOML, unknown keys, wrong types, out of range, no workloads.
Result<Suite> parse_suite(std::string_view toml, const std::filesystem::path& path);
Result<Suite> load_suite(const std::filesystem::path& path);

// Name and summary of every suite file in faultline's own folder, sorted.
struct SuiteListing {
    std::string name;
    std::filesystem::path path;
    Result<Suite> suite;
};
std::vector<SuiteListing> list_suites();

} // namespace faultline::plan
