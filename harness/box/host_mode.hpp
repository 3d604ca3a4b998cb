// What of the host itself a box changes beside swap: the mode of huge pages, and what the page cache holds.
#pragma once

#include "base/error.hpp"

#include <filesystem>
#include <string_view>
#include <vector>

namespace faultline::box {

// Of transparent huge pages: "always", "madvise" or "never"; noted in the journal first. Fails with unavailable where
// the kernel has none, or while another box that lives has set one: who ends first would undo for both.
Result<void> set_huge_pages(int journal, std::string_view mode);

// "MODE-BEFORE MODE-SET" of the journal: puts the first back, if the second is still in force.
void restore_huge_pages(std::string_view noted);

// The kernel drops what it holds of files, as far as it is written back and nobody uses it; of all files, for it knows
// no other way. Nothing is lost but time. Needs root.
Result<void> drop_page_cache();

// Reads these files, so that the kernel holds them. What cannot be read is left out.
void warm_page_cache(const std::vector<std::filesystem::path>& files);

} // namespace faultline::box
