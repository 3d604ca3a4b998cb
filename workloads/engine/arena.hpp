// Memory of the engine and of the streams: mapped by itself and written to once before any clock starts, so
// that it is never in the heap under test, never in its faults, and can be reported apart.
//
// Not thread-safe: arrays are taken in prepare(). They are zeroed, aligned to a cache line, hold trivial
// types only and live as long as the arena. The kernel's refusal ends the worker with one line and EX_OSERR.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <type_traits>

namespace faultline::engine {

class Arena {
  public:
    Arena() = default;
    ~Arena();
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;

    template <typename T>
    std::span<T> array(std::size_t count) {
        static_assert(std::is_trivially_destructible_v<T>, "an arena runs no destructors");
        T* first = static_cast<T*>(take(count, sizeof(T)));
        for (std::size_t i = 0; i < count; ++i)
            new (first + i) T();
        return {first, count};
    }

    // Bytes mapped by all arenas of this process that are alive: resident, since every page was written to.
    static std::uint64_t process_bytes();

  private:
    struct Chunk {
        Chunk* next;
        std::size_t bytes;
    };
    void* take(std::size_t count, std::size_t element_bytes);
    char* map(std::size_t bytes); // with its Chunk in front; the part behind that

    Chunk* chunks_ = nullptr;
    char* next_ = nullptr;
    std::size_t left_ = 0;
};

} // namespace faultline::engine
