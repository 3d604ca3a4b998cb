// A block freed twice. Without a defence it is handed out twice later, to two owners.
#include "workloads/stress/blocks.hpp"
#include "workloads/stress/misuse/aftermath.hpp"
#include "workloads/stress/misuse/tables.hpp"
#include "workloads/stress/voice.hpp"

#include <cstdlib>
#include <thread>

namespace faultline::stress::misuse {
namespace {

constexpr std::size_t small = 100;
constexpr std::size_t large = 200'000;
constexpr std::size_t huge = 50'000'000;

void twice(std::size_t size) {
    void* block = opaque(std::malloc(size));
    std::free(block);
    std::free(opaque(block));
    go_on(size);
}

void interleaved(const Task& /*task*/) {
    void* block = opaque(std::malloc(small));
    void* other = opaque(std::malloc(small));
    std::free(block);
    std::free(other);
    std::free(opaque(block));
    go_on(small);
}

// So many others come in between that the first free is in no cache any more.
void delayed(const Task& /*task*/) {
    constexpr unsigned count = 1000;
    static void* others[count];
    for (void*& other : others) {
        other = opaque(std::malloc(small));
    }
    void* block = opaque(std::malloc(small));
    void* barrier = opaque(std::malloc(small)); // so that the block does not border on what is free
    std::free(block);
    for (void* other : others) {
        std::free(other);
    }
    std::free(opaque(block));
    go_on(small);
    std::free(barrier);
}

void other_thread(const Task& /*task*/) {
    void* block = opaque(std::malloc(small));
    std::free(block);
    std::thread([block] {
        std::free(opaque(block));
        survived(); // before the thread ends: its end is a call of its own
    }).join();
    go_on(small);
}

constexpr Check checks[] = {
    {"misuse.double-free-small", "a block of 100 bytes is freed twice in a row", "",
     [](const Task&) { twice(small); }},
    {"misuse.double-free-interleaved", "a small block is freed twice, another in between", "", interleaved},
    {"misuse.double-free-delayed", "a small block is freed twice, a thousand others in between", "", delayed},
    {"misuse.double-free-crossthread", "a small block is freed a second time by another thread", "",
     other_thread},
    {"misuse.double-free-large", "a block of 200 kB is freed twice in a row", "",
     [](const Task&) { twice(large); }},
    {"misuse.double-free-huge", "a block of 50 MB is freed twice in a row", "",
     [](const Task&) { twice(huge); }},
};

} // namespace

std::span<const Check> double_free_checks() {
    return checks;
}

} // namespace faultline::stress::misuse
