// Writing to a block and reading it back. A block's cookie is a number that its owner can work out again; it
// lies in the first bytes, so a block that was handed out twice, moved without its content, or written over
// is found.
#pragma once

#include "workloads/engine/die.hpp"
#include "workloads/engine/rng.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace faultline::engine {

enum class Touch : std::uint8_t {
    none, // never written
    page, // the cookie, and one byte of each further page
    all,  // every byte
    each, // every byte too, with a store for each, as a program's own loop over bytes does
};
inline constexpr std::string_view touch_choices = "none|page|all|each";
constexpr Touch touch_from(std::string_view text) {
    return text == "none"   ? Touch::none
           : text == "page" ? Touch::page
           : text == "each" ? Touch::each
                            : Touch::all;
}

inline constexpr std::size_t touch_page_bytes = 4096;

// Keeps the compiler from proving what memory holds: it must write before this point and read after it.
inline void escape(void* block) {
    asm volatile("" : : "g"(block) : "memory");
}

inline void write_cookie(void* block, std::size_t bytes, std::uint64_t cookie) {
    if (bytes >= sizeof cookie) [[likely]]
        std::memcpy(block, &cookie, sizeof cookie);
    else
        std::memcpy(block, &cookie, bytes);
}

// The cookie's bytes that fit into a block of this size: what read_cookie() returns when all is well.
constexpr std::uint64_t cookie_that_fits(std::size_t bytes, std::uint64_t cookie) {
    return bytes >= sizeof cookie ? cookie : cookie & ((std::uint64_t{1} << (8 * bytes)) - 1);
}

inline std::uint64_t read_cookie(const void* block, std::size_t bytes) {
    std::uint64_t cookie = 0;
    if (bytes >= sizeof cookie) [[likely]]
        std::memcpy(&cookie, block, sizeof cookie);
    else
        std::memcpy(&cookie, block, bytes); // little-endian, as every machine this runs on
    return cookie;
}

inline void touch(void* block, std::size_t bytes, std::uint64_t cookie, Touch how) {
    if (how == Touch::none)
        return;
    auto* byte = static_cast<char*>(block);
    if (how == Touch::all) {
        std::memset(block, static_cast<int>(cookie & 0xff), bytes);
    } else if (how == Touch::each) {
        for (std::size_t at = 0; at < bytes; ++at)
            static_cast<volatile char*>(block)[at] = static_cast<char>(cookie);
    } else {
        for (std::size_t at = touch_page_bytes; at < bytes; at += touch_page_bytes)
            byte[at] = static_cast<char>(cookie);
    }
    write_cookie(block, bytes, cookie);
    escape(block);
}

// Reads back what touch() wrote; a difference ends the worker with worker_corrupt. What to fold into the
// checksum.
inline std::uint64_t check(const void* block, std::size_t bytes, std::uint64_t cookie, Touch how) {
    if (how == Touch::none)
        return 0;
    const std::uint64_t found = read_cookie(block, bytes);
    bool intact = found == cookie_that_fits(bytes, cookie);
    if (bytes > touch_page_bytes) {
        const std::size_t last =
            how != Touch::page ? bytes - 1 : (bytes - 1) / touch_page_bytes * touch_page_bytes;
        intact = intact && static_cast<const char*>(block)[last] == static_cast<char>(cookie);
    }
    if (!intact) [[unlikely]]
        die_corrupt(block, bytes);
    return found;
}

} // namespace faultline::engine
