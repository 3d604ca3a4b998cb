#include "workloads/stress/misuse/aftermath.hpp"

#include "workloads/stress/blocks.hpp"
#include "workloads/stress/voice.hpp"

#include <cstdlib>
#include <malloc.h>

namespace faultline::stress::misuse {
namespace {

bool overlap(const void* a, std::size_t a_bytes, const void* b, std::size_t b_bytes) {
    const auto a_begin = reinterpret_cast<std::uintptr_t>(a);
    const auto b_begin = reinterpret_cast<std::uintptr_t>(b);
    return a_begin < b_begin + b_bytes && b_begin < a_begin + a_bytes;
}

} // namespace

void go_on(std::size_t size, const void* live, std::size_t live_bytes) {
    survived();
    constexpr unsigned most = 200;
    static void* blocks[most];
    const unsigned count = size > 1'000'000 ? 4 : most;
    for (unsigned round = 0; round < 3; ++round) {
        for (unsigned i = 0; i < count; ++i) {
            blocks[i] = opaque(std::malloc(size));
            for (unsigned other = 0; other < i && blocks[i] != nullptr; ++other) {
                if (overlap(blocks[i], size, blocks[other], size)) {
                    corrupted("malloc(%zu) handed out %p to two owners", size, blocks[i]);
                    return;
                }
            }
            if (live != nullptr && blocks[i] != nullptr && overlap(blocks[i], size, live, live_bytes)) {
                corrupted("malloc(%zu) handed out %p, inside a live block", size, blocks[i]);
                return;
            }
            if (blocks[i] != nullptr) {
                write_pattern(blocks[i], size, i);
            }
        }
        for (unsigned i = 0; i < count; ++i) {
            if (blocks[i] != nullptr && first_unlike(blocks[i], size, i) != no_such_byte) {
                corrupted("a block handed out later is not what was written to it");
                return;
            }
            std::free(blocks[i]);
        }
    }
}

Neighbourhood::Neighbourhood(std::size_t size) {
    for (unsigned i = 0; i < count; ++i) {
        blocks_[i] = opaque(std::malloc(size));
        sizes_[i] = ::malloc_usable_size(blocks_[i]); // all of it is ours
        write_pattern(blocks_[i], sizes_[i], i);
    }
}

void Neighbourhood::look() const {
    survived();
    for (unsigned i = 0; i < count; ++i) {
        if (i != count / 2 && first_unlike(blocks_[i], sizes_[i], i) != no_such_byte) {
            corrupted("the content of a neighbour was overwritten");
            return;
        }
    }
}

void Neighbourhood::release() {
    for (void*& block : blocks_) {
        std::free(block);
        block = nullptr;
    }
}

} // namespace faultline::stress::misuse
