// Commands that are programs of their own, as git has them: `faultline NAME ...` runs `faultline-NAME ...`
// from libexec/faultline beside the program, else from PATH.
#pragma once

#include "base/error.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faultline::cli {

// The names in libexec/faultline, sorted.
std::vector<std::string> external_commands();

std::optional<std::filesystem::path> find_external(std::string_view name);

// Becomes that program; returns only when that fails.
Error become_external(const std::filesystem::path& program, const std::vector<std::string>& arguments);

// Runs it as a child and waits: its exit status.
Result<int> run_external(std::string_view name, const std::vector<std::string>& arguments);

} // namespace faultline::cli
