// How much free memory a program may keep: learned from whether what was given back is soon taken again. The allowance
// grows by as much, and halves for each `regret_ms` in which nothing was given back. Pages are of one size,
// the user's. No lock: the user has one.
#pragma once

#include "allocators/slabuddy/config.hpp"

#include <cstdint>

namespace sb {

class Regret {
  public:
    constexpr Regret(uint32_t least, uint32_t most) : least_(least), most_(most), allowed_(least) {}

    uint32_t allowed(uint64_t now_ms) {
        forget(now_ms);
        return allowed_;
    }

    void given_back(uint32_t pages, uint64_t now_ms) {
        if (pages > 0) {
            given_ += pages;
            since_ms_ = now_ms;
        }
    }

    // False spares taken() and a look at the clock.
    bool may_miss() const { return given_ > 0; }

    void taken(uint32_t pages, uint64_t now_ms) {
        forget(now_ms);
        const uint32_t missed = pages < given_ ? pages : given_;
        given_ -= missed;
        allowed_ = missed < most_ - allowed_ ? allowed_ + missed : most_;
    }

  private:
    // What was given back long ago was rightly given. A caller may have looked at the clock before another one did.
    void forget(uint64_t now_ms) {
        if (now_ms <= since_ms_ + regret_ms) {
            return;
        }
        given_ = 0;
        for (; now_ms - since_ms_ > regret_ms && allowed_ > least_; since_ms_ += regret_ms) {
            allowed_ = allowed_ / 2 > least_ ? allowed_ / 2 : least_;
        }
    }

    uint32_t least_;
    uint32_t most_;
    uint32_t allowed_;
    uint32_t given_ = 0; // and not taken again
    uint64_t since_ms_ = 0;
};

} // namespace sb
