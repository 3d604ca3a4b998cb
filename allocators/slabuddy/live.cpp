#include "allocators/slabuddy/live.hpp"

#include "allocators/slabuddy/config.hpp"
#include "allocators/slabuddy/live_board.hpp"
#include "allocators/slabuddy/options.hpp"
#include "allocators/slabuddy/os.hpp"
#include "allocators/slabuddy/report.hpp"
#include "allocators/slabuddy/stats.hpp"

#include <atomic>
#include <cstring>

namespace sb {

bool live_is_on = false;

namespace {

constexpr uint64_t live_period_ms = 100;

constinit LiveBoard* board = nullptr;
constinit std::atomic<bool> writing{false};
constinit std::atomic<uint64_t> next_ms{0};

void take(void* /*context*/, const char* text, size_t bytes) {
    live_append(*board, text, bytes);
}

// Odd: it is being written. No fences, of which ThreadSanitizer knows nothing.
void turn_version() {
    __atomic_fetch_add(&board->version, 1, __ATOMIC_SEQ_CST);
}

} // namespace

void live_append(LiveBoard& to, const char* text, size_t bytes) {
    const size_t room = sizeof to.text - to.text_bytes;
    if (bytes <= room) {
        memcpy(to.text + to.text_bytes, text, bytes);
        to.text_bytes += static_cast<uint32_t>(bytes);
        return;
    }
    while (to.text_bytes > 0 && to.text[to.text_bytes - 1] != '\n') {
        --to.text_bytes;
    }
    memset(to.text + to.text_bytes, '\n', sizeof to.text - to.text_bytes);
    to.text_bytes = sizeof to.text;
}

void live_start() {
    if (!option(Option::live) || board) {
        return;
    }
    board = static_cast<LiveBoard*>(os_map_named(sizeof(LiveBoard), live_mapping_name));
    if (!board) {
        Text().add("slabuddy: SLABUDDY_OPTIONS: no memory for \"live\"; the figures stay unseen\n").write();
        return;
    }
    memcpy(board->magic, live_magic, sizeof live_magic);
    board->page_bytes = page_bytes;
    live_is_on = true;
}

[[gnu::cold]] void live_write() {
    const uint64_t now_ms = os_now_ms();
    if (now_ms < next_ms.load(std::memory_order_relaxed) ||
        writing.exchange(true, std::memory_order_acquire)) {
        return;
    }
    next_ms.store(now_ms + live_period_ms, std::memory_order_relaxed);
    turn_version();
    board->at_ms = now_ms;
    board->text_bytes = 0;
    const TextSink sink = {take, nullptr};
    slabinfo_write(sink);
    buddyinfo_write(sink);
    turn_version();
    writing.store(false, std::memory_order_release);
}

void live_in_child() {
    if (!live_is_on) {
        return;
    }
    if (board->version % 2 == 1) {
        board->at_ms = 0;
        board->text_bytes = 0;
        turn_version();
    }
    writing.store(false, std::memory_order_relaxed);
    next_ms.store(0, std::memory_order_relaxed);
}

} // namespace sb
