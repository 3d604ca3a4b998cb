// A block given back by another function, or with another size or alignment, than it came by. All of it is undefined
// behaviour; most allocators do the same for each pair, so that nothing happens.
#include "workloads/stress/blocks.hpp"
#include "workloads/stress/misuse/aftermath.hpp"
#include "workloads/stress/misuse/tables.hpp"

#include <cstdlib>
#include <new>

namespace faultline::stress::misuse {
namespace {

constexpr std::size_t size = 104;

void then(void (*give_back)(void* block), void* block) {
    give_back(opaque(block));
    go_on(size);
}

constexpr Check checks[] = {
    {"misuse.mismatch-new-free", "a block of new is given to free", "",
     [](const Task&) { then([](void* block) { std::free(block); }, ::operator new(size)); }},
    {"misuse.mismatch-malloc-delete", "a block of malloc is given to delete", "",
     [](const Task&) { then([](void* block) { ::operator delete(block); }, std::malloc(size)); }},
    {"misuse.mismatch-new-array-delete", "a block of new[] is given to delete", "",
     [](const Task&) { then([](void* block) { ::operator delete(block); }, ::operator new[](size)); }},
    {"misuse.mismatch-new-delete-array", "a block of new is given to delete[]", "",
     [](const Task&) { then([](void* block) { ::operator delete[](block); }, ::operator new(size)); }},
    {"misuse.mismatch-sized-delete", "a block of 104 bytes is deleted as one of 2000", "",
     [](const Task&) {
         then([](void* block) { ::operator delete (block, std::size_t{2000}); }, ::operator new(size));
     }},
    {"misuse.mismatch-aligned-delete", "a block of new aligned to 256 is given to plain delete", "",
     [](const Task&) {
         then([](void* block) { ::operator delete(block); }, ::operator new (size, std::align_val_t{256}));
     }},
};

} // namespace

std::span<const Check> mismatch_checks() {
    return checks;
}

} // namespace faultline::stress::misuse
