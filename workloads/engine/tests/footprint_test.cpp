#include "workloads/engine/footprint.hpp"

#include <cstring>
#include <gtest/gtest.h>
#include <sys/mman.h>

using namespace faultline::engine;

TEST(Footprint, SeesWhatBecomesResidentAndWhatGoes) {
    constexpr std::size_t bytes = 16 << 20;
    Arena arena;
    Footprint footprint;
    footprint.prepare(arena, 2);
    footprint.begin();
    void* const block = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(block, MAP_FAILED);
    std::memset(block, 1, bytes);
    footprint.sample(bytes);
    munmap(block, bytes);
    footprint.sample(0);
    footprint.sample(1); // beyond what was prepared: dropped
    ASSERT_EQ(footprint.samples().size(), 2U);
    const FootprintSample full = footprint.samples()[0];
    const FootprintSample gone = footprint.samples()[1];
    EXPECT_EQ(full.live_bytes, bytes);
    EXPECT_GE(full.resident_bytes, bytes);
    EXPECT_LT(full.resident_bytes, bytes + (4 << 20));
    EXPECT_LT(gone.resident_bytes, std::size_t{4} << 20);
    EXPECT_GE(gone.at_ns, full.at_ns);
}
