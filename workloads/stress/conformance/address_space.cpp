// Very large blocks, and the end of the address space.
#include "workloads/stress/blocks.hpp"
#include "workloads/stress/conformance/tables.hpp"
#include "workloads/stress/process.hpp"
#include "workloads/stress/voice.hpp"

#include <cerrno>
#include <cstdlib>
#include <sys/mman.h>
#include <sys/resource.h>

namespace faultline::stress::conformance {
namespace {

constexpr std::size_t mebibyte = 1UL << 20;
constexpr std::size_t gibibyte = 1UL << 30;

bool kernel_grants(std::size_t bytes) {
    void* place = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED) {
        return false;
    }
    ::munmap(place, bytes);
    return true;
}

// Blocks of which only three bytes are touched. calloc only as far as one may fill with zeros who does not know that fresh
// pages are zero.
constexpr std::size_t most_zeroed = 64 * mebibyte;

// False where it is refused for a reason.
bool granted(std::size_t size, bool zeroed) {
    errno = 0;
    auto* block = static_cast<unsigned char*>(zeroed ? std::calloc(1, size) : std::malloc(size));
    if (block == nullptr) {
        // With room for the allocator's own ways to align and to guard.
        FAULTLINE_EXPECT(!kernel_grants(size + size / 4 + most_zeroed),
                         "%zu bytes were refused, with errno %d, which the kernel grants", size, errno);
        return false;
    }
    for (const std::size_t at : {std::size_t{0}, size / 2, size - 1}) {
        FAULTLINE_EXPECT(!zeroed || block[at] == 0, "byte %zu of calloc(1, %zu) is not zero", at, size);
    }
    for (const std::size_t at : {std::size_t{0}, size / 2, size - 1}) {
        block[at] = 0xff;
    }
    std::free(opaque(block));
    return true;
}

void reservations(const Task& /*task*/) {
    constexpr std::size_t sizes_above_64_gib[] = {80 * gibibyte, 100 * gibibyte};
    std::size_t largest = 0;
    for (std::size_t size = 1; size <= 64 * gibibyte && (size == 1 || largest == size / 2); size *= 2) {
        if (granted(size, false) && (size > most_zeroed || granted(size, true))) {
            largest = size;
        }
    }
    for (const std::size_t size : sizes_above_64_gib) {
        if (granted(size, false)) {
            largest = size;
        }
    }
    figure("largest_granted_bytes", largest);
}

constexpr std::size_t chunk = mebibyte;
void* chunks[4096];

// Allocates until there is no more, frees it all; the number that there was room for.
unsigned fill_and_empty(std::size_t size) {
    unsigned count = 0;
    for (; count < std::size(chunks); ++count) {
        errno = 0;
        chunks[count] = std::malloc(size);
        if (chunks[count] == nullptr) {
            FAULTLINE_EXPECT(errno == ENOMEM, "malloc failed with errno %d, not ENOMEM", errno);
            break;
        }
        write_pattern(chunks[count], 1000, count);
    }
    for (unsigned i = 0; i < count; ++i) {
        FAULTLINE_EXPECT(first_unlike(chunks[i], 1000, i) == no_such_byte,
                         "a block was lost when memory ran out");
        std::free(chunks[i]);
    }
    return count;
}

void limit_to(int resource, std::size_t bytes) {
    const struct rlimit limit = {bytes, bytes};
    FAULTLINE_EXPECT(::setrlimit(static_cast<__rlimit_resource>(resource), &limit) == 0,
                     "setrlimit failed with errno %d", errno);
}

// The limit comes down while the program runs.
void expect_recovery_from(int resource, std::uint64_t (*used_bytes)()) {
    std::free(std::malloc(chunk)); // what the allocator maps at first is there
    limit_to(resource, used_bytes() + 200 * mebibyte);
    const unsigned first = fill_and_empty(chunk);
    figure("blocks_of_1_MiB", first);
    if (first == std::size(chunks)) {
        skip("the limit was not reached: what it counts was taken before it came");
    }
    for (int round = 0; round < 5; ++round) {
        const unsigned again = fill_and_empty(chunk);
        FAULTLINE_EXPECT(again >= first / 2,
                         "of %u blocks that memory had room for, only %u fit again after they were freed",
                         first, again);
    }
    const unsigned small = fill_and_empty(20'000);
    FAULTLINE_EXPECT(small > 0, "no small block fits any more after large ones were freed");
}

void address_space_exhausted(const Task& /*task*/) {
    expect_recovery_from(RLIMIT_AS, address_space_bytes);
}
void data_exhausted(const Task& /*task*/) {
    expect_recovery_from(RLIMIT_DATA, data_bytes);
}

// The program starts under the limit: an allocator that reserves address space must make do with less.
void limited_from_the_start(const Task& /*task*/) {
    if (!again_after_exec()) {
        limit_to(RLIMIT_AS, gibibyte);
        exec_again();
    }
    const unsigned count = fill_and_empty(chunk);
    figure("blocks_of_1_MiB", count);
    FAULTLINE_EXPECT(count >= 100, "under an address space of 1 GiB there is room for %u blocks of 1 MiB",
                     count);
}

constexpr Check checks[] = {
    {"conformance.reservations",
     "from 1 byte to 100 GiB, malloc grants what the kernel grants, and gives NULL for the rest",
     "C17 7.22.3.4", reservations, 30},
    {"conformance.rlimit-exhausted",
     "at the limit of RLIMIT_AS malloc fails with ENOMEM, and works again after free", "POSIX setrlimit",
     address_space_exhausted, 30},
    {"conformance.rlimit-data-exhausted",
     "at the limit of RLIMIT_DATA malloc fails with ENOMEM, and works again after free", "setrlimit(2)",
     data_exhausted, 30},
    {"conformance.rlimit-from-start", "a program that starts under RLIMIT_AS of 1 GiB has use of it",
     "POSIX setrlimit", limited_from_the_start, 30},
};

} // namespace

std::span<const Check> address_space_checks() {
    return checks;
}

} // namespace faultline::stress::conformance
