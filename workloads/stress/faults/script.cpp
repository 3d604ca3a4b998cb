#include "workloads/stress/faults/script.hpp"

#include "workloads/stress/random/pattern.hpp"
#include "workloads/stress/voice.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <new>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

namespace faultline::stress {
namespace {

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;

// Blocks of one thread, in a table of fixed size outside the heap.
class Blocks {
  public:
    Blocks(const HeapCalls& heap, Pulse& pulse, bool may_refuse, std::uint64_t key)
        : heap_(heap), pulse_(pulse), may_refuse_(may_refuse), key_(key) {}

    // False when the allocator refused, as it may.
    bool add(How how, std::size_t size, std::size_t alignment = 16) {
        if (how == How::calloc) {
            size = size / 8 * 8;
        }
        errno = 0;
        void* block = heap_.allocate(how, size, alignment);
        pulse_.progress.fetch_add(1);
        if (block == nullptr) {
            return refused("an allocation", size);
        }
        if (reinterpret_cast<std::uintptr_t>(block) % alignment != 0 && size >= alignment) {
            fail("a block of %zu bytes at %p is not aligned to %zu%s", size, block, alignment, when());
        }
        if (how == How::calloc && first_not_zero(block, size) != all_as_written) {
            fail("calloc of %zu bytes at %p is not zero%s", size, block, when());
        }
        if (count_ == most) {
            fail("the script holds more than %zu blocks", most);
        }
        blocks_[count_++] = {static_cast<char*>(block), size, how};
        write_pattern_of(block, size, key_ + size);
        return true;
    }

    // Grows the newest block; what it holds must be kept whether that works or not.
    void grow(std::size_t size) {
        if (count_ == 0 || blocks_[count_ - 1].how == How::cxx) {
            return;
        }
        Block& block = blocks_[count_ - 1];
        errno = 0;
        void* moved = heap_.resize(block.at, size);
        pulse_.progress.fetch_add(1);
        if (moved == nullptr) {
            refused("realloc", size);
            check(block);
            return;
        }
        block.at = static_cast<char*>(moved);
        if (first_difference(moved, block.size, std::min(size, block.size), key_ + block.size) !=
            all_as_written) {
            fail("realloc from %zu to %zu bytes lost what the block held%s", block.size, size, when());
        }
        block.size = size;
        write_pattern_of(moved, size, key_ + size);
    }

    void drop(std::size_t every) { // each `every`th; 1: all
        std::size_t kept = 0;
        for (std::size_t i = 0; i < count_; ++i) {
            if (i % every != 0) {
                blocks_[kept++] = blocks_[i];
                continue;
            }
            check(blocks_[i]);
            heap_.release(blocks_[i].at, blocks_[i].how);
            pulse_.progress.fetch_add(1);
        }
        count_ = kept;
    }

    void trim() const { heap_.trim(); }

  private:
    struct Block {
        char* at;
        std::size_t size;
        How how;
    };

    const char* when() const {
        return may_refuse_ ? " while calls of the kernel fail" : " after calls of the kernel had failed";
    }

    bool refused(const char* what, std::size_t size) {
        if (errno != ENOMEM) {
            fail("%s of %zu bytes gave NULL with errno %d instead of ENOMEM%s", what, size, errno, when());
        }
        if (!may_refuse_) {
            fail("%s of %zu bytes gave NULL%s", what, size, when());
        }
        pulse_.refusals.fetch_add(1);
        return false;
    }

    void check(const Block& block) {
        if (const std::size_t at = first_difference(block.at, block.size, block.size, key_ + block.size);
            at != all_as_written) {
            fail("the byte at offset %zu of the block of %zu bytes at %p was not as written%s", at,
                 block.size, static_cast<void*>(block.at), when());
        }
    }

    static constexpr std::size_t most = 8192;
    const HeapCalls& heap_;
    Pulse& pulse_;
    bool may_refuse_;
    std::uint64_t key_;
    std::size_t count_ = 0;
    Block blocks_[most];
};

template <typename T, typename... Arguments>
T& outside_the_heap(Arguments&&... arguments) {
    void* place =
        ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (place == MAP_FAILED) {
        fail("the script cannot map its own tables (errno %d)", errno);
    }
    return *new (place) T(std::forward<Arguments>(arguments)...);
}

void small(Blocks& blocks) {
    for (std::size_t i = 0; i < 3000; ++i) {
        blocks.add(i % 5 == 0 ? How::calloc : i % 7 == 0 ? How::cxx : How::malloc, 16 + i * 37 % 4000);
    }
}

void use_all_kinds(Blocks& blocks) {
    small(blocks);
    for (std::size_t i = 0; i < 60; ++i) {
        blocks.add(How::malloc, 40 * kib + i * 17 * kib);
    }
    blocks.drop(2);
    for (std::size_t i = 0; i < 6; ++i) {
        blocks.add(i % 2 == 0 ? How::malloc : How::calloc, (4 + 5 * i) * mib);
    }
    for (std::size_t i = 0; i < 40; ++i) {
        blocks.add(i % 2 == 0 ? How::aligned : How::posix_aligned, 100 + i * 997, std::size_t{64} << i % 12);
    }
    blocks.add(How::malloc, 100);
    for (std::size_t size = 200; size < 24 * mib; size += size / 2) {
        blocks.grow(size);
    }
    blocks.drop(1);
    blocks.trim();
    small(blocks);
    blocks.drop(3);
}

void* thread_main(void* blocks) {
    small(*static_cast<Blocks*>(blocks));
    return nullptr;
}

// Threads whose blocks are given back by another; a thread that cannot be made is none.
void use_threads(Blocks& main, Blocks* const (&others)[2]) {
    pthread_t handles[2];
    bool made[2];
    for (int i = 0; i < 2; ++i) {
        made[i] = ::pthread_create(&handles[i], nullptr, thread_main, others[i]) == 0;
    }
    small(main);
    for (int i = 0; i < 2; ++i) {
        if (made[i]) {
            ::pthread_join(handles[i], nullptr);
        }
        others[i]->drop(1);
    }
    main.drop(1);
}

// The blocks of both stages are mapped before the first, so that no fault hits the script itself.
struct Stage {
    Blocks& main;
    Blocks* others[2];
    Stage(const HeapCalls& heap, Pulse& pulse, bool may_refuse)
        : main(outside_the_heap<Blocks>(heap, pulse, may_refuse, 1)),
          others{&outside_the_heap<Blocks>(heap, pulse, may_refuse, 2),
                 &outside_the_heap<Blocks>(heap, pulse, may_refuse, 3)} {}
};

void go_through(Stage& stage) {
    use_all_kinds(stage.main);
    use_threads(stage.main, stage.others);
}

// Bytes of address space in use.
std::uint64_t address_space_bytes() {
    const int file = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    char text[128] = {};
    const bool has_read = file >= 0 && ::read(file, text, sizeof text - 1) > 0;
    ::close(file);
    unsigned long pages = 0;
    return has_read && std::sscanf(text, "%lu", &pages) == 1
               ? pages * static_cast<std::uint64_t>(::getpagesize())
               : 0;
}

// Allocates until it is refused, or a gigabyte is there; then small blocks and large ones, and gives all back.
void at_the_limit(Blocks& blocks) {
    for (std::size_t i = 0; i < 1024 && blocks.add(How::malloc, mib); ++i) {
    }
    for (std::size_t i = 0; i < 64; ++i) { // refused or not
        blocks.add(How::malloc, 64 + i * 60);
        blocks.add(How::calloc, 3 * mib);
        blocks.grow(6 * mib);
    }
    blocks.drop(1);
}

void limit_address_space(Stage& limited) {
    const rlim_t limit = address_space_bytes() + 64 * mib;
    rlimit old{};
    ::getrlimit(RLIMIT_AS, &old);
    const rlimit tight = {limit, old.rlim_max};
    if (::setrlimit(RLIMIT_AS, &tight) != 0) {
        skip("the address space cannot be limited (errno %d)", errno);
    }
    at_the_limit(limited.main);
    ::setrlimit(RLIMIT_AS, &old);
}

// Takes the mappings that the kernel grants to this process.
class Mappings {
  public:
    // All of them, so that even a mapping that would become one with its neighbour is refused: the kernel looks at their
    // number before it looks at the place (mm/mmap.c, do_mmap). False when it grants more than can be taken here.
    bool take_all() {
        void* place =
            ::mmap(nullptr, most * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (place == MAP_FAILED) {
            return false;
        }
        region_ = static_cast<char*>(place);
        std::size_t next = 0; // pages of two protections in turn, until no mapping can be cut in two
        while (next < most / 2 && ::mprotect(region_ + 2 * next * page, page, PROT_READ) == 0) {
            ++next;
        }
        if (next == most / 2) {
            return false;
        }
        while (singles_ < most_singles) { // the last ones; shared ones never become one
            void* single = ::mmap(nullptr, page, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
            if (single == MAP_FAILED) {
                return true;
            }
            single_[singles_++] = single;
        }
        return false;
    }
    // So many can be had again; an even number.
    void leave(std::size_t count) {
        for (std::size_t i = 0; i < count / 2; ++i) {
            ::mprotect(region_ + 2 * i * page, page, PROT_NONE);
        }
    }
    void give_back() {
        ::munmap(region_, most * page);
        for (; singles_ > 0; --singles_) {
            ::munmap(single_[singles_ - 1], page);
        }
    }

  private:
    static constexpr std::size_t page = 4096;
    static constexpr std::size_t most = 1 << 20;
    static constexpr std::size_t most_singles = 64;
    char* region_ = nullptr;
    void* single_[most_singles] = {};
    std::size_t singles_ = 0;
};

void limit_mappings(Stage& limited) {
    constexpr std::size_t a_few = 8;
    Mappings mappings;
    if (!mappings.take_all()) {
        skip("the kernel grants more mappings than can be used up here (vm.max_map_count)");
    }
    at_the_limit(limited.main);
    mappings.leave(a_few); // some calls work and others do not
    at_the_limit(limited.main);
    mappings.give_back();
}

} // namespace

void run_script(const HeapCalls& heap, Pulse& pulse) {
    pulse.stage = script_prepares;
    Stage during(heap, pulse, true);
    Stage after(heap, pulse, false);
    pulse.stage = script_suffers;
    go_through(during);
    pulse.stage = script_recovers;
    go_through(after);
    during.main.drop(1);
}

void run_at_limit(const OrdealOptions& options, Pulse& pulse) {
    pulse.stage = script_prepares;
    Stage during(process_heap, pulse, true);
    Stage after(process_heap, pulse, false);
    pulse.stage = script_suffers;
    options.variant == "mappings" ? limit_mappings(during) : limit_address_space(during);
    pulse.stage = script_recovers;
    go_through(after);
    figure("refusals", pulse.refusals);
    if (pulse.refusals == 0) {
        skip("the limit was not reached: no call was refused within a gigabyte, as what is needed was "
             "reserved ahead");
    }
}

} // namespace faultline::stress
