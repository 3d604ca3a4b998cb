// Random operations on slabuddy's layers, linked instead of preloaded: what a sanitizer can watch.
// Usage: PROGRAM SECONDS SEED
#include "allocators/slabuddy/heap.hpp"
#include "workloads/stress/random/episodes.hpp"

#include <algorithm>
#include <cstdlib>
#include <unistd.h>

using namespace faultline::stress;

namespace {

void* allocate(const Step& step) {
    if (faultline::trace::has_alignment(step.op)) {
        return sb::allocate_aligned(std::max<std::size_t>(step.extra, 16), step.size);
    }
    return step.op == faultline::trace::Op::calloc ? sb::allocate_zeroed(step.size) : sb::allocate(step.size);
}
void* reallocate(void* old, const Step& step) {
    return sb::reallocate(old, step.size);
}
void release(void* block, const Step& /*maker*/) {
    sb::release(block);
}
std::size_t usable_size(void* block) {
    return sb::usable_size(block);
}

} // namespace

int main(int argc, char** argv) {
    OrdealOptions options;
    options.seconds = argc > 1 ? static_cast<unsigned>(std::strtoul(argv[1], nullptr, 10)) : 3;
    options.seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
    sb::heap_start(environ);
    static Pulse pulse;
    run_episodes({allocate, reallocate, release, usable_size}, options, pulse);
}
