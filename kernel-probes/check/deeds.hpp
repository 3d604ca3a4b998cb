// Deeds of the known child that need more than a line: each returns whether it was done.
#pragma once

#include <cstdint>

namespace faultline::probes::deeds {

// Faults, in memory_deeds.cpp.
bool touch_shared(std::uint32_t pages);
bool read_untouched(std::uint32_t pages);
bool copy_on_write(std::uint32_t pages);
bool write_private_file(std::uint32_t pages);
bool touch_huge(std::uint32_t huge_pages);
bool swap_in(std::uint32_t pages);
bool touch_elsewhere(std::uint32_t pages); // half in a thread, half in a child

// The kernel's allocators and the page cache, in kernel_deeds.cpp.
bool send_control(std::uint32_t times, std::uint32_t bytes);
bool set_attribute(std::uint32_t times, std::uint32_t bytes);
bool send_queue(std::uint32_t times, std::uint32_t bytes);
bool attach_filter(std::uint32_t times, std::uint32_t instructions);
bool make_file(std::uint32_t pages);
bool drop_file();
bool read_file(std::uint32_t pages);
bool map_unmap(std::uint32_t times, std::uint32_t bytes);

} // namespace faultline::probes::deeds
