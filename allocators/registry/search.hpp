// Where shared libraries are on the usual distributions, and which file of several is meant.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace faultline::registry {

// /usr/local first, then Debian's and Ubuntu's multiarch directories, then lib64 (Fedora, openSUSE) and lib
// (Arch).
std::vector<std::filesystem::path> library_directories();

// The file of the first pattern that matches in any directory, links resolved; of several matches of one
// pattern in one directory, the highest version ("llvm-14" after "llvm-9").
std::optional<std::filesystem::path> search(std::span<const std::string_view> patterns,
                                            std::span<const std::filesystem::path> directories);

} // namespace faultline::registry
