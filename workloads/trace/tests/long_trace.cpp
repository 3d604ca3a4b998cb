// usage: long_trace OPERATIONS FILE: writes a native trace of so many mallocs and frees on four threads, some 5 MB of
// blocks live, a fiftieth of them freed by another thread than the one that made them.
#include "workloads/engine/rng.hpp"
#include "workloads/trace/writer.hpp"

#include <cstdio>
#include <cstdlib>

using namespace faultline;

namespace {

constexpr unsigned threads = 4;
constexpr std::size_t blocks_of_thread = 10'000;
constexpr std::uint64_t most_bytes = 256;
constexpr unsigned foreign_share = 50;

Result<void> write(std::uint64_t operations, const char* path) {
    auto writer = trace::TraceWriter::create(path, 0);
    if (!writer) {
        return tl::unexpected(writer.error());
    }
    std::vector<std::uint64_t> live(threads * blocks_of_thread);
    engine::Rng rng(1);
    std::uint64_t done = 0;
    const auto add = [&](trace::Op op, unsigned thread, std::uint64_t pointer, std::uint64_t size) {
        return writer->add({.time = ++done,
                            .pointer = pointer,
                            .size = size,
                            .extra = 0,
                            .position = 0,
                            .thread = thread + 1,
                            .op = op});
    };
    while (done < operations) {
        const auto thread = static_cast<unsigned>(rng.below(threads));
        std::uint64_t& block = live[thread * blocks_of_thread + rng.below(blocks_of_thread)];
        Result<void> added;
        if (block == 0) {
            block = 16 * (done + 1);
            added = add(trace::Op::malloc, thread, block, 1 + rng.below(most_bytes));
        } else {
            const bool by_another = rng.below(foreign_share) == 0;
            added = add(trace::Op::free, by_another ? (thread + 1) % threads : thread,
                        std::exchange(block, 0), 0);
        }
        if (!added) {
            return added;
        }
    }
    return writer->finish();
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fputs("usage: long_trace OPERATIONS FILE\n", stderr);
        return 64;
    }
    if (const auto written = write(std::strtoull(argv[1], nullptr, 10), argv[2]); !written) {
        std::fprintf(stderr, "%s\n", written.error().line().c_str());
        return static_cast<int>(written.error().status);
    }
    return 0;
}
