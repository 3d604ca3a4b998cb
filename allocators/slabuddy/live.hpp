// Figures for who watches the program from outside, as `faultline monitor` does: with SLABUDDY_OPTIONS=live a board
// (live_board.hpp) is written anew where slow paths come by, at most every live_period_ms. A program that calls nothing
// leaves it as it is, and nothing changes then.
#pragma once

#include <cstddef>

namespace sb {

struct LiveBoard;

void live_start(); // makes the board, when the option says so

extern bool live_is_on;
void live_write();

// No locks of this allocator may be held.
inline void live_poll() {
    if (live_is_on) [[unlikely]] {
        live_write();
    }
}

// Puts a piece of text behind the board's. Whole lines only: of one that does not fit nothing stays, and behind it empty lines
// fill the board.
void live_append(LiveBoard& to, const char* text, size_t bytes);

void live_in_child(); // of fork: the board may be a half-written one

} // namespace sb
