// The accusations of named versions in known.toml, each as a program of a few lines that uses nothing of the checks:
// LD_PRELOAD=LIBRARY stress_confirm NAME. Status 0: it is as promised; anything else, a signal or no end: it is not.
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <new>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

template <typename T>
T opaque(T value) {
    asm volatile("" : "+r"(value) : : "memory");
    return value;
}

bool errno_of_malloc() {
    errno = 0;
    return opaque(std::malloc(opaque(SIZE_MAX / 2 + 1))) == nullptr && errno == ENOMEM;
}

bool errno_of_calloc_overflow() {
    errno = 0;
    return opaque(std::calloc(opaque(SIZE_MAX / 2), 4)) == nullptr && errno == ENOMEM;
}

bool errno_of_realloc() {
    void* block = std::malloc(100);
    errno = 0;
    return opaque(std::realloc(block, opaque(SIZE_MAX / 2 + 1))) == nullptr && errno == ENOMEM;
}

bool realloc_refuses_overflow() {
    void* block = opaque(std::malloc(30'000'000));
    return opaque(std::realloc(block, opaque(SIZE_MAX - 4095))) == nullptr;
}

bool posix_memalign_aligns() {
    for (int i = 0; i < 1000; ++i) {
        void* block = nullptr;
        if (::posix_memalign(&block, 256, 256) != 0 || reinterpret_cast<std::uintptr_t>(block) % 256 != 0) {
            return false;
        }
    }
    return true;
}

bool new_throws() {
    try {
        opaque(::operator new(opaque(SIZE_MAX / 2 + 1)));
    } catch (const std::bad_alloc&) {
        return true;
    }
    return false;
}

bool new_calls_the_handler() {
    static int calls = 0;
    std::set_new_handler([] {
        ++calls;
        std::set_new_handler(nullptr);
    });
    return new_throws() && calls == 1;
}

bool null_or_a_block_of_100_gib() {
    std::free(opaque(std::malloc(opaque(std::size_t{100} << 30))));
    return true;
}

bool null_at_the_limit_of_data() {
    std::free(opaque(std::malloc(100)));
    const rlimit nothing_more = {0, 0};
    ::setrlimit(RLIMIT_DATA, &nothing_more);
    for (int i = 0; i < 1000 && opaque(std::malloc(1 << 20)) != nullptr; ++i) {
    }
    return true;
}

// Free blocks of many threads at once; what they wait for in the kernel must not be seen.
bool free_keeps_errno_when_contended() {
    static std::atomic<int> changed{0};
    std::vector<std::thread> threads;
    threads.reserve(16);
    for (int t = 0; t < 16; ++t) {
        threads.emplace_back([] {
            for (int round = 0; round < 3000; ++round) {
                std::array<void*, 64> blocks{};
                for (void*& block : blocks) {
                    block = std::malloc(70'000);
                }
                for (void* block : blocks) {
                    errno = 4242;
                    std::free(opaque(block));
                    if (errno != 4242) {
                        changed = errno;
                    }
                }
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    if (changed != 0) {
        std::printf("errno became %d (%s)\n", changed.load(), std::strerror(changed));
    }
    return changed == 0;
}

// Children forked while other threads allocate can allocate.
bool children_can_allocate() {
    static std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    threads.reserve(6);
    for (int t = 0; t < 6; ++t) {
        threads.emplace_back([] {
            for (std::size_t i = 0; !stop; ++i) {
                std::free(opaque(std::malloc(i * 977 % 300'000)));
            }
        });
    }
    bool well = true;
    for (int i = 0; i < 150 && well; ++i) {
        const pid_t child = ::fork();
        if (child == 0) {
            ::alarm(20);
            std::free(opaque(std::malloc(100)));
            std::free(opaque(std::malloc(100'000)));
            ::_exit(0);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        well = status == 0;
    }
    stop = true;
    for (std::thread& thread : threads) {
        thread.join();
    }
    return well;
}

std::size_t resident_bytes() {
    unsigned long pages = 0;
    std::FILE* file = std::fopen("/proc/self/statm", "r");
    if (file == nullptr || std::fscanf(file, "%*u %lu", &pages) != 1) {
        std::abort();
    }
    std::fclose(file);
    return pages * static_cast<std::size_t>(::getpagesize());
}

// 64 MiB alive, in rounds of ever other sizes, of which a twentieth lives for one more round.
bool four_times_what_is_alive_is_enough() {
    constexpr std::size_t alive_bytes = 64UL << 20;
    constexpr std::size_t sizes[] = {200,    400,    800,    1600,    3200,   6400,
                                     12'800, 25'600, 51'200, 102'400, 204'800};
    std::vector<void*> kept;
    std::vector<void*> blocks;
    blocks.reserve(alive_bytes / sizes[0]);
    std::uint64_t random = 1;
    std::size_t most = 0;
    for (std::size_t round = 0; round < 30; ++round) {
        const std::size_t base = sizes[round % 20 < 10 ? round % 20 : 20 - round % 20];
        std::size_t next = base;
        for (std::size_t alive = 0; alive < alive_bytes; alive += next) {
            random = random * 6364136223846793005ULL + 1442695040888963407ULL; // Knuth's MMIX
            next = base + (random >> 33) % base;
            blocks.push_back(std::malloc(next));
            std::memset(blocks.back(), 1, next);
        }
        most = std::max(most, resident_bytes());
        for (void* block : kept) {
            std::free(block);
        }
        kept.clear();
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            if (i % 20 == 0) {
                kept.push_back(blocks[i]);
            } else {
                std::free(blocks[i]);
            }
        }
        blocks.clear();
    }
    std::printf("%zu MiB resident at most\n", most >> 20);
    return most < 4 * alive_bytes;
}

// From now on the call fails with ENOMEM, whoever makes it.
void refuse(unsigned number) {
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOMEM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter = {std::size(program), program};
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

// Blocks of all sizes, NULL or not, all given back.
void use_all_sizes() {
    static std::array<void*, 40'000> blocks;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        blocks[i] = opaque(std::malloc(i % 400 == 0 ? i * 300 : 16 + i % 4000));
    }
    for (void* block : blocks) {
        std::free(block);
    }
}

// A block that grows to 24 MB, or stays as it is; with time in between to give back what it left.
void grow_a_block() {
    void* block = std::malloc(100);
    for (std::size_t size = 200; size < 24'000'000; size += size / 2) {
        ::usleep(15'000);
        if (void* moved = std::realloc(opaque(block), size); moved != nullptr) {
            block = moved;
        }
    }
    std::free(block);
}

bool lives_on_without(unsigned number) {
    const rlimit seconds = {5, 5}; // of processor time: some go on without end, and take memory meanwhile
    ::setrlimit(RLIMIT_CPU, &seconds);
    std::free(opaque(std::malloc(100)));
    refuse(number);
    grow_a_block();
    use_all_sizes();
    return true;
}

int mmap_calls = 0;
int refused_mmap = 0; // which of them, from 1; 0: none

// In a child for each of the first calls of mmap, with that one refused.
bool lives_on_without_one_mmap() {
    for (int n = 1; n <= 60; ++n) {
        const pid_t child = ::fork();
        if (child == 0) {
            mmap_calls = 0;
            refused_mmap = n;
            std::thread([] { std::free(opaque(std::malloc(100))); }).join(); // an arena of its own
            use_all_sizes();
            ::_exit(0);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        if (status != 0) {
            std::printf("without mmap %d: wait status %d\n", n, status);
            return false;
        }
    }
    return true;
}

} // namespace

// In the place of libc's, for the library that is preloaded: the program is linked with -rdynamic.
extern "C" void* mmap(void* at, std::size_t bytes, int protection, int flags, int file,
                      off_t offset) noexcept {
    if (++mmap_calls == refused_mmap) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    // NOLINTNEXTLINE(performance-no-int-to-ptr): so the kernel gives it
    return reinterpret_cast<void*>(::syscall(SYS_mmap, at, bytes, protection, flags, file, offset));
}

namespace {

struct Case {
    const char* name;
    bool (*holds)();
};
constexpr Case cases[] = {
    {"errno-of-malloc", errno_of_malloc},
    {"errno-of-calloc-overflow", errno_of_calloc_overflow},
    {"errno-of-realloc", errno_of_realloc},
    {"realloc-refuses-overflow", realloc_refuses_overflow},
    {"posix-memalign-aligns", posix_memalign_aligns},
    {"new-throws", new_throws},
    {"new-calls-the-handler", new_calls_the_handler},
    {"null-or-100-gib", null_or_a_block_of_100_gib},
    {"null-at-data-limit", null_at_the_limit_of_data},
    {"free-keeps-errno", free_keeps_errno_when_contended},
    {"children-can-allocate", children_can_allocate},
    {"four-times-is-enough", four_times_what_is_alive_is_enough},
    {"without-mmap", [] { return lives_on_without(SYS_mmap); }},
    {"without-one-mmap", lives_on_without_one_mmap},
    {"without-munmap", [] { return lives_on_without(SYS_munmap); }},
    {"without-mprotect", [] { return lives_on_without(SYS_mprotect); }},
};

} // namespace

int main(int argc, char** argv) {
    const rlimit no_core = {0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    for (const Case& one : cases) {
        if (argc > 1 && std::strcmp(argv[1], one.name) == 0) {
            return one.holds() ? 0 : 1;
        }
        if (argc <= 1) {
            std::printf("%s\n", one.name);
        }
    }
    return argc <= 1 ? 0 : 64;
}
