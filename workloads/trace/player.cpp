#include "workloads/trace/player.hpp"

#include "workloads/engine/die.hpp"
#include "workloads/engine/listener.hpp"
#include "workloads/engine/protocol.hpp"

#include <cstdlib>
#include <malloc.h>
#include <new>

namespace faultline::trace {
namespace {

using engine::Gone;
using engine::Operation;
using engine::Touch;

// A block's cookie is made of the slot it is in, its size and its thread: all of them stand in the words of
// its allocation and of its release, so nothing needs to be kept for it.
inline std::uint64_t cookie_of(std::uint64_t word, std::uint64_t salt) {
    return ((word >> step_bits) + salt) * engine::golden_gamma;
}

// How much of a block is read back: of one whose size its word cannot hold, the beginning.
inline std::size_t checked_bytes(std::uint32_t size) {
    return size == saturated ? engine::touch_page_bytes : size;
}

// `bytes` of the size that the word before could not hold, else the word's own.
inline std::size_t take_wide(std::uint64_t word, std::uint64_t& wide) {
    const std::uint32_t size = argument_of(word);
    if (size != saturated) [[likely]] {
        return size;
    }
    return std::exchange(wide, 0);
}

template <typename Call>
[[gnu::noinline, gnu::cold]] void* sampled(engine::LatencyRecorder& recorder, Operation operation,
                                           std::size_t bytes, Call call, Gone gone) {
    if (engine::Listener* const listener = engine::Listener::standing()) {
        return engine::heard(*listener, recorder, operation, bytes, gone, call);
    }
    const std::uint64_t from = engine::Ticks::begin();
    void* block = call();
    recorder.add(operation, bytes, engine::Ticks::end() - from);
    return block;
}

// `gone` with its size as the trace has it, where that fits a word.
template <typename Call>
inline void* timed(engine::LatencyRecorder& recorder, Operation operation, std::size_t bytes, Call call,
                   Gone gone = {}) {
    if (!recorder.due()) [[likely]] {
        return call();
    }
    return sampled(recorder, operation, bytes, call, gone);
}

// NULL is an answer to a request of 0 bytes, and to no other.
template <typename Call>
inline void* checked(engine::LatencyRecorder& recorder, Operation operation, std::size_t bytes, Call call,
                     Gone gone = {}) {
    void* block = timed(recorder, operation, bytes, call, gone);
    if (block == nullptr && bytes != 0) [[unlikely]] {
        engine::die_no_memory(engine::operation_names[static_cast<std::size_t>(operation)], bytes);
    }
    return block;
}

void* call_aligned(Step step, std::size_t alignment, std::size_t bytes) {
    switch (step) {
    case Step::memalign:
        return ::memalign(alignment, bytes);
    case Step::aligned_alloc:
        return ::aligned_alloc(alignment, bytes);
    case Step::op_new_aligned:
        return ::operator new (bytes, std::align_val_t{alignment}, std::nothrow);
    default: {
        void* block = nullptr;
        return ::posix_memalign(&block, alignment, bytes) == 0 ? block : nullptr;
    }
    }
}

} // namespace

void Player::prepare(const WordFeed& words, std::span<void*> slots, EdgeTable& edges, std::ptrdiff_t slack,
                     std::uint64_t salt, Touch touch) {
    words_ = words;
    slots_ = slots;
    handover_.prepare(edges, slack);
    salt_ = salt;
    touch_ = touch;
}

void Player::play() {
    switch (touch_) {
    case Touch::none:
        return play_words<Touch::none>();
    case Touch::page:
        return play_words<Touch::page>();
    case Touch::all:
        return play_words<Touch::all>();
    case Touch::each:
        return play_words<Touch::each>();
    }
}

// Out of line: it is seldom, and its registers are the loop's.
template <typename Release>
[[gnu::noinline]] WordFeed::Word Player::look_after(WordFeed::Word poll, Release release) {
    handover_.poll(words_.place_of(poll), release);
    return words_.advance(poll);
}

// Nobody should wait for what this thread has, nor a block for a free that is due, while it sleeps.
template <typename Release>
[[gnu::noinline]] void Player::wait_until(std::uint64_t recorded_ns, WordFeed::Word at, Release release) {
    if (pace_.is_early(recorded_ns)) {
        handover_.rest(words_.place_of(at), release);
        pace_.sleep();
    }
}

template <Touch touch_how>
void Player::play_words() {
    void** const slots = slots_.data();
    const std::uint64_t salt = salt_;
    std::uint64_t sum = 0;
    std::uint64_t param = 0;
    std::uint64_t wide = 0;
    // What another thread allocated, on its own or by a realloc, and this one frees.
    const auto release = [&](const Edge::Parcel& parcel, std::uint32_t how) {
        const std::size_t bytes = checked_bytes(parcel.size);
        sum += engine::check(parcel.block, bytes, parcel.cookie, touch_how);
        if (how == static_cast<std::uint32_t>(Step::free)) {
            timed(
                recorder_, Operation::remote_free, bytes,
                [=]() -> void* {
                    std::free(parcel.block);
                    return nullptr;
                },
                Gone{parcel.block, parcel.size});
        } else {
            timed(
                recorder_, Operation::remote_delete, bytes,
                [=]() -> void* {
                    ::operator delete(parcel.block);
                    return nullptr;
                },
                Gone{parcel.block, parcel.size});
        }
    };
    for (const std::uint64_t* at = words_.begin();; ++at) {
        const std::uint64_t word = *at;
        if constexpr (touch_how != Touch::none) {
            // The block that is freed some calls on will be read back then, before the allocator sees it:
            // waiting for memory there would be the harness's time. Without a branch, which would be
            // mispredicted.
            const std::uint64_t ahead = at[look_ahead];
            const std::uint64_t is_free = 0 - static_cast<std::uint64_t>(step_of(ahead) == Step::free);
            __builtin_prefetch(slots[slot_of(ahead) & is_free]);
        }
        switch (step_of(word)) {
        case Step::malloc: {
            const std::size_t bytes = take_wide(word, wide);
            void* block = checked(recorder_, Operation::malloc, bytes, [=] { return std::malloc(bytes); });
            slots[slot_of(word)] = block;
            engine::touch(block, bytes, cookie_of(word, salt), touch_how);
            break;
        }
        case Step::free: {
            void*& slot = slots[slot_of(word)];
            void* block = std::exchange(slot, nullptr);
            const std::size_t bytes = checked_bytes(argument_of(word));
            sum += engine::check(block, bytes, cookie_of(word, salt), touch_how);
            timed(
                recorder_, Operation::free, bytes,
                [=]() -> void* {
                    std::free(block);
                    return nullptr;
                },
                Gone{block, argument_of(word)});
            break;
        }
        case Step::calloc: {
            const std::size_t bytes = take_wide(word, wide);
            const std::size_t count = param != 0 ? param : 1;
            void* block = checked(recorder_, Operation::calloc, bytes,
                                  [=] { return std::calloc(count, bytes / count); });
            slots[slot_of(word)] = block;
            if (touch_how != Touch::none && engine::read_cookie(block, bytes) != 0) [[unlikely]] {
                engine::die(engine::worker_corrupt, "calloc of %zu bytes gave a block that is not zero",
                            bytes);
            }
            engine::touch(block, bytes, cookie_of(word, salt), touch_how);
            break;
        }
        case Step::realloc: {
            void*& slot = slots[slot_of(word)];
            void* before = slot;
            const std::size_t bytes = take_wide(word, wide);
            // The word that defined the block held its old size, saturated as `param` is not.
            const std::uint32_t old_size = param < saturated ? static_cast<std::uint32_t>(param) : saturated;
            const std::uint64_t cookie = cookie_of(make_word(Step::end, slot_of(word), old_size), salt);
            sum += engine::check(before, checked_bytes(old_size), cookie, touch_how);
            void* block = checked(
                recorder_, Operation::realloc, bytes, [=] { return std::realloc(before, bytes); },
                Gone{before, old_size});
            slot = block;
            const std::size_t kept = std::min({bytes, std::size_t{old_size}, sizeof cookie});
            if (touch_how != Touch::none &&
                engine::read_cookie(block, kept) != engine::cookie_that_fits(kept, cookie)) [[unlikely]] {
                engine::die_corrupt(block, bytes);
            }
            engine::touch(block, bytes, cookie_of(word, salt), touch_how);
            break;
        }
        case Step::realloc_null: {
            const std::size_t bytes = take_wide(word, wide);
            void* block =
                checked(recorder_, Operation::realloc, bytes, [=] { return std::realloc(nullptr, bytes); });
            slots[slot_of(word)] = block;
            engine::touch(block, bytes, cookie_of(word, salt), touch_how);
            break;
        }
        case Step::memalign:
        case Step::aligned_alloc:
        case Step::posix_memalign:
        case Step::op_new_aligned: {
            const std::size_t bytes = take_wide(word, wide);
            const std::size_t alignment = std::max(param, sizeof(void*));
            void* block = checked(recorder_, Operation::posix_memalign, bytes,
                                  [=] { return call_aligned(step_of(word), alignment, bytes); });
            if (reinterpret_cast<std::uintptr_t>(block) % alignment != 0) [[unlikely]] {
                engine::die(engine::worker_corrupt, "a block aligned to %zu bytes is at %p", alignment,
                            block);
            }
            slots[slot_of(word)] = block;
            engine::touch(block, bytes, cookie_of(word, salt), touch_how);
            break;
        }
        case Step::op_new: {
            const std::size_t bytes = take_wide(word, wide);
            void* block = checked(recorder_, Operation::operator_new, bytes,
                                  [=] { return ::operator new(bytes, std::nothrow); });
            slots[slot_of(word)] = block;
            engine::touch(block, bytes, cookie_of(word, salt), touch_how);
            break;
        }
        case Step::op_delete:
        case Step::op_delete_aligned: {
            void* block = std::exchange(slots[slot_of(word)], nullptr);
            const std::size_t bytes = checked_bytes(argument_of(word));
            sum += engine::check(block, bytes, cookie_of(word, salt), touch_how);
            const std::size_t alignment = std::max(param, sizeof(void*));
            timed(
                recorder_, Operation::operator_delete, bytes,
                [=]() -> void* {
                    if (step_of(word) == Step::op_delete) {
                        ::operator delete(block);
                    } else {
                        ::operator delete (block, std::align_val_t{alignment});
                    }
                    return nullptr;
                },
                Gone{block, argument_of(word)});
            break;
        }
        case Step::free_null:
            timed(recorder_, Operation::free, 0, []() -> void* {
                std::free(nullptr);
                return nullptr;
            });
            break;
        case Step::give: {
            const std::uint64_t definition = at[-1];
            void*& slot = slots[slot_of(word)];
            handover_.give(
                argument_of(word),
                {std::exchange(slot, nullptr), cookie_of(definition, salt), argument_of(definition)},
                words_.place_of(at));
            break;
        }
        case Step::take: {
            const Edge::Parcel parcel = handover_.take(argument_of(word));
            slots[slot_of(word)] = parcel.block;
            const std::size_t bytes = checked_bytes(parcel.size);
            engine::check(parcel.block, bytes, parcel.cookie, touch_how);
            // From here on the block carries this thread's cookie.
            engine::touch(parcel.block, bytes,
                          cookie_of(make_word(Step::end, slot_of(word), parcel.size), salt), touch_how);
            break;
        }
        case Step::take_free:
            handover_.release(argument_of(word), slot_of(word), words_.place_of(at), release);
            break;
        case Step::poll:
            at = look_after(at, release);
            break;
        case Step::at:
            wait_until(value_of(word), at, release);
            break;
        case Step::param:
            param = value_of(word);
            break;
        case Step::wide:
            wide = value_of(word);
            break;
        case Step::end:
            handover_.finish(release);
            sum_ += sum;
            return;
        }
    }
}

std::uint64_t Player::live_bytes(std::span<const Leftover> leftovers) const {
    std::size_t held = 0;
    for (void* const slot : slots_) {
        held += slot != nullptr ? 1 : 0;
    }
    std::size_t expected = 0;
    std::uint64_t bytes = 0;
    for (const Leftover& leftover : leftovers) {
        expected += slots_[leftover.slot] != nullptr ? 1 : 0;
        bytes += slots_[leftover.slot] != nullptr ? leftover.size : 0;
    }
    if (held != expected) {
        engine::die(engine::worker_corrupt, "%zu blocks are live where the trace has %zu", held, expected);
    }
    return bytes;
}

void Player::free_leftovers(std::span<const Leftover> leftovers) {
    for (const Leftover& leftover : leftovers) {
        const auto size = static_cast<std::uint32_t>(std::min<std::uint64_t>(leftover.size, saturated));
        void* block = std::exchange(slots_[leftover.slot], nullptr);
        if (block != nullptr) {
            const std::uint64_t cookie = cookie_of(make_word(Step::end, leftover.slot, size), salt_);
            sum_ += engine::check(block, checked_bytes(size), cookie, touch_);
            if (engine::Listener* const listener = engine::Listener::standing()) {
                listener->gone(Operation::free, block, leftover.size);
            }
        }
        switch (static_cast<Step>(leftover.release)) {
        case Step::op_delete:
            ::operator delete(block);
            break;
        case Step::op_delete_aligned: // at least a pointer's, as it was allocated
            ::operator delete (
                block, std::align_val_t{std::max(std::size_t{1} << leftover.alignment_log2, sizeof(void*))});
            break;
        default:
            std::free(block);
        }
    }
}

} // namespace faultline::trace
