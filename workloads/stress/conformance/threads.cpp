// Many threads: blocks that change hands, threads that come and go or are cancelled, signals in between.
#include "workloads/engine/clock.hpp"
#include "workloads/engine/rng.hpp"
#include "workloads/stress/blocks.hpp"
#include "workloads/stress/conformance/tables.hpp"
#include "workloads/stress/process.hpp"
#include "workloads/stress/voice.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <pthread.h>
#include <sys/time.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace faultline::stress::conformance {
namespace {

std::uint64_t deadline_ns(const Task& task) {
    return engine::monotonic_ns() + task.seconds * 1'000'000'000ULL;
}

// Allocates, checks and frees; blocks stay for a while, and lie in `table`, which other threads may share.
class Churn {
  public:
    static constexpr std::size_t slots = 256;
    using Table = std::atomic<std::size_t*>[slots];

    Churn(Table& table, std::uint64_t seed) : table_(table), random_(seed) {}

    // A block's first word is its size, and its key; the rest a pattern.
    void step() {
        const std::size_t kind = random_.below(100);
        const std::size_t size = sizeof(std::size_t) + (kind == 0   ? random_.below(300'000)
                                                        : kind < 10 ? random_.below(9000)
                                                                    : random_.below(400));
        auto* block = static_cast<std::size_t*>(std::malloc(size));
        FAULTLINE_EXPECT(block != nullptr, "malloc(%zu) returned NULL", size);
        *block = size;
        write_pattern(block + 1, size - sizeof size, size);
        release(table_[random_.below(slots)].exchange(block));
    }
    static void release(std::size_t* block) {
        if (block != nullptr) {
            const std::size_t at = first_unlike(block + 1, *block - sizeof *block, *block);
            FAULTLINE_EXPECT(at == no_such_byte, "byte %zu of a block of %zu bytes is not what was written",
                             at, *block);
            std::free(block);
        }
    }
    static void release_all(Table& table) {
        for (auto& slot : table) {
            release(slot.exchange(nullptr));
        }
    }

  private:
    Table& table_;
    engine::Rng random_;
};

Churn::Table shared;

void join_all(std::vector<std::thread>& threads) {
    for (std::thread& thread : threads) {
        thread.join();
    }
    threads.clear();
}

void blocks_change_hands(const Task& task) {
    const std::uint64_t end = deadline_ns(task);
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 4; ++i) {
        threads.emplace_back([=] {
            Churn churn(shared, task.seed + i);
            while (engine::monotonic_ns() < end) {
                for (int step = 0; step < 100; ++step) {
                    churn.step();
                }
            }
        });
    }
    join_all(threads);
    Churn::release_all(shared);
}

// What a thread that is gone may cost for ever, on average: its cache must be given back or taken over.
constexpr std::uint64_t lost_a_thread_bytes = 4096;

void ten_thousand_threads(const Task& task) {
    constexpr unsigned total = 10'000;
    constexpr unsigned warm_up = 1'000;
    constexpr unsigned at_once = 8;
    std::uint64_t before = 0;
    unsigned started = 0;
    std::vector<std::thread> threads;
    while (started < total) {
        for (unsigned i = 0; i < at_once; ++i) {
            threads.emplace_back([=] {
                Churn churn(shared, task.seed + started + i);
                for (int step = 0; step < 20; ++step) {
                    churn.step();
                }
            });
        }
        join_all(threads);
        started += at_once;
        if (started == warm_up) {
            before = resident_bytes();
        }
    }
    const std::uint64_t after = resident_bytes();
    const std::uint64_t grown = after > before ? after - before : 0;
    figure("grown_bytes", grown);
    FAULTLINE_EXPECT(grown < lost_a_thread_bytes * (total - warm_up),
                     "memory grew by %llu MiB while %u threads came and went",
                     static_cast<unsigned long long>(grown >> 20), total - warm_up);
    Churn::release_all(shared);
}

// A thread of a crowd: allocates, waits until all have, then frees what its neighbour did.
class Crowd {
  public:
    static constexpr unsigned total = 10'000;

    // False where the kernel grants no more threads.
    bool add() {
        Member& member = members_[started_];
        member.crowd = this;
        member.number = started_;
        pthread_attr_t attributes;
        ::pthread_attr_init(&attributes);
        ::pthread_attr_setstacksize(&attributes, stack_bytes);
        const int error = ::pthread_create(&member.handle, &attributes, thread_main, &member);
        ::pthread_attr_destroy(&attributes);
        started_ += error == 0 ? 1 : 0;
        return error == 0;
    }
    void wait_until_all_have_allocated() {
        for (unsigned seen = 0; (seen = ready_) != started_;) {
            ready_.wait(seen);
        }
    }
    void let_go_and_join() {
        may_go_ = true;
        may_go_.notify_all();
        for (unsigned i = 0; i < started_; ++i) {
            ::pthread_join(members_[i].handle, nullptr);
        }
    }
    unsigned started() const { return started_; }

  private:
    static constexpr std::size_t stack_bytes = 128UL << 10;
    static constexpr std::size_t sizes[] = {24, 200, 1000, 5000};

    struct Member {
        Crowd* crowd = nullptr;
        unsigned number = 0;
        pthread_t handle = 0;
        void* blocks[std::size(sizes)] = {};
    };

    static void* thread_main(void* argument) {
        auto* member = static_cast<Member*>(argument);
        member->crowd->live(*member);
        return nullptr;
    }
    void live(Member& member) {
        for (std::size_t i = 0; i < std::size(sizes); ++i) {
            member.blocks[i] = std::malloc(sizes[i]);
            FAULTLINE_EXPECT(member.blocks[i] != nullptr, "malloc(%zu) returned NULL in thread %u", sizes[i],
                             member.number);
            write_pattern(member.blocks[i], sizes[i], member.number);
        }
        ++ready_;
        ready_.notify_all();
        may_go_.wait(false);
        Member& neighbour = members_[(member.number + 1) % started_];
        for (std::size_t i = 0; i < std::size(sizes); ++i) {
            const std::size_t at = first_unlike(neighbour.blocks[i], sizes[i], neighbour.number);
            FAULTLINE_EXPECT(at == no_such_byte, "byte %zu of a block of %zu bytes of thread %u was lost", at,
                             sizes[i], neighbour.number);
            std::free(neighbour.blocks[i]);
        }
    }

    Member members_[total];
    unsigned started_ = 0;
    std::atomic<unsigned> ready_ = 0;
    std::atomic<bool> may_go_ = false;
};

void ten_thousand_at_once(const Task& /*task*/) {
    static Crowd crowd;
    while (crowd.started() < Crowd::total && crowd.add()) {
    }
    crowd.wait_until_all_have_allocated();
    figure("resident_bytes", resident_bytes());
    crowd.let_go_and_join();
    if (crowd.started() < Crowd::total) {
        skip("the kernel grants %u threads at once, not %u", crowd.started(), Crowd::total);
    }
}

volatile std::sig_atomic_t signals;

void signals_in_between(const Task& task) {
    struct sigaction action {};
    action.sa_handler = [](int) { signals = signals + 1; };
    ::sigaction(SIGALRM, &action, nullptr);
    ::sigaction(SIGUSR1, &action, nullptr);
    const itimerval every{{0, 500}, {0, 500}};
    ::setitimer(ITIMER_REAL, &every, nullptr);
    const std::uint64_t end = deadline_ns(task);
    std::atomic<bool> done = false;
    std::thread worker([&] {
        Churn churn(shared, task.seed);
        while (engine::monotonic_ns() < end) {
            churn.step();
        }
        done = true;
    });
    Churn churn(shared, task.seed + 1);
    while (!done) {
        ::pthread_kill(worker.native_handle(), SIGUSR1);
        churn.step();
    }
    worker.join();
    const itimerval never{};
    ::setitimer(ITIMER_REAL, &never, nullptr);
    figure("signals", static_cast<std::uint64_t>(signals));
    FAULTLINE_EXPECT(signals > 0, "no signal came in between");
    Churn::release_all(shared);
}

thread_local volatile bool in_allocator;
std::atomic<bool> cancelled_inside;

void note_where_cancelled(void* /*unused*/) {
    if (in_allocator) {
        cancelled_inside = true;
    }
}

void* allocate_until_cancelled(void* seed) { // a std::uint64_t, which lives on
    pthread_cleanup_push(note_where_cancelled, nullptr);
    Churn churn(shared, *static_cast<std::uint64_t*>(seed));
    for (;;) {
        in_allocator = true;
        churn.step();
        in_allocator = false;
        ::pthread_testcancel();
    }
    pthread_cleanup_pop(0);
    return nullptr;
}

// A request that is pending the whole time must only act in pthread_testcancel: an allocator that enters a cancellation
// point on the way would be left half-way, its locks taken.
void cancellation(const Task& task) {
    for (unsigned round = 0; round < 150; ++round) {
        pthread_t threads[3];
        std::uint64_t seed = task.seed + round * 7;
        for (pthread_t& thread : threads) {
            FAULTLINE_EXPECT(::pthread_create(&thread, nullptr, allocate_until_cancelled, &seed) == 0,
                             "pthread_create failed");
        }
        ::usleep(200 + round * 10);
        for (pthread_t& thread : threads) {
            ::pthread_cancel(thread);
        }
        for (pthread_t& thread : threads) {
            ::pthread_join(thread, nullptr);
        }
    }
    FAULTLINE_EXPECT(!cancelled_inside, "a thread was cancelled inside malloc or free");
    Churn::release_all(shared);
}

void fork_beside_threads(const Task& task) {
    constexpr unsigned forks = 150;
    constexpr unsigned patience_s = 20;
    std::atomic<bool> stop = false;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 6; ++i) {
        threads.emplace_back([&, i] {
            Churn churn(shared, task.seed + i);
            while (!stop) {
                churn.step();
            }
        });
    }
    static Churn::Table own; // what the other threads share may be half-written in a child
    for (unsigned i = 0; i < forks; ++i) {
        const pid_t pid = fork_child();
        if (pid == 0) {
            Churn churn(own, task.seed + i);
            for (int step = 0; step < 400; ++step) {
                churn.step();
            }
            Churn::release_all(own);
            std::thread([&] { churn.step(); }).join();
            ::_exit(0);
        }
        expect_child_ended_well(pid, patience_s, "the child of fork", i + 1);
    }
    stop = true;
    join_all(threads);
    Churn::release_all(shared);
}

constexpr Check checks[] = {
    {"conformance.cross-thread-free", "a block may be freed by another thread than allocated it",
     "C17 7.22.3", blocks_change_hands, 20, 1},
    {"conformance.ten-thousand-threads", "10000 threads come and go, and memory stays flat",
     "POSIX pthread_create", ten_thousand_threads, 60},
    {"conformance.ten-thousand-at-once", "10000 threads that live at once have blocks of their own",
     "POSIX pthread_create", ten_thousand_at_once, 120},
    {"conformance.signals", "signals may arrive while the allocator works", "POSIX sigaction",
     signals_in_between, 20, 1},
    {"conformance.cancellation", "malloc and free are no cancellation points", "POSIX 2.9.5.2", cancellation,
     30},
    {"conformance.fork-beside-threads",
     "150 children forked beside six allocating threads can allocate, as programs rely on",
     "glibc since 2.24", fork_beside_threads, 60},
};

} // namespace

std::span<const Check> thread_checks() {
    return checks;
}

} // namespace faultline::stress::conformance
