// SHA-256 in lower-case hex: names a file or a value in results, so that two runs can be told to have used
// the same one.
#pragma once

#include "base/error.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace faultline {

std::string sha256(std::string_view content);

// Fails as read_file() does.
Result<std::string> sha256_of_file(const std::filesystem::path& path);

} // namespace faultline
