// Profiles of a heap as fleetbench publishes them: a CSV without a header, a row for each size:
//   size in bytes, allocations (relative to the other rows'), objects live at a time (a fraction is a mean)
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

namespace faultline::synthetic {

struct ProfileRow {
    std::uint64_t size = 0;
    double rate = 0;
    double live = 0;
};

struct Profile {
    std::vector<ProfileRow> rows; // as they stand in the file
    double live_bytes() const;
    double mean_allocated_bytes() const; // of one allocation
};

// Fails with no_input, or with data and the line: not three numbers, a size of 0 or beyond 2^40, a negative rate or count,
// nothing live or nothing allocated at all.
Result<Profile> parse_profile(std::string_view text, std::string_view name);
Result<Profile> read_profile(const std::filesystem::path& path);

// How many objects of each row make up `heap_bytes`, or what the profile has where that is less. What is left over of a
// row's bytes is carried to the next one, so that many rows with a fraction each are not lost; a row may get none.
std::vector<std::uint64_t> scaled_live(const Profile& profile, std::uint64_t heap_bytes);

} // namespace faultline::synthetic
