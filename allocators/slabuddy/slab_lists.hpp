// How slabs are kept: the lists of each class in each shard, with their locks. For slab.cpp, which moves objects, and
// the files beside it that punch, count and check; everybody else has slab.hpp and slab_punch.hpp.
#pragma once

#include "allocators/slabuddy/lock.hpp"
#include "allocators/slabuddy/os.hpp"
#include "allocators/slabuddy/shard.hpp"
#include "allocators/slabuddy/size_classes.hpp"
#include "allocators/slabuddy/zone.hpp"

#include <atomic>
#include <bit>
#include <cstdint>

namespace sb {

// Lists of a class, by how many objects are free. A refill takes from the fullest slabs, so that the others
// can empty.
enum Bin : uint8_t { bin_none, bin_quarter, bin_half, bin_most, bin_empty, bin_count };

// Changed with the class's lock held, so no locked instruction is needed; read by anybody at any time.
class Count {
  public:
    operator uint64_t() const { return value_.load(std::memory_order_relaxed); }
    void operator+=(uint64_t more) { value_.store(*this + more, std::memory_order_relaxed); }
    void operator-=(uint64_t less) { value_.store(*this - less, std::memory_order_relaxed); }
    void operator++() { *this += 1; }
    void operator--() { *this -= 1; }

  private:
    std::atomic<uint64_t> value_{0};
};

// A shard's slabs of a class: those whose page says that this is their home.
struct alignas(64) Class {
    Lock lock;
    PageList bins[bin_count]; // bins[bin_none] stays empty: slabs without free objects are in no list
    Count slabs;
    Count punched; // system pages, of all those slabs
    Count refills;
    std::atomic<uint64_t> flushes{0}; // by threads of this shard, wherever the slabs are at home
};

extern constinit Class classes[most_shards][class_table_size];

inline std::atomic<uint64_t>* words_of(PageIndex page) {
    return zone.occupancy + static_cast<size_t>(page) * words_per_page;
}

inline uint8_t bin_for(const SizeClass& size, int32_t free_objects) {
    if (free_objects <= 0) {
        return bin_none;
    }
    if (free_objects >= size.objects) {
        return bin_empty;
    }
    const int32_t quarter = size.objects / 4;
    return free_objects <= quarter ? bin_quarter : (free_objects <= 2 * quarter ? bin_half : bin_most);
}

// Gives free objects that were taken out of a word of the slab, only to be looked at, back to it. When one of them came
// back by itself meanwhile, it has been freed twice: the first such is stored in `twice`, unless one is there already,
// to be reported when no lock is held.
inline void put_back(PageIndex page, unsigned cls, unsigned word, uint64_t bits, const void*& twice) {
    const uint64_t before = words_of(page)[word].fetch_or(bits, std::memory_order_release);
    if (__builtin_expect((before & bits) != 0 && !twice, 0)) {
        const unsigned index = word * 64 + static_cast<unsigned>(std::countr_zero(before & bits));
        twice =
            reinterpret_cast<const void*>(page_address(page) + uintptr_t{index} * size_classes[cls].bytes);
    }
}

inline void set_punched(PageIndex page, Class& owner, uint64_t system_pages) {
    Page& head = zone.mem_map[page];
    owner.punched += system_pages - head.punched;
    head.punched = static_cast<uint16_t>(system_pages);
}

// Ends the program with a report of what is wrong with the object, named by the `call` that met it.
[[noreturn]] void report_bad_object(const char* call, unsigned cls, const void* object);

// Puts the slab into the list its free count asks for, wherever it is at home now. No lock held.
void slab_settle(PageIndex page, unsigned cls);

} // namespace sb
