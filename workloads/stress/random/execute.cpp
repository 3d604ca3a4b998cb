#include "workloads/stress/random/execute.hpp"

#include "workloads/engine/team.hpp"
#include "workloads/stress/random/child.hpp"
#include "workloads/stress/random/pattern.hpp"
#include "workloads/stress/voice.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <ctime>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace faultline::stress {
namespace {

using trace::Op;

// Nobody here yields, as std::atomic's wait does before it sleeps: where others want the processor, too, each yield costs
// a slice of every one of them, and an episode half a minute. Who has slept is woken before them.
constexpr unsigned most_spins = 2000;         // of a thread that waits for another's block; then it sleeps
constexpr std::uint32_t not_yet = UINT32_MAX; // no step
constexpr int errno_mark = 4242;              // no error number: whoever changes it shows

const char* name_of(Op op) {
    switch (op) {
    case Op::malloc:
        return "malloc";
    case Op::calloc:
        return "calloc";
    case Op::realloc_to:
        return "realloc";
    case Op::memalign:
        return "memalign";
    case Op::aligned_alloc:
        return "aligned_alloc";
    case Op::posix_memalign:
        return "posix_memalign";
    case Op::op_new:
        return "operator new";
    case Op::op_new_aligned:
        return "aligned operator new";
    case Op::op_delete:
    case Op::op_delete_aligned:
        return "operator delete";
    default:
        return op == op_fork ? "fork" : "free";
    }
}

} // namespace

Executor::Executor(const Calls& calls, const Limits& limits, std::atomic<std::uint64_t>& progress)
    : calls_(calls), progress_(progress), living_(arena_.array<Living>(limits.blocks + 1)),
      order_(arena_.array<std::uint32_t>(limits.steps + 1)),
      starts_(arena_.array<std::uint32_t>(limits.threads + 1)),
      workers_(arena_.array<Worker>(limits.threads)) {}

std::uint64_t Executor::key_of(std::uint32_t block) const {
    return nature_of(block) ^ engine::mix64(seed_);
}

void Executor::accuse(std::uint32_t at, const void* block, const char* format, ...) {
    char what[384];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    const Step& step = plan_.steps[at];
    if (step.op == op_fork) {
        fail("fork: %s (%s, step %u, thread %u)", what, name_, at, step.thread);
    }
    fail("%s of %llu bytes at %p: %s (%s, step %u, thread %u)", name_of(step.op),
         static_cast<unsigned long long>(step.size), block, what, name_, at, step.thread);
}

// Sorts the steps by thread and finds out who gives up each block.
void Executor::lay_out(const Plan& plan) {
    plan_ = plan;
    std::fill(starts_.begin(), starts_.end(), 0);
    for (const Step& step : plan.steps) {
        ++starts_[step.thread + 1];
    }
    for (std::uint32_t thread = 0; thread < plan.threads; ++thread) {
        starts_[thread + 1] += starts_[thread];
    }
    for (std::uint32_t at = 0; at < plan.steps.size(); ++at) {
        const Step& step = plan.steps[at];
        order_[starts_[step.thread]++] = at;
        if (step.makes()) {
            Living& living = living_[step.block];
            living.address.store(0, std::memory_order_relaxed);
            living.maker = at;
            living.user = UINT32_MAX;
        }
        if (const std::uint32_t block = step.given_up()) {
            living_[block].user = step.thread;
        }
    }
    for (std::uint32_t thread = plan.threads; thread > 0; --thread) {
        starts_[thread] = starts_[thread - 1];
    }
    starts_[0] = 0;
}

void Executor::perform(const Plan& plan, Order order, std::uint64_t seed, const char* name) {
    how_ = order;
    seed_ = seed;
    name_ = name;
    lay_out(plan);
    for (Worker& worker : workers_.first(plan.threads)) {
        worker.turn.store(not_yet, std::memory_order_relaxed);
    }
    hand_over_to(0);
    for (std::uint32_t thread = 0; thread < plan.threads; ++thread) {
        if (thread >= plan.lanes) {
            engine::join_thread(workers_[thread - plan.lanes].handle);
        }
        workers_[thread].executor = this;
        workers_[thread].thread = thread;
        workers_[thread].handle = engine::start_thread(thread_main, &workers_[thread]);
    }
    for (std::uint32_t thread = plan.threads - std::min(plan.threads, plan.lanes); thread < plan.threads;
         ++thread) {
        engine::join_thread(workers_[thread].handle);
    }
    // What the plan leaves behind: a trace may end with blocks alive.
    for (std::uint32_t block = 1; block <= plan.blocks; ++block) {
        Living& living = living_[block];
        if (living.address.load(std::memory_order_relaxed) != 0) {
            const std::uint32_t maker = living.maker;
            calls_.release(reinterpret_cast<void*>(take(maker, living)), plan.steps[maker]);
        }
    }
}

void* Executor::thread_main(void* argument) {
    auto* worker = static_cast<Worker*>(argument);
    worker->executor->run_thread(worker->thread);
    return nullptr;
}

// It is the turn of step `at`: wakes the thread whose step that is and no other, since each would want a processor to see
// that it is not its turn.
void Executor::hand_over_to(std::uint32_t at) {
    if (at < plan_.steps.size()) {
        std::atomic<std::uint32_t>& turn = workers_[plan_.steps[at].thread].turn;
        turn.store(at, std::memory_order_release);
        ::syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    }
}

void Executor::run_thread(std::uint32_t thread) {
    const std::atomic<std::uint32_t>& turn = workers_[thread].turn;
    for (std::uint32_t i = starts_[thread]; i < starts_[thread + 1]; ++i) {
        const std::uint32_t at = order_[i];
        if (how_ == Order::planned) {
            for (std::uint32_t seen = 0; (seen = turn.load(std::memory_order_acquire)) != at;) {
                ::syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
            }
        }
        step(at);
        progress_.fetch_add(1, std::memory_order_relaxed);
        if (how_ == Order::planned) {
            hand_over_to(at + 1);
        }
    }
}

void Executor::step(std::uint32_t at) {
    const Step& step = plan_.steps[at];
    if (step.op == op_fork) {
        fork_here(at);
    } else if (step.op == Op::realloc_to) {
        resize(at);
    } else if (step.makes()) {
        make(at);
    } else {
        give_up(at);
    }
}

Executor::Living& Executor::wait_for(std::uint32_t block) {
    Living& living = living_[block];
    for (unsigned tries = 0; living.address.load(std::memory_order_acquire) == 0; ++tries) {
        if (tries > most_spins) { // the other thread is far behind: it needs the processor more
            constexpr timespec moment = {0, 1'000};
            nanosleep(&moment, nullptr);
        }
    }
    return living;
}

void Executor::accept(std::uint32_t at, void* block) {
    const Step& step = plan_.steps[at];
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    Living& living = living_[step.block];
    if (address % alignment_of(step) != 0) {
        accuse(at, block, "is not aligned to %zu", alignment_of(step));
    }
    const std::size_t said = calls_.usable_size(block);
    if (said != 0 && said < step.size) {
        accuse(at, block, "malloc_usable_size says %zu", said);
    }
    const std::size_t usable = std::max<std::size_t>(said, step.size);
    if (const std::uintptr_t taken = index_.add(address, usable)) {
        accuse(at, block, "the byte at offset %zd of %zu usable ones belongs to another living block",
               static_cast<ptrdiff_t>(taken - address), usable);
    }
    if (step.op == Op::calloc) {
        if (const std::size_t other = first_not_zero(block, step.size); other != all_as_written) {
            accuse(at, block, "the byte at offset %zu is not zero", other);
        }
    }
    // Programs do use what malloc_usable_size gives them; half of the blocks here do.
    living.written = nature_of(step.block) % 32 < 16 ? usable : step.size;
    living.taken = usable;
    write_pattern_of(block, living.written, key_of(step.block));
    living.address.store(address, std::memory_order_release);
}

// Checks a block that is about to be given up and takes it out of the index.
std::uintptr_t Executor::take(std::uint32_t at, Living& living) {
    const std::uintptr_t address = living.address.load(std::memory_order_relaxed);
    const Step& maker = plan_.steps[living.maker];
    void* block = reinterpret_cast<void*>(address);
    const std::size_t other = first_difference(block, living.written, living.written, key_of(maker.block));
    if (other != all_as_written) {
        accuse(at, block, "before it, the byte at offset %zu of the block of %llu bytes was not as written",
               other, static_cast<unsigned long long>(maker.size));
    }
    if (const std::size_t said = calls_.usable_size(block); said != 0 && said < maker.size) {
        accuse(at, block, "before it, malloc_usable_size said %zu of the block of %llu bytes", said,
               static_cast<unsigned long long>(maker.size));
    }
    index_.remove(address, living.taken);
    living.address.store(0, std::memory_order_relaxed);
    return address;
}

void Executor::make(std::uint32_t at) {
    const Step& step = plan_.steps[at];
    void* block = calls_.allocate(step);
    if (block == nullptr) {
        accuse(at, block, "gave NULL (errno %d)", errno);
    }
    accept(at, block);
}

void Executor::resize(std::uint32_t at) {
    const Step& step = plan_.steps[at];
    if (step.old == 0) {
        void* block = calls_.reallocate(nullptr, step);
        if (block == nullptr) {
            accuse(at, block, "of NULL gave NULL (errno %d)", errno);
        }
        accept(at, block);
        return;
    }
    Living& old = wait_for(step.old);
    const std::uint64_t old_size = plan_.steps[old.maker].size;
    const std::uint64_t written = old.written;
    const std::uintptr_t from = take(at, old);
    void* block = calls_.reallocate(reinterpret_cast<void*>(from), step);
    if (block == nullptr) {
        accuse(at, block, "of %p gave NULL (errno %d)", reinterpret_cast<void*>(from), errno);
    }
    const std::size_t kept = std::min(old_size, step.size);
    if (const std::size_t other = first_difference(block, written, kept, key_of(step.old));
        other != all_as_written) {
        accuse(at, block, "the byte at offset %zu of the block of %llu bytes at %p was lost", other,
               static_cast<unsigned long long>(old_size), reinterpret_cast<void*>(from));
    }
    accept(at, block);
}

void Executor::give_up(std::uint32_t at) {
    const Step& step = plan_.steps[at];
    if (step.block == 0) {
        return; // free(NULL)
    }
    Living& living = wait_for(step.block);
    const std::uint32_t maker = living.maker;
    const std::uintptr_t address = take(at, living);
    errno = errno_mark;
    calls_.release(reinterpret_cast<void*>(address), plan_.steps[maker]);
    if (errno != errno_mark) {
        accuse(at, reinterpret_cast<void*>(address), "changed errno to %d", errno);
    }
}

void Executor::fork_here(std::uint32_t at) {
    const std::uint32_t thread = plan_.steps[at].thread;
    const ChildEnd end = in_a_child([this, thread] { be_a_child(thread); }, progress_);
    if (end.hung) {
        accuse(at, nullptr, "the child did not end: it hangs in the heap");
    }
    if (end.signal != 0) {
        accuse(at, nullptr, "the child was killed by signal %d", end.signal);
    }
    if (end.status != 0) {
        accuse(at, nullptr, "the child ended with status %d", end.status);
    }
}

// What a child of fork may do with the heap: release what the thread had, and allocate. Blocks that other threads could
// have been in the middle of giving up are left alone.
void Executor::be_a_child(std::uint32_t thread) {
    for (std::uint32_t i = starts_[thread]; i < starts_[thread + 1]; ++i) {
        const Step& step = plan_.steps[order_[i]];
        if (!step.makes()) {
            continue;
        }
        Living& living = living_[step.block];
        if (living.user == thread && living.address.load(std::memory_order_relaxed) != 0) {
            calls_.release(reinterpret_cast<void*>(take(order_[i], living)), step);
        }
    }
    use_heap_alone();
    ::_exit(0);
}

void Executor::use_heap_alone() {
    constexpr std::uint32_t count = 64;
    void* blocks[count];
    const auto step_of = [](std::uint32_t i) {
        Step step{.size = std::uint64_t{8} << i % 14, .block = i + 1};
        if (i % 4 == 1) {
            step.op = Op::memalign;
            step.extra = 64;
        }
        return step;
    };
    for (std::uint32_t i = 0; i < count; ++i) {
        const Step step = step_of(i);
        blocks[i] = calls_.allocate(step);
        if (blocks[i] == nullptr) {
            fail("in a child of fork, %s of %llu bytes gave NULL (%s)", name_of(step.op),
                 static_cast<unsigned long long>(step.size), name_);
        }
        if (const std::uintptr_t taken = index_.add(reinterpret_cast<std::uintptr_t>(blocks[i]), step.size)) {
            fail("in a child of fork, %s of %llu bytes at %p overlaps the living block at %p (%s)",
                 name_of(step.op), static_cast<unsigned long long>(step.size), blocks[i],
                 reinterpret_cast<void*>(taken), name_);
        }
        write_pattern_of(blocks[i], step.size, i);
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        const Step step = step_of(i);
        if (first_difference(blocks[i], step.size, step.size, i) != all_as_written) {
            fail("in a child of fork, a block of %llu bytes at %p did not keep what was written (%s)",
                 static_cast<unsigned long long>(step.size), blocks[i], name_);
        }
        calls_.release(blocks[i], step);
    }
}

} // namespace faultline::stress
