// Size classes: 16-byte steps to 128 bytes, then eight for each doubling, to 32 KiB; so a block is at most
// one eighth larger than asked for above 128 bytes. All are multiples of 16 and powers of two are among them;
// slabs begin at a multiple of their own size, so an object is aligned to every power of two that divides its
// class's size.
//
// Class 0 is none: NULL, foreign, large. Classes are numbered from 1 in order of size. All tables are made at
// compile time.
#pragma once

#include "allocators/slabuddy/config.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace sb {

inline constexpr unsigned class_count = 8 + 8 * 8; // without class 0
inline constexpr unsigned class_table_size = class_count + 1;

constexpr size_t nth_class_bytes(unsigned cls) {
    if (cls <= 8) {
        return size_t{16} * cls;
    }
    const unsigned doubling = (cls - 9) / 8; // 0: 128 to 256
    const unsigned step = (cls - 9) % 8 + 1;
    return (size_t{128} << doubling) + step * (size_t{16} << doubling);
}
static_assert(nth_class_bytes(1) == 16 && nth_class_bytes(8) == 128 && nth_class_bytes(9) == 144);
static_assert(nth_class_bytes(class_count) == most_slab_object_bytes);

// What the layers need to know of a class, in one cache line's reach.
struct SizeClass {
    uint64_t divisible; // ceil(2^64 / bytes): n is a multiple of bytes when n * divisible < divisible (Lemire
                        // 2019); each process adds noise, see divisible_with()
    uint64_t reciprocal; // ceil(2^40 / bytes): n / bytes == n * reciprocal >> 40 for every n within a slab
    uint32_t bytes;
    uint32_t offset_mask; // slab bytes - 1: what of an address is the offset in its slab
    uint16_t objects;     // in one slab
    uint8_t order;        // pages of a slab: 1 << order
    uint8_t words;        // occupancy words in use
    uint8_t capacity;     // the most a sheaf holds
    uint8_t barn_sheaves; // full ones the barn keeps
};

// The smallest order that wastes at most a sixteenth and holds eight objects, or the largest there is.
constexpr unsigned slab_order_for(size_t bytes) {
    for (unsigned order = 0; order < most_slab_order; ++order) {
        const size_t slab = page_bytes << order;
        if (slab / bytes >= 8 && slab % bytes <= slab / 16) {
            return order;
        }
    }
    return most_slab_order;
}

constexpr SizeClass make_size_class(unsigned cls) {
    const size_t bytes = nth_class_bytes(cls);
    const unsigned order = slab_order_for(bytes);
    const size_t slab = page_bytes << order;
    SizeClass made = {};
    made.divisible = UINT64_MAX / bytes + 1;
    made.reciprocal = ((uint64_t{1} << 40) + bytes - 1) / bytes;
    made.bytes = static_cast<uint32_t>(bytes);
    made.offset_mask = static_cast<uint32_t>(slab - 1);
    made.objects = static_cast<uint16_t>(slab / bytes);
    made.order = static_cast<uint8_t>(order);
    made.words = static_cast<uint8_t>((slab / bytes + 63) / 64);
    const size_t fit = sheaf_most_bytes / bytes;
    made.capacity = static_cast<uint8_t>(fit > sheaf_slots ? sheaf_slots : (fit < 2 ? 2 : fit));
    const size_t sheaves = barn_most_bytes / (made.capacity * bytes);
    made.barn_sheaves = static_cast<uint8_t>(sheaves > barn_most_sheaves ? barn_most_sheaves : sheaves);
    return made;
}

// SizeClass::divisible with a share of `random` added, which leaves the test exact for every n within a slab: with an
// excess e = bytes * divisible - 2^64 it holds while (n / bytes + 1) * e < 2^64 / bytes. So the number, of 2^28 values or
// more, can also be what marks a free object (sheaf.hpp). Precondition: not class 0.
constexpr uint64_t divisible_with(const SizeClass& size, uint64_t random) {
    constexpr uint64_t most_excess = uint64_t{1} << 44;
    static_assert((page_bytes << most_slab_order) + most_slab_object_bytes <= uint64_t{1} << 20);
    return size.divisible + (random & (std::bit_floor(most_excess / size.bytes - 1) - 1));
}

constexpr std::array<SizeClass, class_table_size> make_size_classes() {
    std::array<SizeClass, class_table_size> table = {};
    for (unsigned cls = 1; cls < class_table_size; ++cls) {
        table[cls] = make_size_class(cls);
    }
    // Nothing is a multiple of class 0: with this, its pointers fall through to the sheaf that is always
    // full.
    table[0].divisible = 1;
    return table;
}
inline constexpr std::array<SizeClass, class_table_size> size_classes = make_size_classes();

// Class of each multiple of 16 bytes, rounded up: indexed by (size + 15) / 16.
constexpr std::array<uint8_t, most_slab_object_bytes / 16 + 1> make_class_of_sixteenths() {
    std::array<uint8_t, most_slab_object_bytes / 16 + 1> table = {};
    unsigned cls = 1;
    for (size_t i = 0; i < table.size(); ++i) {
        while (nth_class_bytes(cls) < i * 16) {
            ++cls;
        }
        table[i] = static_cast<uint8_t>(cls);
    }
    return table;
}
inline constexpr auto class_of_sixteenths = make_class_of_sixteenths();

// Precondition: size <= most_slab_object_bytes.
constexpr unsigned class_of(size_t size) {
    return class_of_sixteenths[(size + 15) / 16];
}

// The smallest class that fits `size` and whose objects are all aligned to `alignment` (a power of two), or
// 0.
constexpr unsigned class_of_aligned(size_t alignment, size_t size) {
    if (size > most_slab_object_bytes || alignment > most_slab_object_bytes) {
        return 0;
    }
    for (unsigned cls = class_of(size); cls < class_table_size; ++cls) {
        if (size_classes[cls].bytes % alignment == 0) {
            return cls;
        }
    }
    return 0;
}

} // namespace sb
