// What a program goes on to do after its mistake, and the harm that it then sees.
#pragma once

#include <cstddef>

namespace faultline::stress::misuse {

// Says `survived`, then allocates blocks of about this size, fills them, looks at them again, frees them: says `corrupted` where two owners
// share memory, where a block is not what was written to it, or where one overlaps `live` (of `live_bytes`; may be null).
void go_on(std::size_t size, const void* live = nullptr, std::size_t live_bytes = 0);

// A block with others of its size around it, all filled: whatever runs over its ends runs into one of them, or into what
// the allocator keeps there.
class Neighbourhood {
  public:
    explicit Neighbourhood(std::size_t size);

    unsigned char* middle() const { return static_cast<unsigned char*>(blocks_[count / 2]); }
    // After the mistake: says `survived`, and `corrupted` where a neighbour is not what was written to it.
    void look() const;
    // Frees all of it, the block in the middle too.
    void release();

  private:
    static constexpr unsigned count = 33;
    void* blocks_[count];
    std::size_t sizes_[count];
};

} // namespace faultline::stress::misuse
