// The bytes of a .fltrace file, version 1. FORMAT.md is the description for people; this is the one for the
// compiler, shared by the recorder, the writer and the reader. Little-endian.
#pragma once

#include <bit>
#include <cstdint>

namespace faultline::trace {

static_assert(std::endian::native == std::endian::little, "traces are little-endian and are read in place");

inline constexpr char file_magic[8] = {'F', 'L', 'T', 'R', 'A', 'C', 'E', '\n'};
inline constexpr std::uint32_t format_version = 1;

inline constexpr std::uint32_t header_timed = 1; // times are ns; else each event's number
inline constexpr std::uint32_t header_forked =
    2; // of a forked child: blocks of its parent may be freed in it
inline constexpr std::uint32_t header_recorded = 4; // written by the recorder, not by a conversion
inline constexpr std::uint32_t header_known_flags = 7;

struct FileHeader {
    char magic[8];
    std::uint32_t version;
    std::uint32_t header_bytes; // sizeof(FileHeader)
    std::uint32_t flags;
    std::uint32_t process;      // process id when recorded, else 0
    std::uint64_t started_unix; // seconds, 0 when unknown
    std::uint32_t reserved[7];  // 0
    std::uint32_t checksum;     // crc32 of all bytes before it
};
static_assert(sizeof(FileHeader) == 64);

inline constexpr std::uint32_t block_magic = 0x42544c46; // "FLTB"

enum class BlockKind : std::uint8_t {
    events = 1,
    end = 2,  // no payload: the process ended, or replaced itself, in order; all that happened is in the file
    notes = 3 // payload: lines "key=value", UTF-8
};
enum class Packing : std::uint8_t { stored = 0, zstd = 1 };

inline constexpr std::uint8_t block_has_threads = 1; // a column of threads; else all events are by `thread`

struct BlockHeader {
    std::uint32_t magic;
    BlockKind kind;
    Packing packing;
    std::uint8_t flags;
    std::uint8_t pointer_shift; // the pointers of this block are multiples of 2^this
    std::uint32_t thread;
    std::uint32_t events;
    std::uint32_t raw_bytes;    // of the payload when unpacked
    std::uint32_t stored_bytes; // of the payload as it follows
    std::uint64_t first_time;
    std::uint64_t last_time;
    std::uint64_t reserved; // 0
    std::uint32_t payload_checksum;
    std::uint32_t checksum; // crc32 of the header's bytes before it
};
static_assert(sizeof(BlockHeader) == 56);

inline constexpr std::uint32_t max_block_events = 1u << 20;
inline constexpr std::uint32_t max_block_bytes = 64u << 20;

} // namespace faultline::trace
