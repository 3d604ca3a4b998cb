// The text formats under /proc, as values: no file is touched here. A field that is not there, or not a
// number, is absent.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace faultline::probes::procfs {

// "Key:   123 kB" (status, smaps_rollup, io) or "key 123" (vmstat): the number in the line that begins with
// `key`. A `key` that ends in '*' sums the lines that begin with what is before it ("pgalloc_*": one line a
// zone).
std::optional<std::uint64_t> field(std::string_view text, std::string_view key);

// The field number `index` of /proc/PID/stat, counted from 1 as in proc(5). The second field, the command in
// brackets, may itself hold spaces and brackets.
std::optional<std::uint64_t> stat_field(std::string_view text, unsigned index);

// The number at position `index`, from 0, of a line of numbers (statm, schedstat).
std::optional<std::uint64_t> nth_number(std::string_view text, unsigned index);

// total= of the line that begins with `which` ("some", "full") of a file in /proc/pressure, in microseconds.
std::optional<std::uint64_t> pressure_total_us(std::string_view text, std::string_view which);

} // namespace faultline::probes::procfs
