#include "allocators/slabuddy/os.hpp"

#include <cerrno>
#include <ctime>
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace sb {
namespace {

constinit thread_local bool refused = false; // see OsRefusal

// Of the scope, whatever the kernel says in it: free() comes this way, too.
class KeptErrno {
  public:
    KeptErrno() : saved_(errno) {}
    ~KeptErrno() { errno = saved_; }
    KeptErrno(const KeptErrno&) = delete;
    KeptErrno& operator=(const KeptErrno&) = delete;

  private:
    int saved_;
};

} // namespace

OsRefusal::OsRefusal() : before_(refused) {
    refused = true;
}

OsRefusal::~OsRefusal() {
    refused = before_;
}

bool os_is_refused() {
    return refused;
}

size_t os_page_bytes() {
    static size_t bytes = 0; // racing threads store the same value
    size_t known = __atomic_load_n(&bytes, __ATOMIC_RELAXED);
    if (known == 0) {
        known = static_cast<size_t>(sysconf(_SC_PAGESIZE));
        __atomic_store_n(&bytes, known, __ATOMIC_RELAXED);
    }
    return known;
}

void* os_reserve(size_t bytes) {
    if (refused) {
        return nullptr;
    }
    const KeptErrno kept;
    void* at = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? nullptr : at;
}

bool os_commit(void* at, size_t bytes) {
    const KeptErrno kept;
    return !refused && mprotect(at, bytes, PROT_READ | PROT_WRITE) == 0;
}

void* os_map(size_t bytes) {
    if (refused) {
        return nullptr;
    }
    const KeptErrno kept;
    void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? nullptr : at;
}

void* os_map_named(size_t bytes, const char* name) {
    if (refused) {
        return nullptr;
    }
    const KeptErrno kept;
    const int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0) {
        return nullptr;
    }
    void* at = ftruncate(fd, static_cast<off_t>(bytes)) == 0
                   ? mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0)
                   : MAP_FAILED;
    close(fd);
    return at == MAP_FAILED ? nullptr : at;
}

void os_unmap(void* at, size_t bytes) {
    const KeptErrno kept;
    munmap(at, bytes); // refused only when the kernel has no map entries left; the range then stays unused
}

bool os_guard(void* at, size_t bytes) {
    const KeptErrno kept;
    return !refused && mprotect(at, bytes, PROT_NONE) == 0;
}

bool os_purge(void* at, size_t bytes) {
    const KeptErrno kept;
    return !refused && madvise(at, bytes, MADV_DONTNEED) == 0;
}

void* os_remap(void* at, size_t old_bytes, size_t new_bytes) {
    if (refused) {
        return nullptr;
    }
    const KeptErrno kept;
    void* moved = mremap(at, old_bytes, new_bytes, MREMAP_MAYMOVE);
    return moved == MAP_FAILED ? nullptr : moved;
}

size_t os_address_space_limit() {
    struct rlimit limit = {};
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return SIZE_MAX;
    }
    return limit.rlim_cur;
}

uint64_t os_now_ms() {
    struct timespec now = {};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1000000;
}

unsigned os_cpu() {
    const int cpu = sched_getcpu(); // glibc reads the rseq area, without a call into the kernel
    return cpu < 0 ? 0 : static_cast<unsigned>(cpu);
}

void os_write_error(const char* text, size_t bytes) {
    while (bytes > 0) {
        const ssize_t written = write(STDERR_FILENO, text, bytes);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return; // nobody is there to read it
        }
        text += written;
        bytes -= static_cast<size_t>(written);
    }
}

void os_sleep_ms(uint64_t ms) {
    const struct timespec nap = {static_cast<time_t>(ms / 1000), static_cast<long>(ms % 1000 * 1000000)};
    nanosleep(&nap, nullptr);
}

void os_yield() {
    const KeptErrno kept;
    sched_yield();
}

void os_wait(uint32_t* word, uint32_t value) {
    if (!refused) {
        const KeptErrno kept; // EAGAIN where the word has changed
        syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
    }
}

void os_wake_one(uint32_t* word) {
    const KeptErrno kept;
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

} // namespace sb
