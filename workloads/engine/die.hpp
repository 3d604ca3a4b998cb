// The end of a worker that cannot go on: one line on standard error and an exit status of protocol.hpp.
//
// Callable from any thread in any phase: it takes no memory from the allocator under test and runs no exit
// handlers.
#pragma once

#include <cstddef>

namespace faultline::engine {

[[noreturn, gnu::cold, gnu::format(printf, 2, 3)]] void die(int status, const char* format, ...);

[[noreturn, gnu::cold]] void die_no_memory(const char* call, std::size_t bytes);
[[noreturn, gnu::cold]] void die_corrupt(const void* block, std::size_t bytes);

} // namespace faultline::engine
