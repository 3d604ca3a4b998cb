// The API as bytes choose: each operation is two bytes (what, and a size or a block), blocks carry a mark at both ends, and
// the invariants are checked at the end of each input. A libFuzzer target with clang; otherwise a program that replays the
// inputs of the corpus directories named as arguments.
#include "allocators/slabuddy/check.hpp"
#include "allocators/slabuddy/heap.hpp"
#include "allocators/slabuddy/purge.hpp"
#include "allocators/slabuddy/slabuddy.h"
#include "allocators/slabuddy/stats.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

namespace {

struct Block {
    unsigned char* at;
    size_t bytes;
    sb_kmem_cache* cache; // or NULL
};

[[noreturn]] void fail(const char* what) {
    fprintf(stderr, "fuzz_api: %s\n", what);
    abort();
}

// From a byte: every class, every order, and a few that are large.
size_t size_of(uint8_t value) {
    return value < 128 ? size_t{value} * 9 : (size_t{value} - 127) * (size_t{value} - 127) * 1500;
}

class Run {
  public:
    Run() {
        for (size_t i = 0; i < caches_.size(); ++i) {
            caches_[i] = sb_kmem_cache_create("fuzz", 8 + i * 1000, 0, 0, nullptr);
        }
    }
    ~Run() {
        while (!blocks_.empty()) {
            release(0);
        }
        for (sb_kmem_cache* cache : caches_) {
            if (sb_kmem_cache_destroy(cache) != 0) {
                fail("a cache keeps objects");
            }
        }
        sb::purge_all();
        if (const char* broken = sb::check_all()) {
            fail(broken);
        }
        if (sb::totals().live_bytes + sb::totals().area_bytes != 0) {
            fail("something is still in use");
        }
    }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    void step(uint8_t what, uint8_t value) {
        const size_t bytes = size_of(value);
        switch (what % 12) {
        case 0:
            return keep(sb::allocate(bytes), bytes);
        case 1:
            return keep(zero(sb::allocate_zeroed(bytes), bytes), bytes);
        case 2:
            return keep(sb::allocate_aligned(size_t{16} << what / 16, bytes), bytes);
        case 3:
            return keep(sb_kvmalloc(bytes + 1, SB_GFP_KERNEL), bytes + 1);
        case 4:
            return keep(sb_vmalloc(bytes + 1), bytes + 1);
        case 5:
            return keep(sb_alloc_pages_exact(bytes + 1, SB_GFP_KERNEL), bytes + 1);
        case 6:
            return keep(sb_kmalloc(bytes + 1, SB_GFP_NOWAIT | SB_GFP_NOWARN), bytes + 1);
        case 7: {
            sb_kmem_cache* cache = caches_[value % caches_.size()];
            return keep(sb_kmem_cache_alloc(cache, SB_GFP_KERNEL), sb_kmem_cache_size(cache), cache);
        }
        case 8:
            return resize(what, bytes + 1);
        case 9:
            if (value == 0) {
                sb::purge_all();
            }
            [[fallthrough]];
        default:
            if (!blocks_.empty()) {
                release(value % blocks_.size());
            }
        }
    }

  private:
    void* zero(void* block, size_t bytes) {
        const auto* at = static_cast<const char*>(block);
        for (size_t i = 0; block && i < bytes; i += 1 + bytes / 64) {
            if (at[i] != 0) {
                fail("calloc gave something other than zeros");
            }
        }
        return block;
    }

    void keep(void* block, size_t bytes, sb_kmem_cache* cache = nullptr) {
        if (block) {
            blocks_.push_back({static_cast<unsigned char*>(block), bytes, cache});
            mark(blocks_.back());
        }
    }

    static unsigned char mark_of(const Block& block) {
        return static_cast<unsigned char>(reinterpret_cast<uintptr_t>(block.at) >> 4 ^ block.bytes);
    }
    static void mark(const Block& block) {
        if (block.bytes > 0) {
            block.at[0] = block.at[block.bytes - 1] = mark_of(block);
        }
    }
    static void expect_marked(const Block& block) {
        if (block.bytes > 0 &&
            (block.at[0] != mark_of(block) || block.at[block.bytes - 1] != mark_of(block))) {
            fail("a block lost its content");
        }
    }

    void resize(uint8_t which, size_t bytes) {
        if (blocks_.empty()) {
            return;
        }
        Block& block = blocks_[which % blocks_.size()];
        expect_marked(block);
        if (block.cache) {
            return;
        }
        const unsigned char first = mark_of(block);
        const size_t before = block.bytes;
        if (void* moved = sb::reallocate(block.at, bytes)) {
            block.at = static_cast<unsigned char*>(moved);
            block.bytes = bytes;
            if (before > 0 && block.at[0] != first) {
                fail("realloc lost the content");
            }
            mark(block);
        }
    }

    void release(size_t index) {
        const Block block = blocks_[index];
        expect_marked(block);
        blocks_[index] = blocks_.back();
        blocks_.pop_back();
        if (block.cache) {
            sb_kmem_cache_free(block.cache, block.at);
        } else {
            sb::release(block.at);
        }
    }

    std::vector<Block> blocks_;
    std::array<sb_kmem_cache*, 3> caches_ = {};
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
    Run run;
    for (size_t i = 0; i + 1 < bytes; i += 2) {
        run.step(data[i], data[i + 1]);
    }
    return 0;
}

#ifndef SLABUDDY_LIBFUZZER
int main(int argc, char** argv) {
    int inputs = 0;
    for (int i = 1; i < argc; ++i) {
        for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
            std::ifstream file(entry.path(), std::ios::binary);
            const std::vector<char> data{std::istreambuf_iterator<char>(file), {}};
            LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(data.data()), data.size());
            ++inputs;
        }
    }
    printf("%d inputs replayed\n", inputs);
    return inputs > 0 ? 0 : 64;
}
#endif
