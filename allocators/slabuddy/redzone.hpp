// Red zones and poison of debug mode, after Linux mm/slub.c and poison.h. What stands around an object of `stride` bytes:
//
//   | asked for: n bytes | red zone, 0xcc | n and its check | last 8 bytes, 0xbb: the left red zone of what follows |
//
// All of it is within the object's own stride, so a write past its end is seen at the object, and a write before the begin
// of the next one in the last 8 bytes. A free object is 0x6b from its begin to where n stands.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sb {

inline constexpr size_t redzone_bytes = 16; // at the end of each stride

// The bytes before the first object of a slab; at least 8.
void redzone_lead(char* begin, size_t bytes);

// Marks an object as in use, with `asked_bytes` of it for the program.
void redzone_set(char* object, size_t stride, size_t asked_bytes);
void redzone_poison(char* object, size_t stride);

struct Damage {
    bool found;
    uint8_t value; // the byte found instead
    size_t offset; // from the object's begin
    size_t asked_bytes;
};
Damage redzone_look_above(const char* object, size_t stride);
Damage redzone_look_at_poison(const char* object, size_t stride);
bool redzone_is_whole_below(const char* object);

// As redzone_set() was told. The red zone is whole.
size_t redzone_asked_bytes(const void* object, size_t stride);

} // namespace sb
