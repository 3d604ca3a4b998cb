// Events to the columns of a block's payload. Columns, because like bytes together compress well; prediction
// of pointers, because allocators give back what was freed last. Plain functions on caller's memory without
// libstdc++: the recorder calls encode() inside the process that it records. Decoding is in reader.cpp, with
// Predictor from here.
#pragma once

#include "workloads/trace/event.hpp"
#include "workloads/trace/format.hpp"

#include <cstddef>
#include <cstring>

namespace faultline::trace {

// Both sides of the format hold one for each block and feed it every pointer in order.
class Predictor {
  public:
    // What the next event's pointer probably is.
    std::uint64_t guess(Op op) {
        if (!allocates(op)) {
            return last_;
        }
        if (depth_ == 0) {
            return highest_ + 1;
        }
        --depth_;
        return freed_[(bottom_ + depth_) % capacity];
    }
    void saw(Op op, std::uint64_t pointer) {
        if (allocates(op)) {
            last_ = pointer;
            highest_ = pointer > highest_ ? pointer : highest_;
        } else if (pointer != 0) {
            if (depth_ == capacity) { // forgets the oldest
                bottom_ = (bottom_ + 1) % capacity;
                --depth_;
            }
            freed_[(bottom_ + depth_) % capacity] = pointer;
            ++depth_;
        }
    }

  private:
    static constexpr unsigned capacity = 64;
    std::uint64_t freed_[capacity] = {};
    unsigned bottom_ = 0;
    unsigned depth_ = 0;
    std::uint64_t last_ = 0;
    std::uint64_t highest_ = 0;
};

constexpr std::uint64_t zigzag(std::uint64_t difference) {
    return (difference << 1) ^ (0 - (difference >> 63));
}
constexpr std::uint64_t unzigzag(std::uint64_t value) {
    return (value >> 1) ^ (0 - (value & 1));
}

inline unsigned char* put_varint(unsigned char* out, std::uint64_t value) {
    while (value >= 0x80) {
        *out++ = static_cast<unsigned char>(value | 0x80);
        value >>= 7;
    }
    *out++ = static_cast<unsigned char>(value);
    return out;
}

// The columns in order; the payload starts with their lengths as one u32 each.
enum Column : unsigned {
    column_op,
    column_time,
    column_pointer,
    column_size,
    column_extra,
    column_thread,
    column_count
};

constexpr bool has_pointer(Op op) {
    return op != Op::thread_start && op != Op::thread_end;
}
constexpr bool has_size(Op op) {
    return allocates(op);
}

// An upper bound for what encode() writes.
constexpr std::size_t encoded_bound(std::size_t events) {
    return column_count * 4 + events * (1 + 4 * 10 + 5);
}

// Writes `count` events, in order of time, to `out` (at least encoded_bound(count) bytes) and fills in what
// the header says of the payload. AnyEvent has the members time, pointer, size, extra, op and, when
// `with_threads`, thread.
template <typename AnyEvent>
std::size_t encode(const AnyEvent* events, std::size_t count, bool with_threads, unsigned char* out,
                   BlockHeader& header) {
    unsigned char* at = out + column_count * 4;
    unsigned char* begin = at;
    const auto close_column = [&](Column column) {
        const auto length = static_cast<std::uint32_t>(at - begin);
        std::memcpy(out + column * 4, &length, 4);
        begin = at;
    };
    std::uint64_t all_pointers = 0;
    for (std::size_t i = 0; i < count; ++i) {
        *at++ = static_cast<unsigned char>(events[i].op);
        all_pointers |= events[i].pointer;
    }
    close_column(column_op);
    header.first_time = count != 0 ? events[0].time : 0;
    std::uint64_t time = header.first_time;
    for (std::size_t i = 0; i < count; ++i) {
        at = put_varint(at, events[i].time - time);
        time = events[i].time;
    }
    header.last_time = time;
    close_column(column_time);
    unsigned shift = 0;
    while (shift < 16 && all_pointers != 0 && ((all_pointers >> shift) & 1) == 0) {
        ++shift;
    }
    header.pointer_shift = static_cast<std::uint8_t>(shift);
    Predictor predictor;
    for (std::size_t i = 0; i < count; ++i) {
        const Op op = events[i].op;
        if (has_pointer(op)) {
            const std::uint64_t pointer = events[i].pointer >> shift;
            at = put_varint(at, zigzag(pointer - predictor.guess(op)));
            predictor.saw(op, pointer);
        }
    }
    close_column(column_pointer);
    for (std::size_t i = 0; i < count; ++i) {
        if (has_size(events[i].op)) {
            at = put_varint(at, events[i].size);
        }
    }
    close_column(column_size);
    for (std::size_t i = 0; i < count; ++i) {
        if (has_extra(events[i].op)) {
            at = put_varint(at, events[i].extra);
        }
    }
    close_column(column_extra);
    header.flags = 0;
    if constexpr (requires { events[0].thread; }) {
        if (with_threads) {
            header.flags = block_has_threads;
            for (std::size_t i = 0; i < count; ++i) {
                at = put_varint(at, events[i].thread);
            }
        }
    }
    close_column(column_thread);
    header.events = static_cast<std::uint32_t>(count);
    header.raw_bytes = static_cast<std::uint32_t>(at - out);
    return header.raw_bytes;
}

} // namespace faultline::trace
