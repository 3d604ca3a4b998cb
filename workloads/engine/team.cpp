#include "workloads/engine/team.hpp"

#include "base/error.hpp"
#include "workloads/engine/die.hpp"

#include <cstring>

namespace faultline::engine {

pthread_t start_thread(void* (*body)(void*), void* argument) {
    pthread_t thread{};
    const int refused = pthread_create(&thread, nullptr, body, argument);
    if (refused != 0)
        die(static_cast<int>(Exit::os), "cannot start a thread: %s", strerrordesc_np(refused));
    return thread;
}

void join_thread(pthread_t thread) {
    const int refused = pthread_join(thread, nullptr);
    if (refused != 0)
        die(static_cast<int>(Exit::software), "cannot join a thread: %s", strerrordesc_np(refused));
}

void Team::prepare(Arena& arena, unsigned threads) {
    members_ = arena.array<Member>(threads);
    for (unsigned index = 0; index < threads; ++index) {
        members_[index].team = this;
        members_[index].index = index;
    }
}

void Team::start() {
    for (Member& member : members_) {
        member.seen = round_.load(std::memory_order_relaxed);
        member.thread = start_thread(member_main, &member);
    }
    started_ = true;
    // Each has run once when this returns: what an allocator does at a thread's start is not left for the
    // clock.
    run([](unsigned) {});
}

void Team::join() {
    if (!started_)
        return;
    started_ = false;
    job_ = nullptr;
    release();
    for (Member& member : members_)
        join_thread(member.thread);
}

void Team::run_raw(RawJob job, void* context) {
    job_ = job;
    context_ = context;
    working_.store(size(), std::memory_order_relaxed);
    release();
    for (std::uint32_t left = working_.load(std::memory_order_acquire); left != 0;
         left = working_.load(std::memory_order_acquire))
        working_.wait(left, std::memory_order_acquire);
}

void Team::release() {
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
}

void* Team::member_main(void* argument) {
    const Member& self = *static_cast<Member*>(argument);
    Team& team = *self.team;
    for (std::uint32_t seen = self.seen;; ++seen) {
        team.round_.wait(seen, std::memory_order_acquire);
        if (team.job_ == nullptr)
            return nullptr;
        team.job_(team.context_, self.index);
        if (team.working_.fetch_sub(1, std::memory_order_acq_rel) == 1)
            team.working_.notify_one();
    }
}

} // namespace faultline::engine
