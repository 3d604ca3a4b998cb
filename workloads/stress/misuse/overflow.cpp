// Writing past the ends of a block: past its usable size, so that no rounding up hides it.
#include "workloads/stress/blocks.hpp"
#include "workloads/stress/misuse/aftermath.hpp"
#include "workloads/stress/misuse/tables.hpp"

#include <cstdlib>
#include <cstring>
#include <malloc.h>

namespace faultline::stress::misuse {
namespace {

constexpr std::size_t small = 104;
constexpr std::size_t large = 200'000;

void past_end(std::size_t size, std::size_t bytes) {
    Neighbourhood around(size);
    std::memset(opaque(around.middle() + ::malloc_usable_size(around.middle())), 0x41, bytes);
    around.look();
    around.release();
    go_on(size);
}

void before_begin(std::size_t size, std::size_t bytes) {
    Neighbourhood around(size);
    std::memset(opaque(around.middle() - bytes), 0x41, bytes);
    around.look();
    around.release();
    go_on(size);
}

constexpr Check checks[] = {
    {"misuse.overflow-1-byte-small", "one byte is written past the end of a block of 104", "",
     [](const Task&) { past_end(small, 1); }},
    {"misuse.overflow-8-byte-small", "8 bytes are written past the end of a block of 104", "",
     [](const Task&) { past_end(small, 8); }},
    {"misuse.overflow-1-byte-large", "one byte is written past the end of a block of 200 kB", "",
     [](const Task&) { past_end(large, 1); }},
    {"misuse.overflow-8-byte-large", "8 bytes are written past the end of a block of 200 kB", "",
     [](const Task&) { past_end(large, 8); }},
    {"misuse.underflow-small", "8 bytes are written before the begin of a block of 104", "",
     [](const Task&) { before_begin(small, 8); }},
    {"misuse.underflow-large", "8 bytes are written before the begin of a block of 200 kB", "",
     [](const Task&) { before_begin(large, 8); }},
    {"misuse.metadata-overwrite", "64 bytes to both sides of a small block are overwritten", "",
     [](const Task&) {
         Neighbourhood around(24);
         std::memset(opaque(around.middle() - 64), 0x41, 64);
         std::memset(opaque(around.middle() + ::malloc_usable_size(around.middle())), 0x41, 64);
         around.look();
         around.release();
         go_on(24);
     }},
};

} // namespace

std::span<const Check> overflow_checks() {
    return checks;
}

} // namespace faultline::stress::misuse
