// The journal of a box: one line for each thing, written before the thing is made.
#pragma once

#include "base/error.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace faultline::box {

inline constexpr const char* journal_directory = "/run/faultline";

// Things that a journal may name; the text after it is theirs.
inline constexpr std::string_view entry_group = "cgroup";   // path
inline constexpr std::string_view entry_swap = "swap";      // device or file that swap is on
inline constexpr std::string_view entry_zram = "zram";      // "zram0 1073741824": only while it has that size
inline constexpr std::string_view entry_file = "file";      // path
inline constexpr std::string_view entry_huge_pages = "thp"; // mode before, mode set

// Names of files and groups made here begin with it; nothing else is removed.
inline constexpr std::string_view name_prefix = "faultline-";

Result<void> note(int journal, std::string_view entry, std::string_view text);

// Undoes the lines of a journal, the last first. What is not there, or is no longer what was noted, is left alone.
void undo(std::string_view journal);

// Ends the processes of a group and removes it. Only groups with the prefix.
void remove_group(const std::filesystem::path& group);

} // namespace faultline::box
