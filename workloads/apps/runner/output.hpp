// What a program printed, judged: lines that differ from run to run left out, the rest hashed and compared with what
// the definition expects.
#pragma once

#include "workloads/apps/definition.hpp"

#include <string>
#include <string_view>

namespace faultline::apps {

// `output` without the lines that match one of `patterns` (POSIX extended). Fails with `data` on a bad pattern.
Result<std::string> without(std::string_view output, const Words& patterns);

// nullopt: as expected; else one line.
Result<std::optional<std::string>> why_unexpected(const Definition& definition, const std::string& output);

// 16 hexadecimal digits: the trial's checksum.
std::string output_checksum(const std::string& output);

} // namespace faultline::apps
