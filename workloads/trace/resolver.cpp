#include "workloads/trace/resolver.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>

namespace faultline::trace {
namespace {

std::string hex(std::uint64_t pointer) {
    char text[20];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(pointer));
    return text;
}

} // namespace

std::size_t BlockTable::home_of(std::uint64_t pointer) const {
    // Fibonacci hashing: the high bits of the product are well mixed even for aligned addresses.
    const auto shift = static_cast<unsigned>(std::countl_zero(entries_.size() - 1));
    return static_cast<std::size_t>((pointer * 0x9e3779b97f4a7c15u) >> shift);
}

std::size_t BlockTable::index_of(std::uint64_t pointer) const {
    std::size_t at = home_of(pointer);
    while (entries_[at].pointer != 0 && entries_[at].pointer != pointer) {
        at = (at + 1) & (entries_.size() - 1);
    }
    return at;
}

Block* BlockTable::find(std::uint64_t pointer) {
    Entry& entry = entries_[index_of(pointer)];
    return entry.pointer == 0 ? nullptr : &entry.block;
}

Block& BlockTable::insert(std::uint64_t pointer, const Block& block) {
    if ((count_ + 1) * 2 > entries_.size()) {
        grow();
    }
    Entry& entry = entries_[index_of(pointer)];
    entry = {pointer, block};
    ++count_;
    return entry.block;
}

void BlockTable::erase(std::uint64_t pointer) {
    const std::size_t mask = entries_.size() - 1;
    std::size_t hole = index_of(pointer);
    // Moves later entries of the chain into the hole, so that no marks of the dead are needed.
    for (std::size_t at = (hole + 1) & mask; entries_[at].pointer != 0; at = (at + 1) & mask) {
        const std::size_t home = home_of(entries_[at].pointer);
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            entries_[hole] = entries_[at];
            hole = at;
        }
    }
    entries_[hole].pointer = 0;
    --count_;
}

void BlockTable::grow() {
    std::vector<Entry> before(entries_.size() * 2);
    before.swap(entries_);
    for (const Entry& entry : before) {
        if (entry.pointer != 0) {
            entries_[index_of(entry.pointer)] = entry;
        }
    }
}

std::vector<std::string> TraceStats::notes() const {
    std::vector<std::string> all;
    const auto say = [&](std::uint64_t count, const char* what) {
        if (count != 0) {
            all.push_back(std::to_string(count) + " " + what);
        }
    };
    say(failed_calls, "call(s) that returned NULL are left out");
    say(unknown_releases, "release(s) of blocks whose allocation is not in the trace are left out");
    say(lost_releases, "block(s) whose address came back without a release are taken as freed then");
    say(zero_reallocs,
        "realloc(s) to 0 bytes are kept as a free, or as one of 1 byte where a block came back");
    return all;
}

tl::unexpected<Error> Resolver::bad(const Event& event, std::string what) const {
    return fail(Exit::data, source_.place(event), std::move(what),
                "the trace is damaged or not whole: record it again");
}

std::uint32_t Resolver::dense_thread(std::uint32_t name) {
    if (!stats_.thread_names.empty() && name == last_name_) {
        return last_dense_;
    }
    const auto [at, is_new] = dense_.try_emplace(name, static_cast<std::uint32_t>(dense_.size()));
    if (is_new) {
        stats_.thread_names.push_back(name);
        stats_.operations_of_thread.push_back(0);
        pending_.emplace_back();
    }
    last_name_ = name;
    last_dense_ = at->second;
    return last_dense_;
}

Result<void> Resolver::check_size(const Event& event) const {
    std::uint64_t bytes = event.size;
    const bool overflows = event.op == Op::calloc && __builtin_mul_overflow(event.size, event.extra, &bytes);
    if (overflows || bytes >= size_limit) {
        return bad(event, overflows
                              ? "the size overflows 64 bits"
                              : "a size of " + std::to_string(bytes) + " bytes is beyond any address space");
    }
    if (has_alignment(event.op) && (event.extra >= size_limit || (event.extra & (event.extra - 1)) != 0)) {
        return bad(event, "an alignment of " + std::to_string(event.extra) + " is not a power of two");
    }
    return {};
}

Result<bool> Resolver::take(const Event& event, std::uint64_t pointer, std::uint32_t thread, Block& block) {
    const Block* found = blocks_.find(pointer);
    if (found == nullptr) {
        if (source_.info().partial) {
            ++stats_.unknown_releases;
            return false;
        }
        return bad(event, "releases " + hex(pointer) + ", which is not allocated");
    }
    block = *found;
    blocks_.erase(pointer);
    stats_.cross_thread_releases += block.thread != thread ? 1 : 0;
    stats_.live_bytes -= block.size;
    return true;
}

Result<Call> Resolver::resolve(const Event& event) {
    Call call;
    call.op = event.op;
    call.thread = dense_thread(event.thread);
    call.extra = event.extra;
    if (stats_.first_time == 0) {
        stats_.first_time = event.time;
    }
    stats_.last_time = event.time;
    switch (event.op) {
    case Op::free:
    case Op::op_delete:
    case Op::op_delete_aligned:
        return release(event, call);
    case Op::realloc_from:
        return begin_realloc(event, call);
    case Op::realloc_to:
        return end_realloc(event, call);
    case Op::thread_start:
    case Op::thread_end:
        return call;
    default:
        return allocate(event, call);
    }
}

Result<Call> Resolver::allocate(const Event& event, Call call) {
    if (event.pointer == 0) {
        ++stats_.failed_calls;
        return call;
    }
    if (auto checked = check_size(event); !checked) {
        return tl::unexpected(checked.error());
    }
    call.bytes = event.bytes();
    if (blocks_.find(event.pointer) != nullptr) {
        if (!source_.info().partial) {
            return bad(event, "allocates " + hex(event.pointer) + ", which is still allocated");
        }
        call.old_is_lost = true;
        ++stats_.lost_releases;
        if (auto taken = take(event, event.pointer, call.thread, call.old); !taken) {
            return tl::unexpected(taken.error());
        }
    }
    if (call.kind == Call::Kind::none) {
        call.kind = Call::Kind::allocate;
    }
    call.block = &blocks_.insert(event.pointer, Block{call.thread, 0, call.bytes, 0});
    count(call);
    return call;
}

Result<Call> Resolver::release(const Event& event, Call call) {
    if (event.pointer == 0) {
        call.kind = Call::Kind::release_null;
        ++stats_.null_frees;
        count(call);
        return call;
    }
    const Result<bool> taken = take(event, event.pointer, call.thread, call.old);
    if (!taken) {
        return tl::unexpected(taken.error());
    }
    if (*taken) {
        call.kind = Call::Kind::release;
        count(call);
    }
    return call;
}

Result<Call> Resolver::begin_realloc(const Event& event, const Call& call) {
    Pending& pending = pending_[call.thread];
    if (pending.is_open) {
        return bad(event, "begins a realloc inside of another on the same thread");
    }
    pending = {true, event.pointer, false, {}};
    if (event.pointer != 0) {
        const Result<bool> taken = take(event, event.pointer, call.thread, pending.block);
        if (!taken) {
            return tl::unexpected(taken.error());
        }
        pending.has_block = *taken;
    }
    return call;
}

Result<Call> Resolver::end_realloc(const Event& event, Call call) {
    Pending& pending = pending_[call.thread];
    if (!pending.is_open) {
        return bad(event, "ends a realloc that did not begin");
    }
    pending.is_open = false;
    call.old = pending.block;
    if (event.pointer == 0) {
        if (event.size == 0 && pending.has_block) {
            ++stats_.zero_reallocs;
            call.kind = Call::Kind::release;
            call.op = Op::free;
            count(call);
            return call;
        }
        ++stats_.failed_calls;
        if (pending.has_block) { // a realloc that fails leaves the old block as it was
            stats_.cross_thread_releases -= pending.block.thread != call.thread ? 1 : 0;
            stats_.live_bytes += pending.block.size;
            blocks_.insert(pending.pointer, pending.block);
        }
        return call;
    }
    if (!pending.has_block) {
        return allocate(event, call); // realloc(NULL, n)
    }
    if (blocks_.find(event.pointer) != nullptr && source_.info().partial) {
        // Rare enough: the lost block is forgotten and stays live in a replay, as one whose release was lost.
        Block lost;
        ++stats_.lost_releases;
        if (auto taken = take(event, event.pointer, call.thread, lost); !taken) {
            return tl::unexpected(taken.error());
        }
        stats_.live_bytes += lost.size;
        unfinished_.push_back(lost);
    }
    Event sized = event;
    if (event.size == 0) {
        ++stats_.zero_reallocs;
        sized.size = 1;
    }
    call.kind = Call::Kind::reallocate;
    return allocate(sized, call);
}

void Resolver::finish() {
    for (Pending& pending : pending_) {
        if (pending.is_open && pending.has_block) {
            stats_.live_bytes += pending.block.size;
            unfinished_.push_back(pending.block);
        }
        pending.is_open = false;
    }
    stats_.live_blocks = blocks_.size() + unfinished_.size();
}

void Resolver::count(const Call& call) {
    ++stats_.operations;
    ++stats_.operations_of_thread[call.thread];
    ++stats_.calls[static_cast<unsigned>(call.op)];
    if (allocates(call.op)) {
        stats_.requested_bytes += call.bytes;
        stats_.live_bytes += call.bytes;
        stats_.peak_live_bytes = std::max(stats_.peak_live_bytes, stats_.live_bytes);
        stats_.largest_bytes = std::max(stats_.largest_bytes, call.bytes);
        ++stats_.sizes[std::bit_width(call.bytes)];
    }
}

} // namespace faultline::trace
