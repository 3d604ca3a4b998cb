// Control groups of either version.
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <filesystem>

namespace faultline::box {

struct Hierarchy {
    std::filesystem::path parent; // where groups can be made that take memory limits
    int version = 2;
};
// `root` is "/" but for tests. Fails with unavailable.
Result<Hierarchy> find_hierarchy(const std::filesystem::path& root = "/");

// Sets the limit of a group that was made in it; without `swap`, it may not swap either.
Result<void> limit_group(const std::filesystem::path& group, int version, std::uint64_t limit_bytes,
                         bool swap);

} // namespace faultline::box
