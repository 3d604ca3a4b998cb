#include "workloads/engine/die.hpp"

#include "workloads/engine/protocol.hpp"

#include <cstdarg>
#include <cstdio>
#include <unistd.h>

namespace faultline::engine {

void die(int status, const char* format, ...) {
    char line[512];
    int used = std::snprintf(line, sizeof line, "faultline-worker: ");
    va_list arguments;
    va_start(arguments, format);
    const int room = static_cast<int>(sizeof line) - used - 1;
    const int said = std::vsnprintf(line + used, static_cast<std::size_t>(room), format, arguments);
    va_end(arguments);
    used += said < 0 ? 0 : (said < room ? said : room - 1);
    line[used++] = '\n';
    // Nobody is left to tell when standard error is closed; the status still speaks.
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line, static_cast<std::size_t>(used));
    _exit(status);
}

void die_no_memory(const char* call, std::size_t bytes) {
    die(worker_no_memory, "the allocator returned NULL: %s of %zu bytes", call, bytes);
}

void die_corrupt(const void* block, std::size_t bytes) {
    die(worker_corrupt, "the block at %p of %zu bytes does not hold what was written to it", block, bytes);
}

} // namespace faultline::engine
