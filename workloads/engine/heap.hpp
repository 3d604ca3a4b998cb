// One thread's calls of the allocator under test: each counted down for latency, each checked for NULL (which
// ends the worker with worker_no_memory). Sizes of what is taken back are as they were asked for: they are passed for
// the latency table and for a Listener, never to the allocator but by a sized delete.
//
// Compile users with the options of target faultline_engine: -fno-builtin-malloc and the like keep the
// compiler from removing or merging the calls.
#pragma once

#include "workloads/engine/die.hpp"
#include "workloads/engine/latency.hpp"
#include "workloads/engine/listener.hpp"

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
    void* resize(void* block, std::size_t old_bytes, std::size_t bytes) {
        return checked(Operation::realloc, bytes, [=] { return std::realloc(block, bytes); },
                       {block, old_bytes});
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
        timed(as, bytes,
              [=]() -> void* {
                  std::free(block);
                  return nullptr;
              },
              {block, bytes});
    }
    void* new_block(std::size_t bytes) {
        return checked(Operation::operator_new, bytes, [=] { return ::operator new(bytes, std::nothrow); });
    }
    void delete_block(void* block, std::size_t bytes) {
        timed(Operation::operator_delete, bytes,
              [=]() -> void* {
                  ::operator delete(block, bytes);
                  return nullptr;
              },
              {block, bytes});
    }

  private:
    template <typename Call>
    void* timed(Operation operation, std::size_t bytes, Call call, Gone gone = {}) {
        if (!recorder_->due()) [[likely]]
            return call();
        return sampled(operation, bytes, call, gone);
    }
    template <typename Call>
    void* checked(Operation operation, std::size_t bytes, Call call, Gone gone = {}) {
        void* block = timed(operation, bytes, call, gone);
        if (block == nullptr) [[unlikely]]
            die_no_memory(operation_names[static_cast<std::size_t>(operation)], bytes);
        return block;
    }
    template <typename Call>
    [[gnu::noinline, gnu::cold]] void* sampled(Operation operation, std::size_t bytes, Call call, Gone gone) {
        if (Listener* const listener = Listener::standing())
            return heard(*listener, *recorder_, operation, bytes, gone, call);
        const std::uint64_t from = Ticks::begin();
        void* block = call();
        recorder_->add(operation, bytes, Ticks::end() - from);
        return block;
    }

    LatencyRecorder* recorder_;
};

} // namespace faultline::engine
