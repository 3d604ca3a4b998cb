// A trace as a plan of the stress tests: whatever is read can be carried out, one step after the other.
#include "workloads/stress/random/plan_trace.hpp"
#include "fuzz/file_of.hpp"
#include "fuzz/mend_checksums.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const faultline::fuzz::FileOf file(data, size);
    const auto kept = faultline::stress::read_trace(file.path());
    if (!kept) {
        return 0;
    }
    std::vector<bool> made(kept->blocks + 1U);
    std::vector<bool> living(kept->blocks + 1U);
    for (const faultline::stress::Step& step : kept->steps) {
        if (step.thread >= kept->threads) {
            std::abort();
        }
        if (const std::uint32_t given = step.given_up()) {
            if (!living.at(given)) {
                std::abort(); // a block that is not alive
            }
            living[given] = false;
        }
        if (step.makes()) {
            if (step.block == 0 || made.at(step.block)) {
                std::abort(); // a number that is no block's, or twice the same
            }
            made[step.block] = living[step.block] = true;
        }
    }
    return 0;
}
