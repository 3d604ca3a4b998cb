// calloc gives zeros, whatever was in the memory before.
#include "workloads/stress/blocks.hpp"
#include "workloads/stress/conformance/tables.hpp"
#include "workloads/stress/voice.hpp"

#include <cstdlib>
#include <cstring>

namespace faultline::stress::conformance {
namespace {

void calloc_zero_after_reuse(const Task& /*task*/) {
    for (const std::size_t size :
         {1UL, 16UL, 24UL, 100UL, 1000UL, 5000UL, 33000UL, 70000UL, 300000UL, 3000000UL}) {
        for (int round = 0; round < 50; ++round) {
            auto* dirty = static_cast<unsigned char*>(std::malloc(size));
            FAULTLINE_EXPECT(dirty != nullptr, "malloc(%zu) returned NULL", size);
            std::memset(dirty, 0xff, size);
            std::free(opaque(dirty));
            auto* block = static_cast<unsigned char*>(std::calloc(size, 1));
            FAULTLINE_EXPECT(block != nullptr, "calloc(%zu, 1) returned NULL", size);
            const std::size_t at = first_other(block, size, 0);
            FAULTLINE_EXPECT(at == no_such_byte, "byte %zu of calloc(%zu, 1) is 0x%02x, not 0", at, size,
                             block[at]);
            std::memset(block, 0xff, size);
            std::free(opaque(block));
        }
    }
}

constexpr Check checks[] = {
    {"conformance.calloc-zero-after-reuse", "calloc gives zeros also where memory is used again",
     "C17 7.22.3.2", calloc_zero_after_reuse},
};

} // namespace

std::span<const Check> zeroing_checks() {
    return checks;
}

} // namespace faultline::stress::conformance
