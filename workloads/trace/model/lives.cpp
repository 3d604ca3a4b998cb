#include "workloads/trace/model/lives.hpp"

#include "workloads/trace/resolver.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace faultline::trace {
namespace {

void end(Lives& lives, const Block& old, std::uint32_t releaser) {
    Life& life = lives.blocks[old.definition];
    life.dead = lives.blocks.size();
    life.releaser = releaser;
}

void begin(Lives& lives, const Call& call, std::uint64_t time_ns) {
    if (lives.blocks.size() % Lives::stride == 0) {
        lives.born_ns.push_back(time_ns);
    }
    call.block->definition = lives.blocks.size();
    Life life;
    life.born = lives.blocks.size();
    life.size = call.bytes;
    life.maker = call.thread;
    life.op = call.op;
    life.alignment_log2 = has_alignment(call.op) && call.extra > 0
                              ? static_cast<std::uint8_t>(std::countr_zero(call.extra))
                              : 0;
    lives.blocks.push_back(life);
}

// The largest difference of the two samples' distribution functions.
double kolmogorov_smirnov(std::vector<std::uint64_t> a, std::vector<std::uint64_t> b) {
    if (a.empty() || b.empty()) {
        return a.empty() == b.empty() ? 0 : 1;
    }
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
    double largest = 0;
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < a.size() && j < b.size()) {
        const std::uint64_t value = std::min(a[i], b[j]);
        while (i < a.size() && a[i] == value) {
            ++i;
        }
        while (j < b.size() && b[j] == value) {
            ++j;
        }
        largest = std::max(largest, std::abs(static_cast<double>(i) / static_cast<double>(a.size()) -
                                             static_cast<double>(j) / static_cast<double>(b.size())));
    }
    return largest;
}

template <typename Value>
std::vector<std::uint64_t> values_of(const Lives& lives, Value value) {
    std::vector<std::uint64_t> values;
    values.reserve(lives.blocks.size());
    for (const Life& life : lives.blocks) {
        values.push_back(value(life));
    }
    return values;
}

double foreign_share(const Lives& lives) {
    std::uint64_t released = 0;
    std::uint64_t foreign = 0;
    for (const Life& life : lives.blocks) {
        released += life.ends() ? 1 : 0;
        foreign += life.ends() && life.releaser != life.maker ? 1 : 0;
    }
    return released == 0 ? 0 : static_cast<double>(foreign) / static_cast<double>(released);
}

} // namespace

Result<Lives> lives_of(EventSource& source) {
    Lives lives;
    Resolver resolver(source);
    std::vector<Event> events(4096);
    for (;;) {
        const Result<std::size_t> count = source.read(events);
        if (!count) {
            return tl::unexpected(count.error());
        }
        if (*count == 0) {
            break;
        }
        for (std::size_t i = 0; i < *count; ++i) {
            const Result<Call> call = resolver.resolve(events[i]);
            if (!call) {
                return tl::unexpected(call.error());
            }
            if (call->kind == Call::Kind::release || call->kind == Call::Kind::reallocate ||
                call->old_is_lost) {
                end(lives, call->old, call->thread);
            }
            if (call->kind == Call::Kind::allocate || call->kind == Call::Kind::reallocate) {
                begin(lives, *call, events[i].time);
            }
        }
    }
    resolver.finish();
    const TraceStats& stats = resolver.stats();
    lives.peak_live_bytes = stats.peak_live_bytes;
    lives.threads = static_cast<std::uint32_t>(stats.thread_names.size());
    lives.timed = source.info().timed;
    lives.first_ns = stats.first_time;
    lives.last_ns = stats.last_time;
    lives.born_ns.push_back(stats.last_time);
    return lives;
}

Distance distance(const Lives& first, const Lives& second) {
    const auto size = [](const Life& life) { return life.size; };
    const auto lifetime = [](const Life& life) { return life.ends() ? life.lifetime() : never; };
    return {.sizes = kolmogorov_smirnov(values_of(first, size), values_of(second, size)),
            .lifetimes = kolmogorov_smirnov(values_of(first, lifetime), values_of(second, lifetime)),
            .peak = first.peak_live_bytes == 0 ? 1
                                               : static_cast<double>(second.peak_live_bytes) /
                                                     static_cast<double>(first.peak_live_bytes),
            .foreign = foreign_share(second) - foreign_share(first)};
}

} // namespace faultline::trace
