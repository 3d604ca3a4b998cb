#include "allocators/slabuddy/tests/refusals.hpp"

#include <cerrno>
#include <cstddef>
#include <pthread.h>
#include <sys/mman.h>

namespace refusals {

std::atomic<long> calls = 0;
long first = 0;
bool the_rest = false;
bool (*is_time)() = nullptr;

} // namespace refusals

namespace {

bool refuse() {
    if (refusals::is_time != nullptr && !refusals::is_time()) {
        return false;
    }
    const long call = ++refusals::calls;
    return refusals::first != 0 &&
           (call == refusals::first || (refusals::the_rest && call > refusals::first));
}

} // namespace

extern "C" {
void* __real_mmap(void* at, size_t bytes, int protection, int flags, int file, off_t offset);
int __real_munmap(void* at, size_t bytes);
int __real_mprotect(void* at, size_t bytes, int protection);
int __real_madvise(void* at, size_t bytes, int advice);
void* __real_mremap(void* at, size_t old_bytes, size_t bytes, int flags, ...);
int __real_pthread_setspecific(pthread_key_t key, const void* value);

void* __wrap_mmap(void* at, size_t bytes, int protection, int flags, int file, off_t offset) {
    if (refuse()) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return __real_mmap(at, bytes, protection, flags, file, offset);
}
int __wrap_munmap(void* at, size_t bytes) {
    if (refuse()) {
        errno = ENOMEM;
        return -1;
    }
    return __real_munmap(at, bytes);
}
int __wrap_mprotect(void* at, size_t bytes, int protection) {
    if (refuse()) {
        errno = ENOMEM;
        return -1;
    }
    return __real_mprotect(at, bytes, protection);
}
int __wrap_madvise(void* at, size_t bytes, int advice) {
    if (refuse()) {
        errno = EINVAL;
        return -1;
    }
    return __real_madvise(at, bytes, advice);
}
void* __wrap_mremap(void* at, size_t old_bytes, size_t bytes, int flags, ...) {
    if (refuse()) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return __real_mremap(at, old_bytes, bytes, flags);
}
int __wrap_pthread_setspecific(pthread_key_t key, const void* value) {
    return refuse() ? ENOMEM : __real_pthread_setspecific(key, value);
}
}
