#include "allocators/registry/registry.hpp"

namespace faultline::registry {
namespace {

using namespace std::string_view_literals;

// Candidates are in order of preference; among the matches of one pattern the highest version is taken.
constexpr std::string_view jemalloc_files[] = {"libjemalloc.so.2"sv, "libjemalloc.so"sv};
constexpr std::string_view mimalloc_files[] = {"libmimalloc.so.[0-9]"sv, "libmimalloc.so"sv,
                                               "mimalloc-[0-9]*/libmimalloc.so"sv};
constexpr std::string_view tcmalloc_files[] = {"libtcmalloc_minimal.so.[0-9]"sv, "libtcmalloc_minimal.so"sv};
// The proxy replaces malloc and forwards to libtbbmalloc, which by itself replaces nothing.
constexpr std::string_view tbbmalloc_files[] = {"libtbbmalloc_proxy.so.2"sv, "libtbbmalloc_proxy.so"sv};

#if defined(__x86_64__)
#define FAULTLINE_LLVM_ARCH "x86_64"
#elif defined(__aarch64__)
#define FAULTLINE_LLVM_ARCH "aarch64"
#elif defined(__riscv) && __riscv_xlen == 64
#define FAULTLINE_LLVM_ARCH "riscv64"
#elif defined(__powerpc64__)
#define FAULTLINE_LLVM_ARCH "powerpc64le"
#else
#define FAULTLINE_LLVM_ARCH "*"
#endif
// Debian and Ubuntu: llvm-14/lib/clang/14.0.6/lib/linux; Arch: clang/18/lib/linux; Fedora and LLVM's own
// builds with per-target directories: clang/18/lib/x86_64-redhat-linux-gnu, without the architecture in the
// name.
constexpr std::string_view scudo_files[] = {
    "llvm-*/lib/clang/*/lib/linux/libclang_rt.scudo_standalone-" FAULTLINE_LLVM_ARCH ".so"sv,
    "clang/*/lib/linux/libclang_rt.scudo_standalone-" FAULTLINE_LLVM_ARCH ".so"sv,
    "clang/*/lib/" FAULTLINE_LLVM_ARCH "-*/libclang_rt.scudo_standalone.so"sv,
    "llvm-*/lib/clang/*/lib/" FAULTLINE_LLVM_ARCH "-*/libclang_rt.scudo_standalone.so"sv,
};
#undef FAULTLINE_LLVM_ARCH

constexpr std::string_view slabuddy_files[] = {"libslabuddy.so"sv};
constexpr std::string_view slabuddy_checked_files[] = {"libslabuddy-checked.so"sv};
constexpr std::string_view null_files[] = {"libnullmalloc.so"sv};

constexpr Known table[] = {
    {"system", "the C library's own malloc", {}, "libc6", "https://sourceware.org/glibc/", Origin::libc},
    {"jemalloc", "arenas, size-class runs and thread caches; FreeBSD's malloc", jemalloc_files,
     "libjemalloc2", "https://jemalloc.net/"},
    {"mimalloc", "free lists sharded by page; Microsoft Research", mimalloc_files, "libmimalloc2.0",
     "https://github.com/microsoft/mimalloc"},
    {"tcmalloc", "thread caches over a central page heap; gperftools' minimal flavour", tcmalloc_files,
     "libtcmalloc-minimal4", "https://github.com/gperftools/gperftools"},
    {"tbbmalloc", "oneTBB's scalable allocator, through its malloc proxy", tbbmalloc_files, "libtbbmalloc2",
     "https://github.com/uxlfoundation/oneTBB"},
    {"scudo", "LLVM's hardened allocator, standalone; Android's malloc", scudo_files, "libclang-rt-14-dev",
     "https://llvm.org/docs/ScudoHardenedAllocator.html"},
    {"slabuddy", "faultline's own: slabs and per-thread caches over a buddy", slabuddy_files, "", "",
     Origin::faultline},
    {"slabuddy-checked", "slabuddy with its checks on: finds misuse, not for timing", slabuddy_checked_files,
     "", "", Origin::faultline, false},
    {"null", "a bump allocator that never frees: the floor, not a competitor", null_files, "", "",
     Origin::faultline, false},
};

} // namespace

std::span<const Known> known_allocators() {
    return table;
}

} // namespace faultline::registry
