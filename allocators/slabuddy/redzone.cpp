#include "allocators/slabuddy/redzone.hpp"

#include <cstring>

namespace sb {
namespace {

constexpr uint8_t in_use_fill = 0xcc;
constexpr uint8_t below_fill = 0xbb;
constexpr uint8_t freed_fill = 0x6b;
constexpr size_t below_bytes = 8;

struct Trailer {
    uint32_t slack_bytes; // behind what was asked for, up to the end of the stride
    uint32_t check;
};
static_assert(sizeof(Trailer) + below_bytes == redzone_bytes);

uint32_t check_of(const void* object, uint32_t slack_bytes) {
    return ~slack_bytes ^ static_cast<uint32_t>(reinterpret_cast<uintptr_t>(object) >> 4);
}

Trailer trailer_of(const void* object, size_t stride) {
    Trailer trailer = {};
    memcpy(&trailer, static_cast<const char*>(object) + stride - redzone_bytes, sizeof trailer);
    return trailer;
}

// The first byte of [from, to) that is not `fill`, or `to`.
size_t first_other(const char* object, size_t from, size_t to, uint8_t fill) {
    while (from < to && static_cast<uint8_t>(object[from]) == fill) {
        ++from;
    }
    return from;
}

} // namespace

void redzone_lead(char* begin, size_t bytes) {
    memset(begin, below_fill, bytes);
}

void redzone_set(char* object, size_t stride, size_t asked_bytes) {
    const auto slack = static_cast<uint32_t>(stride - asked_bytes);
    const Trailer trailer = {slack, check_of(object, slack)};
    char* end = object + stride - redzone_bytes;
    memset(object + asked_bytes, in_use_fill, static_cast<size_t>(end - object) - asked_bytes);
    memcpy(end, &trailer, sizeof trailer);
    memset(end + sizeof trailer, below_fill, below_bytes);
}

void redzone_poison(char* object, size_t stride) {
    memset(object, freed_fill, stride - redzone_bytes);
}

Damage redzone_look_above(const char* object, size_t stride) {
    const Trailer trailer = trailer_of(object, stride);
    const size_t end = stride - redzone_bytes;
    if (trailer.check != check_of(object, trailer.slack_bytes) || trailer.slack_bytes < redzone_bytes ||
        trailer.slack_bytes > stride) {
        return {true, static_cast<uint8_t>(object[end]), end, end};
    }
    const size_t asked_bytes = stride - trailer.slack_bytes;
    const size_t other = first_other(object, asked_bytes, end, in_use_fill);
    return {other < end, static_cast<uint8_t>(object[other]), other, asked_bytes};
}

Damage redzone_look_at_poison(const char* object, size_t stride) {
    const size_t end = stride - redzone_bytes;
    const size_t other = first_other(object, 0, end, freed_fill);
    if (other < end) {
        return {true, static_cast<uint8_t>(object[other]), other, redzone_asked_bytes(object, stride)};
    }
    return {};
}

bool redzone_is_whole_below(const char* object) {
    return first_other(object - below_bytes, 0, below_bytes, below_fill) == below_bytes;
}

size_t redzone_asked_bytes(const void* object, size_t stride) {
    return stride - trailer_of(object, stride).slack_bytes;
}

} // namespace sb
