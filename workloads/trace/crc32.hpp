// CRC-32 (IEEE 802.3, reflected, as in zlib and gzip), eight bytes at a time. Used for the blocks of a trace;
// libc alone, because the recorder uses it too.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace faultline::trace {

namespace detail {

constexpr std::array<std::array<std::uint32_t, 256>, 8> make_crc_tables() {
    std::array<std::array<std::uint32_t, 256>, 8> tables{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t crc = i;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320u : 0u);
        }
        tables[0][i] = crc;
    }
    for (std::uint32_t i = 0; i < 256; ++i) {
        for (std::size_t t = 1; t < 8; ++t) {
            tables[t][i] = (tables[t - 1][i] >> 8) ^ tables[0][tables[t - 1][i] & 0xff];
        }
    }
    return tables;
}
inline constexpr auto crc_tables = make_crc_tables();

} // namespace detail

inline std::uint32_t crc32(const void* data, std::size_t size, std::uint32_t before = 0) {
    const auto& t = detail::crc_tables;
    const auto* p = static_cast<const unsigned char*>(data);
    std::uint32_t crc = ~before;
    for (; size >= 8; size -= 8, p += 8) {
        std::uint32_t low = 0;
        std::uint32_t high = 0;
        std::memcpy(&low, p, 4);
        std::memcpy(&high, p + 4, 4);
        low ^= crc;
        crc = t[7][low & 0xff] ^ t[6][(low >> 8) & 0xff] ^ t[5][(low >> 16) & 0xff] ^ t[4][low >> 24] ^
              t[3][high & 0xff] ^ t[2][(high >> 8) & 0xff] ^ t[1][(high >> 16) & 0xff] ^ t[0][high >> 24];
    }
    for (; size != 0; --size, ++p) {
        crc = (crc >> 8) ^ t[0][(crc ^ *p) & 0xff];
    }
    return ~crc;
}

} // namespace faultline::trace
