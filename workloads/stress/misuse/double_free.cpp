// A block freed twice. Without a defence it is handed out twice later, to two owners.
#include "workloads/stress/blocks.hpp"
#include "workloads/stress/misuse/tables.hpp"
#include "workloads/stress/voice.hpp"

#include <cstdlib>

#if defined(__GNUC__) && !defined(__clang__) // wrong arguments are the point
#pragma GCC diagnostic ignored "-Wuse-after-free"
#endif

namespace faultline::stress::misuse {
namespace {

// Looks for two owners of one block among the next that are handed out.
void look_for_twins(std::size_t size) {
    constexpr int count = 256;
    static void* blocks[count];
    for (int i = 0; i < count; ++i) {
        blocks[i] = opaque(std::malloc(size));
        for (int other = 0; other < i; ++other) {
            if (blocks[i] == blocks[other] && blocks[i] != nullptr) {
                corrupted("malloc(%zu) handed out %p to two owners", size, blocks[i]);
                return;
            }
        }
    }
}

void twice(std::size_t size) {
    void* block = opaque(std::malloc(size));
    std::free(block);
    std::free(opaque(block));
    look_for_twins(size);
}

constexpr Check checks[] = {
    {"misuse.double-free-small", "a small block is freed twice in a row", "",
     [](const Task&) { twice(100); }},
};

} // namespace

std::span<const Check> double_free_checks() {
    return checks;
}

} // namespace faultline::stress::misuse
