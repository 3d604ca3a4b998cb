// One thread's side of the edges between threads. Both halves exist because a trial should measure the
// allocator and not the scheduler: threads that hand blocks back and forth every few hundred calls, as those
// of a message-passing program do, would sleep and wake at each, at three times the cost of the calls.
//
//   Wake-ups are gathered. A giver that finds a taker asleep wakes it a little later, together with others,
//   and at the latest when it has to sleep itself or ends: by then more of what the taker needs is there.
//
//   Frees are late rather than their threads. A block that another thread has not allocated yet is freed when
//   it is there; meanwhile its thread goes on, for at most `slack` words and `late_limit` such blocks, then
//   sleeps. A slack of 0 keeps each thread's own order to the letter.
//
// No deadlock: whatever a thread sleeps for is given earlier in the trace than the place where it sleeps.
#pragma once

#include "workloads/trace/edge_table.hpp"

#include <cstddef>

namespace faultline::trace {

class Handover {
  public:
    using Position = std::ptrdiff_t; // of a word, among this thread's

    void prepare(EdgeTable& edges, std::ptrdiff_t slack) {
        edges_ = &edges;
        slack_ = slack;
    }

    void give(std::uint32_t edge, const Edge::Parcel& parcel, Position position) {
        if ((*edges_)[edge].put(parcel)) {
            if (sleepers_ == 0) {
                first_sleeper_ = position;
            }
            asleep_[sleepers_++] = edge;
            wake_if_due(position);
        }
    }

    // Waits in place.
    Edge::Parcel take(std::uint32_t edge) {
        if (!(*edges_)[edge].is_full()) [[unlikely]] {
            sleep_for(edge);
        }
        return edges_->remove(edge);
    }

    // Calls release(parcel, how) for the block of this edge, and for earlier ones that were late, now or in a
    // later call of this, poll() or finish().
    template <typename Release>
    void release(std::uint32_t edge, std::uint32_t how, Position position, Release release) {
        if (late_ == 0 && (*edges_)[edge].is_full()) [[likely]] {
            release(edges_->remove(edge), how);
        } else {
            release_late(edge, how, position, release);
        }
    }

    // Called every poll_words or so: keeps what is late within the slack, and sleepers from waiting for a
    // thread that has nothing more to give for long.
    template <typename Release>
    void poll(Position position, Release release) {
        wake_if_due(position);
        catch_up(release);
        while (late_ != 0 && position - late_at(0).position >= slack_) {
            sleep_for(late_at(0).edge);
            catch_up(release);
        }
    }

    // Before the thread does nothing for a while.
    template <typename Release>
    void rest(Position position, Release release) {
        wake_all();
        poll(position, release);
    }

    // At the end of the thread's words.
    template <typename Release>
    void finish(Release release) {
        wake_all();
        while (late_ != 0) {
            sleep_for(late_at(0).edge);
            catch_up(release);
        }
    }

    std::uint64_t late_total() const { return late_total_; } // frees that could not be done in place

  private:
    static constexpr unsigned sleeper_limit = 64;
    static constexpr unsigned late_limit = 256;
    static constexpr std::ptrdiff_t patience = 65536; // words: some 600 us of calls

    struct Late {
        std::uint32_t edge;
        std::uint32_t how;
        Position position;
    };
    Late& late_at(unsigned index) { return late_ring_[(late_first_ + index) % late_limit]; }

    template <typename Release>
    [[gnu::noinline]] void release_late(std::uint32_t edge, std::uint32_t how, Position position,
                                        Release release) {
        catch_up(release);
        if (late_ == 0 && (*edges_)[edge].is_full()) {
            release(edges_->remove(edge), how);
            return;
        }
        ++late_total_;
        if (late_ == late_limit || slack_ == 0) {
            sleep_for(slack_ == 0 ? edge : late_at(0).edge);
            catch_up(release);
        }
        if (slack_ == 0) {
            release(edges_->remove(edge), how);
            return;
        }
        late_at(late_) = {edge, how, position};
        ++late_;
    }

    template <typename Release>
    void catch_up(Release release) {
        while (late_ != 0 && (*edges_)[late_at(0).edge].is_full()) {
            const Late late = late_at(0);
            late_first_ = (late_first_ + 1) % late_limit;
            --late_;
            release(edges_->remove(late.edge), late.how);
        }
    }
    [[gnu::noinline]] void sleep_for(std::uint32_t edge) {
        wake_all(); // one of them may be who has to give
        (*edges_)[edge].sleep_until_full();
    }
    void wake_if_due(Position position) {
        if (sleepers_ == sleeper_limit || (sleepers_ != 0 && position - first_sleeper_ >= patience)) {
            wake_all();
        }
    }
    [[gnu::noinline]] void wake_all() {
        for (; sleepers_ != 0; --sleepers_) {
            (*edges_)[asleep_[sleepers_ - 1]].wake_taker();
        }
    }

    EdgeTable* edges_ = nullptr;
    std::ptrdiff_t slack_ = 0;
    Position first_sleeper_ = 0;
    unsigned sleepers_ = 0;
    unsigned late_ = 0;
    unsigned late_first_ = 0;
    std::uint64_t late_total_ = 0;
    std::uint32_t asleep_[sleeper_limit] = {};
    Late late_ring_[late_limit] = {};
};

} // namespace faultline::trace
