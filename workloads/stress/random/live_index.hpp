// Which bytes belong to living blocks: one bit for each eight bytes of address space, so that a block that overlaps
// another is found when it is handed out, before either is written to. The tables are mapped by the index itself and
// populated, so that what they cost can be told from what the allocator under test uses.
//
// Thread-safe without locks. A block's bits are set after its allocation and cleared before its release; what is
// shared by two blocks at its edges (an address that is no multiple of eight) is left out.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace faultline::stress {

class LiveIndex {
  public:
    LiveIndex();
    ~LiveIndex();
    LiveIndex(const LiveIndex&) = delete;
    LiveIndex& operator=(const LiveIndex&) = delete;

    // 0, or the address of a byte that belongs to another block already; then nothing is promised of the rest.
    std::uintptr_t add(std::uintptr_t address, std::size_t bytes);
    void remove(std::uintptr_t address, std::size_t bytes);

    std::uint64_t own_bytes() const; // resident, all of it

  private:
    using Word = std::atomic<std::uint64_t>;
    std::atomic<Word*>& leaf_at(std::uintptr_t address);
    Word* leaf(std::uintptr_t address);

    std::atomic<Word*>* root_;
    std::atomic<std::uint64_t> leaf_bytes_{0};
};

} // namespace faultline::stress
