// free of what malloc never gave.
#include "workloads/stress/blocks.hpp"
#include "workloads/stress/misuse/aftermath.hpp"
#include "workloads/stress/misuse/tables.hpp"
#include "workloads/stress/voice.hpp"

#include <cstdlib>
#include <sys/mman.h>

namespace faultline::stress::misuse {
namespace {

void inside(std::size_t size, std::size_t offset, std::size_t go_on_with) {
    auto* block = static_cast<unsigned char*>(opaque(std::malloc(size)));
    write_pattern(block, size, 1);
    std::free(opaque(block + offset));
    go_on(go_on_with, block, size);
    if (first_unlike(block, size, 1) != no_such_byte) {
        corrupted("the live block that was freed in its middle was overwritten");
    }
}

void* not_ours(const Task& /*task*/) {
    constexpr std::size_t bytes = 1 << 20;
    void* place = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return static_cast<unsigned char*>(place) + bytes / 2;
}

void* number_as_pointer(std::uintptr_t number) {
    return reinterpret_cast<void*>(number); // NOLINT(performance-no-int-to-ptr): no object is meant
}

void free_it(void* pointer) {
    std::free(opaque(pointer));
    go_on(100, pointer, 16);
}

alignas(64) unsigned char global[256];

constexpr Check checks[] = {
    {"misuse.free-interior", "a pointer 32 bytes into a block of 100 is freed", "",
     [](const Task&) { inside(100, 32, 48); }},
    {"misuse.free-interior-large", "a pointer 64 KiB into a block of 200 kB is freed", "",
     [](const Task&) { inside(200'000, 65'536, 50'000); }},
    {"misuse.free-unaligned", "a pointer one byte into a block is freed", "",
     [](const Task&) { inside(100, 1, 100); }},
    {"misuse.free-stack", "a local variable is freed", "",
     [](const Task&) {
         alignas(64) unsigned char local[256] = {};
         free_it(local + 64);
     }},
    {"misuse.free-global", "a global variable is freed", "", [](const Task&) { free_it(global + 64); }},
    {"misuse.free-foreign", "memory of the program's own mmap is freed", "",
     [](const Task& task) { free_it(not_ours(task)); }},
    {"misuse.free-unmapped", "an address where nothing is mapped is freed", "",
     [](const Task&) { free_it(number_as_pointer(0x10000)); }},
    {"misuse.free-noncanonical", "a number that is no address is freed", "",
     [](const Task&) { free_it(number_as_pointer(0xdeadbeefdeadbee0)); }},
};

} // namespace

std::span<const Check> wrong_pointer_checks() {
    return checks;
}

} // namespace faultline::stress::misuse
