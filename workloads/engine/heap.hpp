// One thread's calls of the allocator under test: each counted down for latency, each checked for NULL (which
// ends the worker with worker_no_memory). Sizes of what is freed are passed for the latency table alone.
//
// Compile users with the options of target faultline_engine: -fno-builtin-malloc and the like keep the
// compiler from removing or merging the calls.
#pragma once

#include "workloads/engine/census.hpp"
#include "workloads/engine/die.hpp"
#include "workloads/engine/latency.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace faultline::engine {

class Heap {
  public:
    explicit Heap(LatencyRecorder& recorder) : recorder_(&recorder) {}

    void* allocate(std::size_t bytes) {
        return checked(Operation::malloc, bytes, [=] { return std::malloc(bytes); });
    }
    void* allocate_zeroed(std::size_t count, std::size_t bytes) {
        return checked(Operation::calloc, count * bytes, [=] { return std::calloc(count, bytes); });
    }
    void* resize(void* block, std::size_t bytes) {
        return checked(
            Operation::realloc, bytes, [=] { return std::realloc(block, bytes); }, block);
    }
    // Any size and any power of two from sizeof(void*): posix_memalign asks for no multiple of the alignment,
    // as aligned_alloc may.
    void* allocate_aligned(std::size_t alignment, std::size_t bytes) {
        return checked(Operation::posix_memalign, bytes, [=] {
            void* block = nullptr;
            return posix_memalign(&block, alignment, bytes) == 0 ? block : nullptr;
        });
    }
    // `as` remote_free where another thread allocated the block.
    void release(void* block, std::size_t bytes, Operation as = Operation::free) {
        timed(
            as, bytes,
            [=]() -> void* {
                std::free(block);
                return nullptr;
            },
            block);
    }
    void* new_block(std::size_t bytes) {
        return checked(Operation::operator_new, bytes, [=] { return ::operator new(bytes, std::nothrow); });
    }
    void delete_block(void* block, std::size_t bytes) {
        timed(
            Operation::operator_delete, bytes,
            [=]() -> void* {
                ::operator delete(block, bytes);
                return nullptr;
            },
            block);
    }

  private:
    // `gone` is the block that the call takes back.
    template <typename Call>
    void* timed(Operation operation, std::size_t bytes, Call call, const void* gone = nullptr) {
        if (!recorder_->due()) [[likely]]
            return call();
        return sampled(operation, bytes, call, gone);
    }
    template <typename Call>
    void* checked(Operation operation, std::size_t bytes, Call call, const void* gone = nullptr) {
        void* block = timed(operation, bytes, call, gone);
        if (block == nullptr) [[unlikely]]
            die_no_memory(operation_names[static_cast<std::size_t>(operation)], bytes);
        return block;
    }
    template <typename Call>
    [[gnu::noinline, gnu::cold]] void* sampled(Operation operation, std::size_t bytes, Call call,
                                               const void* gone) {
        if (Census* const census = Census::standing())
            return counted(*census, operation, bytes, call, gone);
        const std::uint64_t from = Ticks::begin();
        void* block = call();
        recorder_->add(operation, bytes, Ticks::end() - from);
        return block;
    }

    template <typename Call>
    void* counted(Census& census, Operation operation, std::size_t bytes, Call call, const void* gone) {
        if (gone != nullptr)
            census.freed(operation, gone);
        void* block = call();
        if (block != nullptr)
            census.made(operation, block, bytes);
        recorder_->due_again();
        return block;
    }

    LatencyRecorder* recorder_;
};

} // namespace faultline::engine
