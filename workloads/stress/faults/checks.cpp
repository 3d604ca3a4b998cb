#include "workloads/stress/faults/tables.hpp"
#include "workloads/stress/ordeal/become.hpp"

namespace faultline::stress::faults {
namespace {

template <const char* variant>
void inject(const Task& task) {
    become_supervisor("faults", variant, task);
}
void delay(const Task& task) {
    become_supervisor("delays", "", task);
}
template <const char* variant>
void limit(const Task& task) {
    become_supervisor("limit", variant, task);
}
void cgroup(const Task& task) {
    become_supervisor("cgroup", "", task);
}
void out_of_memory(const Task& task) {
    become_supervisor("out-of-memory", "", task);
}

constexpr char mmap_name[] = "mmap";
constexpr char munmap_name[] = "munmap";
constexpr char mremap_name[] = "mremap";
constexpr char madvise_name[] = "madvise";
constexpr char mprotect_name[] = "mprotect";
constexpr char brk_name[] = "brk";
constexpr char thread_name[] = "pthread_create";
constexpr char start_name[] = "start";
constexpr char address_space[] = "address-space";
constexpr char mappings[] = "mappings";

constexpr std::string_view by = "C17 7.22.3, POSIX";
// Where the check says that an allocator fell short, which is told and held against those alone that promise more.
constexpr std::string_view by_faultline = "faultline expects it, no standard";
constexpr std::string_view by_both = "C17 7.22.3, POSIX; that it goes on, faultline expects";

constexpr Check table[] = {
    {"faults.mmap",
     "where any mmap fails, or all from then on, NULL with ENOMEM, and all is well again afterwards", by,
     inject<mmap_name>, 120, 6},
    {"faults.munmap", "where any munmap fails, no block is harmed", by, inject<munmap_name>, 120, 6},
    {"faults.mremap", "where any mremap fails, realloc finds another way or keeps the block", by,
     inject<mremap_name>, 120, 4},
    {"faults.madvise", "where any madvise fails, calloc still gives zeros", by, inject<madvise_name>, 120, 4},
    {"faults.mprotect", "where any mprotect fails, NULL with ENOMEM or another way", by_both,
     inject<mprotect_name>, 120, 4},
    {"faults.brk", "where any brk fails, NULL with ENOMEM or another way", by, inject<brk_name>, 120, 4},
    {"faults.pthread-create", "where a thread cannot be made, the heap works on", by, inject<thread_name>,
     120, 4},
    {"faults.delay",
     "where calls of the kernel take their time, nothing is refused and no other thread harmed", by, delay,
     120, 6},
    {"faults.start",
     "where a call of the kernel fails while the program starts: told, and held against nobody",
     "no standard", inject<start_name>, 120, 6},
    {"faults.address-space",
     "at the limit of the address space, NULL with ENOMEM, and all is well again afterwards", by,
     limit<address_space>, 120},
    {"faults.mappings",
     "where the kernel grants no more mappings, NULL with ENOMEM, and all is well again afterwards", by,
     limit<mappings>, 120},
    {"faults.cgroup", "with 64 MiB alive at most, of sizes that change, 256 MiB of memory are enough",
     by_faultline, cgroup, 120},
    {"faults.out-of-memory",
     "in 256 MiB of memory no block is harmed until the kernel kills the program for want of it, or NULL "
     "with "
     "ENOMEM, and at least half is alive by then",
     "C17 7.22.3; that half is alive, faultline expects", out_of_memory, 120},
};

} // namespace

std::span<const Check> fault_checks() {
    return table;
}

} // namespace faultline::stress::faults
