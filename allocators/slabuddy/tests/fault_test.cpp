// Every system call the layers make is refused once, and once from there on for good: a scripted run gets NULL with ENOMEM
// or a whole block, loses no content, breaks no invariant and leaks nothing. Linked with refusals.cpp.
// Each run is in a process of its own, so it begins with the reservation of the zone.
#include "allocators/slabuddy/buddy.hpp"
#include "allocators/slabuddy/cache.hpp"
#include "allocators/slabuddy/check.hpp"
#include "allocators/slabuddy/heap.hpp"
#include "allocators/slabuddy/purge.hpp"
#include "allocators/slabuddy/slabuddy.h"
#include "allocators/slabuddy/stats.hpp"
#include "allocators/slabuddy/tests/refusals.hpp"

#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <gtest/gtest.h>
#include <pthread.h>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr size_t mebibyte = size_t{1} << 20;

struct Block {
    unsigned char* at;
    size_t bytes;
};
std::vector<Block> live;

[[noreturn]] void fail(const char* what) {
    fprintf(stderr, "call %ld%s refused: %s\n", refusals::first,
            refusals::the_rest ? " and all that follow" : "", what);
    _exit(1);
}

// Zeros are looked for at so many bytes of each end: all would take long.
constexpr size_t looked_at = 4096;

// A mark at both ends that says where the block is kept.
void mark(const Block& block, size_t index) {
    block.at[0] = static_cast<unsigned char>(index);
    block.at[block.bytes - 1] = static_cast<unsigned char>(index);
}

void expect_marked(const Block& block, size_t index) {
    if (block.at[0] != static_cast<unsigned char>(index) ||
        (block.bytes > 1 && block.at[block.bytes - 1] != static_cast<unsigned char>(index))) {
        fail("a block lost its content");
    }
}

// A failure must say ENOMEM.
bool got(void* block) {
    if (!block && errno != ENOMEM) {
        fail("NULL without ENOMEM");
    }
    errno = 0;
    return block != nullptr;
}

void keep(void* block, size_t bytes) {
    if (got(block)) {
        live.push_back({static_cast<unsigned char*>(block), bytes});
        mark(live.back(), live.size() - 1);
    }
}

void expect_zero(const void* block, size_t bytes) {
    static constexpr char zeros[looked_at] = {};
    const auto* at = static_cast<const char*>(block);
    const size_t looked = bytes < looked_at ? bytes : looked_at;
    if (block && (memcmp(at, zeros, looked) != 0 || memcmp(at + bytes - looked, zeros, looked) != 0)) {
        fail("calloc gave something other than zeros");
    }
}

void resize(size_t index, size_t bytes) {
    Block& block = live[index];
    expect_marked(block, index);
    void* moved = sb::reallocate(block.at, bytes);
    if (!got(moved)) {
        expect_marked(block, index);
        return;
    }
    if (static_cast<unsigned char*>(moved)[0] != static_cast<unsigned char>(index)) {
        fail("realloc lost the content");
    }
    block = {static_cast<unsigned char*>(moved), bytes};
    mark(block, index);
}

void release_half() {
    for (size_t i = live.size(); i-- > 0;) {
        if (i % 2) {
            expect_marked(live[i], i);
            sb::release(live[i].at);
            live[i] = live.back();
            live.pop_back();
            if (i < live.size()) {
                mark(live[i], i);
            }
        }
    }
}

void script() {
    errno = 0;
    live.reserve(4096);
    for (size_t bytes = 1; bytes < 18 * mebibyte; bytes = bytes * 3 + 1) {
        keep(sb::allocate(bytes), bytes);
        void* zeros = sb::allocate_zeroed(bytes);
        expect_zero(zeros, bytes);
        keep(zeros, bytes);
        keep(sb::allocate_aligned(4096, bytes), bytes);
    }
    release_half();
    for (int i = 0; i < 50; ++i) {
        keep(sb::allocate(30000), 30000);
    }
    for (size_t i = 0; i < live.size(); ++i) {
        resize(i, live[i].bytes * 2 + 1);
    }
    sb::purge_all();
    for (size_t i = 0; i < live.size(); i += 3) {
        resize(i, live[i].bytes / 3 + 1);
    }
    release_half();
    sb_kmem_cache* cache = sb_kmem_cache_create("faulty", 200, 0, 0, nullptr);
    if (cache) {
        std::vector<void*> objects;
        objects.reserve(2000);
        for (int i = 0; i < 700; ++i) {
            if (void* object = sb_kmem_cache_alloc(cache, SB_GFP_KERNEL | SB_GFP_NOWARN)) {
                objects.push_back(object);
            }
        }
        for (void* object : objects) {
            sb_kmem_cache_free(cache, object);
        }
        if (sb_kmem_cache_destroy(cache) != 0) {
            fail("the named cache keeps objects");
        }
    }
    sb_kvfree(sb_kvmalloc(mebibyte, SB_GFP_KERNEL | SB_GFP_NOWARN));
    sb_free_pages(sb_alloc_pages(SB_GFP_KERNEL | SB_GFP_NOWARN | SB_GFP_ZERO, 5), 5);
    for (size_t bytes = 5; bytes < 20 * mebibyte; bytes = bytes * 5 + 1) {
        void* zeros = sb::allocate_zeroed(bytes);
        expect_zero(zeros, bytes);
        keep(zeros, bytes);
    }
}

void finish() {
    for (size_t i = 0; i < live.size(); ++i) {
        expect_marked(live[i], i);
        sb::release(live[i].at);
    }
    live.clear();
    sb::purge_all();
    if (const char* broken = sb::check_all()) {
        fail(broken);
    }
    const sb::Totals left = sb::totals();
    if (left.live_bytes + left.area_bytes != 0) {
        fail("something is still in use");
    }
    // Back with a willing system, everything works.
    refusals::first = 0;
    for (const size_t bytes : {size_t{100}, 100000UL, 30 * mebibyte}) {
        void* block = sb::allocate(bytes);
        if (!block) {
            fail("no memory although the system gives some");
        }
        sb::release(block);
    }
    if (const char* broken = sb::check_all()) {
        fail(broken);
    }
}

// In a process of its own, with call `n` refused; true when the script made as many calls.
bool run(long n, bool and_the_rest, bool& passed) {
    const pid_t child = fork();
    if (child == 0) {
        refusals::calls = 0;
        refusals::first = n;
        refusals::the_rest = and_the_rest;
        sb::heap_start(environ);
        script();
        const bool reached = refusals::calls >= n;
        finish();
        _exit(reached ? 0 : 2);
    }
    int status = 0;
    waitpid(child, &status, 0);
    passed = WIFEXITED(status) && WEXITSTATUS(status) != 1;
    return !(WIFEXITED(status) && WEXITSTATUS(status) == 2);
}

class Faults : public testing::TestWithParam<bool> {};

TEST_P(Faults, OfEverySystemCallAreSurvived) {
    long n = 1;
    for (bool passed = true; run(n, GetParam(), passed); ++n) {
        ASSERT_TRUE(passed) << "with system call " << n << " refused";
    }
    EXPECT_GT(n, 50) << "the script makes hardly any calls";
    RecordProperty("calls", static_cast<int>(n - 1));
}
INSTANTIATE_TEST_SUITE_P(, Faults, testing::Bool(),
                         [](const auto& info) { return info.param ? "AndAllThatFollow" : "Once"; });

} // namespace
