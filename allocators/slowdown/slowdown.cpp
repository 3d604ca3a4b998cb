// libslowdown.so: glibc's malloc made worse by a chosen amount, to see whether a comparison finds it.
//
// What is added stands in a text file beside the library, FILE.so.conf, so that two copies can be two arms of one run:
//
//   cpu=0.05          of the CPU time that a thread spends, in the program and in malloc alike, so much more
//   memory=1048576    bytes that become resident once and stay
//   faults=200        pages that are touched once and given back
//
// A thread looks at its own CPU clock about every 50 us of its time and spins until the share is added: so the added
// share is the same whatever the workload does between two calls. Without the file nothing is added, but the clock is
// read all the same: a base and a candidate differ by what was asked for alone. Memory and faults come with a
// thread's 20,000th call, when a workload has begun.
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define SLOWDOWN_EXPORT extern "C" __attribute__((visibility("default")))

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* block, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void __libc_free(void* block);
}

namespace {

constexpr uint64_t look_every_ns = 50'000;
constexpr uint64_t most_calls_between_looks = 1 << 16;
constexpr uint64_t calls_before_memory = 20'000;
constexpr size_t page_bytes = 4096;
constexpr size_t pages_at_a_time = 64;

double cpu_share = 0;
size_t memory_bytes = 0;
size_t fault_pages = 0;
std::atomic<bool> memory_added{false};

struct Thread {
    uint64_t calls = 0;
    uint64_t looked_at_calls = 0;
    uint64_t next_look = 64;
    uint64_t last_ns = 0;
};
thread_local Thread self;

uint64_t thread_cpu_ns() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// Pages of the kernel's ordinary size, each touched; nullptr when there are none.
char* touched(size_t bytes) {
    void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        return nullptr;
    }
    madvise(pages, bytes, MADV_NOHUGEPAGE);
    char* first = static_cast<char*>(pages);
    for (size_t offset = 0; offset < bytes; offset += page_bytes) {
        *static_cast<volatile char*>(first + offset) = 1;
    }
    return first;
}

void add_memory_and_faults() {
    if (memory_bytes > 0) {
        touched(memory_bytes);
    }
    for (size_t left = fault_pages; left > 0;) { // a few at a time: the peak must not show them
        const size_t pages = left < pages_at_a_time ? left : pages_at_a_time;
        if (char* first = touched(pages * page_bytes)) {
            munmap(first, pages * page_bytes);
        }
        left -= pages;
    }
}

[[gnu::noinline, gnu::cold]] void look() {
    uint64_t now_ns = thread_cpu_ns();
    if (self.last_ns > 0 && now_ns > self.last_ns) {
        const uint64_t spent_ns = now_ns - self.last_ns;
        const uint64_t until_ns = now_ns + static_cast<uint64_t>(cpu_share * static_cast<double>(spent_ns));
        while (now_ns < until_ns) {
            for (int i = 0; i < 50; ++i) {
                asm volatile("" ::: "memory");
            }
            now_ns = thread_cpu_ns();
        }
        const uint64_t calls = self.calls - self.looked_at_calls;
        const uint64_t wanted = calls * look_every_ns / spent_ns + 1;
        self.next_look = self.calls + (wanted < most_calls_between_looks ? wanted : most_calls_between_looks);
    } else {
        self.next_look = self.calls + 64;
    }
    if (self.calls >= calls_before_memory && !memory_added.exchange(true)) {
        add_memory_and_faults();
    }
    self.looked_at_calls = self.calls;
    self.last_ns = now_ns;
}

void count_call() {
    if (++self.calls >= self.next_look) {
        look();
    }
}

[[gnu::constructor]] void read_options() {
    Dl_info own{};
    char path[4096];
    if (dladdr(reinterpret_cast<const void*>(&read_options), &own) == 0 ||
        static_cast<size_t>(snprintf(path, sizeof path, "%s.conf", own.dli_fname)) >= sizeof path) {
        return;
    }
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return;
    }
    char text[512];
    const ssize_t size = read(file, text, sizeof text - 1);
    close(file);
    text[size > 0 ? size : 0] = '\0';
    for (const char* line = text; *line != '\0'; ++line) {
        sscanf(line, "cpu=%lf", &cpu_share);
        sscanf(line, "memory=%zu", &memory_bytes);
        sscanf(line, "faults=%zu", &fault_pages);
        while (*line != '\0' && *line != '\n') {
            ++line;
        }
        if (*line == '\0') {
            break;
        }
    }
}

} // namespace

SLOWDOWN_EXPORT void* malloc(size_t size) {
    count_call();
    return __libc_malloc(size);
}
SLOWDOWN_EXPORT void* calloc(size_t count, size_t size) {
    count_call();
    return __libc_calloc(count, size);
}
SLOWDOWN_EXPORT void* realloc(void* block, size_t size) {
    count_call();
    return __libc_realloc(block, size);
}
SLOWDOWN_EXPORT void* memalign(size_t alignment, size_t size) {
    count_call();
    return __libc_memalign(alignment, size);
}
SLOWDOWN_EXPORT void* aligned_alloc(size_t alignment, size_t size) {
    count_call();
    return __libc_memalign(alignment, size);
}
SLOWDOWN_EXPORT int posix_memalign(void** out, size_t alignment, size_t size) {
    count_call();
    const bool power = alignment % sizeof(void*) == 0 && alignment != 0 && (alignment & (alignment - 1)) == 0;
    if (!power) {
        return EINVAL;
    }
    void* block = __libc_memalign(alignment, size);
    if (block == nullptr) {
        return ENOMEM;
    }
    *out = block;
    return 0;
}
SLOWDOWN_EXPORT void free(void* block) {
    count_call();
    __libc_free(block);
}
