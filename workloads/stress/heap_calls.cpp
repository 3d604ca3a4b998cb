#include "workloads/stress/heap_calls.hpp"

#include <cerrno>
#include <cstdlib>
#include <malloc.h>
#include <new>

namespace faultline::stress {
namespace {

void* allocate(How how, std::size_t size, std::size_t alignment) {
    void* block = nullptr;
    switch (how) {
    case How::malloc:
        return std::malloc(size);
    case How::calloc:
        return std::calloc(size / 8, 8);
    case How::aligned:
        return ::memalign(alignment, size);
    case How::posix_aligned:
        errno = ::posix_memalign(&block, alignment, size);
        return block;
    case How::cxx:
        block = ::operator new(size, std::nothrow);
        errno = block == nullptr ? ENOMEM : 0; // C++ promises nothing of errno
        return block;
    }
    return nullptr;
}

void release(void* block, How how) {
    how == How::cxx ? ::operator delete(block) : std::free(block);
}

} // namespace

const HeapCalls process_heap = {allocate, std::realloc, release, [] { ::malloc_trim(0); }};

} // namespace faultline::stress
