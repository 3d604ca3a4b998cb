// The operators new and delete in all their forms.
#include "workloads/stress/blocks.hpp"
#include "workloads/stress/conformance/tables.hpp"
#include "workloads/stress/voice.hpp"

#include <cstdlib>
#include <new>

namespace faultline::stress::conformance {
namespace {

constexpr std::size_t sizes[] = {1, 8, 24, 100, 1000, 5000, 100000, 3000000};

void* used(void* block, std::size_t size) {
    FAULTLINE_EXPECT(block != nullptr, "operator new of %zu bytes returned NULL", size);
    write_pattern(block, size, size);
    FAULTLINE_EXPECT(first_unlike(block, size, size) == no_such_byte, "%zu bytes of operator new do not hold",
                     size);
    return opaque(block);
}

void each_form(const Task& /*task*/) {
    for (const std::size_t size : sizes) {
        ::operator delete(used(::operator new(size), size));
        ::operator delete[](used(::operator new[](size), size));
        ::operator delete(used(::operator new(size), size), size);
        ::operator delete[](used(::operator new[](size), size), size);
        ::operator delete(used(::operator new(size, std::nothrow), size), std::nothrow);
        ::operator delete[](used(::operator new[](size, std::nothrow), size), std::nothrow);
    }
    ::operator delete(opaque<void*>(nullptr));
    ::operator delete[](opaque<void*>(nullptr));
}

void aligned_forms(const Task& /*task*/) {
    for (std::size_t bytes = 1; bytes <= 4096; bytes <<= 1) {
        const auto alignment = static_cast<std::align_val_t>(bytes);
        for (const std::size_t size : sizes) {
            void* blocks[] = {::operator new(size, alignment), ::operator new[](size, alignment),
                              ::operator new(size, alignment, std::nothrow),
                              ::operator new[](size, alignment, std::nothrow)};
            for (void* block : blocks) {
                FAULTLINE_EXPECT(is_aligned(block, bytes), "operator new of %zu bytes aligned to %zu gave %p",
                                 size, bytes, block);
                used(block, size);
            }
            ::operator delete(blocks[0], alignment);
            ::operator delete[](blocks[1], size, alignment);
            ::operator delete(blocks[2], alignment, std::nothrow);
            ::operator delete[](blocks[3], alignment, std::nothrow);
            ::operator delete(::operator new(size, alignment), size, alignment);
        }
    }
}

void zero_bytes(const Task& /*task*/) {
    void* blocks[100];
    for (void*& block : blocks) {
        block = ::operator new(opaque<std::size_t>(0));
        FAULTLINE_EXPECT(block != nullptr, "operator new(0) returned NULL");
        for (void** other = blocks; other != &block; ++other) {
            FAULTLINE_EXPECT(block != *other, "operator new(0) gave %p twice", block);
        }
    }
    for (void* block : blocks) {
        ::operator delete(block);
    }
}

// The size of a block of 0 bytes is 0 when it is deleted, too.
void sized_delete_zero(const Task& /*task*/) {
    constexpr unsigned count = 200;
    static void* blocks[count];
    static void* aligned[count];
    constexpr auto alignment = static_cast<std::align_val_t>(64);
    for (unsigned round = 0; round < 4; ++round) {
        for (unsigned i = 0; i < count; ++i) {
            blocks[i] = ::operator new(opaque<std::size_t>(0));
            aligned[i] = ::operator new(opaque<std::size_t>(0), alignment);
        }
        void* other = used(::operator new(48), 48); // which none of the deletes is to touch
        for (unsigned i = 0; i < count; ++i) {
            i % 2 == 0 ? ::operator delete(blocks[i], opaque<std::size_t>(0))
                       : ::operator delete[](blocks[i], opaque<std::size_t>(0));
            ::operator delete(aligned[i], opaque<std::size_t>(0), alignment);
        }
        FAULTLINE_EXPECT(first_unlike(other, 48, 48) == no_such_byte,
                         "a block of 48 bytes was overwritten when others were deleted");
        ::operator delete(other, 48);
    }
}

void throws(const Task& /*task*/) {
    for (const std::size_t size : {SIZE_MAX / 2 + 1, SIZE_MAX - 4095, SIZE_MAX}) {
        bool thrown = false;
        try {
            ::operator delete(::operator new(opaque(size)));
        } catch (const std::bad_alloc&) {
            thrown = true;
        }
        FAULTLINE_EXPECT(thrown, "operator new of %zu bytes did not throw bad_alloc", size);
        void* block = ::operator new[](opaque(size), std::nothrow);
        FAULTLINE_EXPECT(block == nullptr, "operator new[] of %zu bytes, nothrow, gave %p", size, block);
    }
}

int handler_calls = 0;

void handler(const Task& /*task*/) {
    std::set_new_handler([] {
        if (++handler_calls == 3) {
            std::set_new_handler(nullptr);
        }
    });
    bool thrown = false;
    try {
        ::operator delete(::operator new(opaque(SIZE_MAX / 2 + 1)));
    } catch (const std::bad_alloc&) {
        thrown = true;
    }
    FAULTLINE_EXPECT(
        thrown && handler_calls == 3,
        "operator new called the new-handler %d times before it threw, not as long as there is one",
        handler_calls);
}

constexpr Check checks[] = {
    {"conformance.new-delete", "every form of new gives a block that its delete takes", "C++20 [new.delete]",
     each_form},
    {"conformance.new-aligned", "new with an alignment keeps it", "C++20 [new.delete]", aligned_forms},
    {"conformance.new-zero-bytes", "new of 0 bytes gives a block of its own",
     "C++20 [basic.stc.dynamic.allocation]", zero_bytes},
    {"conformance.sized-delete-zero", "delete with a size takes a block of 0 bytes", "C++20 [new.delete]",
     sized_delete_zero},
    {"conformance.new-throws", "new throws bad_alloc where there is no memory, and nothrow gives NULL",
     "C++20 [new.delete.single]", throws},
    {"conformance.new-handler", "new calls the new-handler until there is none", "C++20 [new.delete.single]",
     handler},
};

} // namespace

std::span<const Check> cxx_checks() {
    return checks;
}

} // namespace faultline::stress::conformance
