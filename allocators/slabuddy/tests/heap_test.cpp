// The whole heap against a simple reference, by random sequences; threads; options; texts.
#include "allocators/slabuddy/heap.hpp"

#include "allocators/slabuddy/check.hpp"
#include "allocators/slabuddy/options.hpp"
#include "allocators/slabuddy/os.hpp"
#include "allocators/slabuddy/purge.hpp"
#include "allocators/slabuddy/report.hpp"
#include "allocators/slabuddy/stats.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <string>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

// What must be true of the heap, kept by a map: blocks do not overlap and keep their bytes.
class Model {
  public:
    explicit Model(unsigned seed) : random_(seed) {}
    ~Model() {
        for (const auto& [address, block] : blocks_) {
            sb::release(reinterpret_cast<void*>(address));
        }
    }
    Model(const Model&) = delete;
    Model& operator=(const Model&) = delete;

    void step() {
        wanted_ = size();
        switch (random_() % 8) {
        case 0:
        case 1:
        case 2:
            insert(sb::allocate(wanted_), wanted_);
            break;
        case 3: {
            void* block = sb::allocate_zeroed(wanted_);
            for (size_t i = 0; i < wanted_; i += 1 + wanted_ / 64) {
                ASSERT_EQ(static_cast<char*>(block)[i], 0);
            }
            insert(block, wanted_);
            break;
        }
        case 4: {
            const size_t alignment = size_t{16} << random_() % 12;
            void* block = sb::allocate_aligned(alignment, wanted_);
            ASSERT_EQ(reinterpret_cast<uintptr_t>(block) % alignment, 0U);
            insert(block, wanted_);
            break;
        }
        case 5:
            resize();
            break;
        default:
            remove();
        }
    }

  private:
    struct Block {
        size_t bytes;
        unsigned char fill;
    };

    size_t size() {
        switch (random_() % 10) {
        case 0:
            return random_() % 200000;
        case 1:
            return random_() % 40 == 0 ? 17000000 + random_() % 3000000 : random_() % 3000000;
        default:
            return random_() % 3000;
        }
    }

    void fill(void* at, size_t bytes, unsigned char value) {
        memset(at, value, bytes < 256 ? bytes : 256);
        if (bytes >= 256) {
            memset(static_cast<char*>(at) + bytes - 128, value, 128);
        }
    }

    void expect_filled(const void* at, size_t bytes, unsigned char value) {
        const auto* bytes_at = static_cast<const unsigned char*>(at);
        for (size_t i = 0; i < bytes && i < 256; ++i) {
            ASSERT_EQ(bytes_at[i], value);
        }
    }

    void insert(void* block, size_t bytes) {
        ASSERT_NE(block, nullptr);
        const auto address = reinterpret_cast<uintptr_t>(block);
        ASSERT_EQ(address % 16, 0U);
        ASSERT_GE(sb::usable_size(block), bytes);
        const auto above = blocks_.lower_bound(address);
        ASSERT_TRUE(above == blocks_.end() || address + bytes <= above->first) << "overlaps the block above";
        if (above != blocks_.begin()) {
            const auto below = std::prev(above);
            ASSERT_LE(below->first + below->second.bytes, address) << "overlaps the block below";
        }
        const auto value = static_cast<unsigned char>(random_() % 255 + 1);
        fill(block, bytes, value);
        blocks_[address] = {bytes, value};
    }

    std::map<uintptr_t, Block>::iterator any() {
        auto at = blocks_.lower_bound(blocks_.begin()->first +
                                      random_() % (blocks_.rbegin()->first - blocks_.begin()->first + 1));
        return at == blocks_.end() ? blocks_.begin() : at;
    }

    void resize() {
        if (blocks_.empty()) {
            return;
        }
        const auto at = any();
        const Block old = at->second;
        void* block = sb::reallocate(reinterpret_cast<void*>(at->first), wanted_);
        blocks_.erase(at);
        expect_filled(block, std::min({old.bytes, wanted_, size_t{256}}), old.fill);
        insert(block, wanted_);
    }

    void remove() {
        if (blocks_.empty()) {
            return;
        }
        const auto at = any();
        expect_filled(reinterpret_cast<void*>(at->first), at->second.bytes, at->second.fill);
        sb::release(reinterpret_cast<void*>(at->first));
        blocks_.erase(at);
    }

    std::mt19937_64 random_;
    std::map<uintptr_t, Block> blocks_;
    size_t wanted_ = 0;
};

class HeapModel : public testing::TestWithParam<unsigned> {};

TEST_P(HeapModel, AgreesWithTheReferenceAndKeepsTheInvariants) {
    {
        Model model(GetParam());
        for (int step = 0; step < 20000; ++step) {
            model.step();
            if (HasFatalFailure()) {
                return;
            }
            if (step % 2000 == 0) {
                ASSERT_STREQ(sb::check_all(), nullptr);
                if (step % 4000 == 0) {
                    sb::purge_all();
                    ASSERT_STREQ(sb::check_all(), nullptr);
                }
            }
        }
    }
    sb::purge_all();
    ASSERT_STREQ(sb::check_all(), nullptr);
    EXPECT_EQ(sb::totals().live_bytes, 0U);
}
INSTANTIATE_TEST_SUITE_P(Seeds, HeapModel, testing::Range(1U, 7U));

TEST(Heap, ThreadsHandBlocksToEachOther) {
    sb::heap_start(environ);
    constexpr int threads = 4;
    constexpr int rounds = 20000;
    std::atomic<void*> exchange[256] = {};
    std::vector<std::thread> running;
    running.reserve(threads);
    for (int id = 0; id < threads; ++id) {
        running.emplace_back([&exchange, id] {
            std::mt19937 random(static_cast<unsigned>(id));
            for (int i = 0; i < rounds; ++i) {
                const size_t bytes = random() % 50 == 0 ? random() % 300000 : random() % 2000;
                auto* block = static_cast<unsigned char*>(sb::allocate(bytes + 8));
                memcpy(block, &bytes, sizeof bytes);
                block[bytes + 7] = static_cast<unsigned char>(bytes);
                void* other = exchange[random() % 256].exchange(block);
                if (other) {
                    size_t its = 0;
                    memcpy(&its, other, sizeof its);
                    if (its > 0) {
                        ASSERT_EQ(static_cast<unsigned char*>(other)[its + 7],
                                  static_cast<unsigned char>(its));
                    }
                    sb::release(other);
                }
            }
        });
    }
    for (auto& thread : running) {
        thread.join();
    }
    for (auto& slot : exchange) {
        sb::release(slot.load());
    }
    sb::purge_all();
    EXPECT_STREQ(sb::check_all(), nullptr);
    EXPECT_EQ(sb::totals().live_bytes, 0U) << "ended threads left nothing in their sheaves";
}

TEST(Heap, ManyShortThreadsNeedNoMoreThanOne) {
    sb::heap_start(environ);
    auto work = [] {
        for (size_t size = 16; size < 3000; size += 100) {
            sb::release(sb::allocate(size));
        }
    };
    for (int i = 0; i < 20; ++i) {
        std::thread(work).join();
    }
    const sb::Totals before = sb::totals();
    for (int i = 0; i < 300; ++i) {
        std::thread(work).join();
    }
    const sb::Totals after = sb::totals();
    EXPECT_EQ(after.metadata_bytes, before.metadata_bytes);
    EXPECT_EQ(after.committed_bytes, before.committed_bytes);
    EXPECT_LE(sb::thread_cache_figures().caches, 1U);
}

TEST(Heap, FailureIsNullWithEnomemAndKeepsTheBlock) {
    errno = 0;
    EXPECT_EQ(sb::allocate(SIZE_MAX), nullptr);
    EXPECT_EQ(errno, ENOMEM);
    errno = 0;
    EXPECT_EQ(sb::allocate(size_t{1} << 60), nullptr);
    EXPECT_EQ(errno, ENOMEM);
    auto* block = static_cast<char*>(sb::allocate(100));
    block[99] = 5;
    EXPECT_EQ(sb::reallocate(block, size_t{1} << 60), nullptr);
    EXPECT_EQ(block[99], 5);
    sb::release(block);
    errno = 12;
    sb::release(sb::allocate(size_t{1} << 20));
    EXPECT_EQ(errno, 12);
}

// madvise is refused for locked memory, and trimming must not tell the program.
TEST(Heap, FreeKeepsErrnoWhereMemoryIsLocked) {
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
        GTEST_SKIP() << "mlockall: " << strerror(errno);
    }
    for (const size_t bytes : {size_t{200}, size_t{3000}, size_t{200} << 10, size_t{8} << 20}) {
        std::vector<void*> blocks((size_t{64} << 20) / bytes);
        for (void*& block : blocks) {
            block = sb::allocate(bytes);
            memset(block, 1, bytes);
        }
        errno = 12;
        for (void* block : blocks) {
            sb::release(block);
            ASSERT_EQ(errno, 12) << bytes;
        }
        sb::purge_all();
        EXPECT_EQ(errno, 12) << bytes;
    }
    munlockall();
}

// What marks a free object is only a reason to look.
TEST(Heap, ALiveBlockMayHoldTheBitsThatMarkAFreeOne) {
    for (const size_t bytes : {size_t{16}, size_t{100}, sb::most_slab_object_bytes}) {
        void* block = sb::allocate(bytes);
        sb::release(block);
        void* const mark = sb::mark_of(block);
        void* again = sb::allocate(bytes);
        EXPECT_EQ(again, block);
        EXPECT_EQ(sb::mark_of(again), nullptr) << "what is handed out carries no mark";
        sb::mark_of(again) = mark;
        EXPECT_GE(sb::usable_size(again), bytes);
        again = sb::reallocate(again, bytes - 1);
        sb::mark_of(again) = mark;
        sb::release(again);
        EXPECT_EQ(sb::allocate(bytes), again);
        sb::release(again);
    }
}

// Wherever the first free has brought it by now.
TEST(HeapDeath, ASecondFreeIsFoundAtOnce) {
    void* freed = sb::allocate(100);
    void* other = sb::allocate(100);
    sb::release(freed);
    sb::release(other);
    EXPECT_DEATH(sb::release(freed), "double free \\(class kmalloc-112\\)") << "in this thread's sheaf";
    EXPECT_DEATH(std::thread([=] { sb::release(freed); }).join(), "double free") << "in another thread's";
    EXPECT_DEATH((void)sb::usable_size(freed), "already free");
    EXPECT_DEATH((void)sb::reallocate(freed, 100), "already free");
    std::vector<void*> blocks(5000);
    for (void*& block : blocks) {
        block = sb::allocate(48);
    }
    for (void* block : blocks) {
        sb::release(block);
    }
    for (size_t i = 0; i < blocks.size(); i += 500) {
        EXPECT_DEATH(sb::release(blocks[i]), "double free \\(class kmalloc-48\\)") << "in a barn or a slab";
    }
}

TEST(HeapDeath, MisuseIsNamed) {
    long on_stack[4] = {};
    void* freed = sb::allocate(100);
    sb::release(freed);
    EXPECT_DEATH(sb::release(freed), "double free \\(class kmalloc-112\\)");
    void* live = sb::allocate(100);
    EXPECT_DEATH(sb::release(static_cast<char*>(live) + 16), "middle of a block");
    EXPECT_DEATH(sb::release(static_cast<char*>(live) + 3), "misaligned");
    EXPECT_DEATH(sb::release(&on_stack), "did not hand out");
    EXPECT_DEATH(sb::release(reinterpret_cast<void*>(0xdead000000000010)), "did not hand out");
    void* large = sb::allocate(100000);
    EXPECT_DEATH(sb::release(static_cast<char*>(large) + 4096), "middle of a block");
    sb::release(large);
    EXPECT_DEATH(sb::release(large), "double free");
    EXPECT_DEATH((void)sb::reallocate(large, 10), "already free");
    EXPECT_DEATH((void)sb::usable_size(&on_stack), "malloc_usable_size\\(0x[0-9a-f]+\\): pointer that");
}

TEST(Options, AreReadAndMistakesAreNamed) {
    EXPECT_TRUE(sb::options_parse("stats=0,purge_ms=never,zone=64M,,check"));
    EXPECT_EQ(sb::option(sb::Option::purge_ms), sb::purge_never);
    EXPECT_EQ(sb::option(sb::Option::zone_bytes), size_t{64} << 20);
    EXPECT_EQ(sb::option(sb::Option::check), 1U);
    for (const char* wrong : {"nonsense", "purge_ms=", "purge_ms=x", "stats=2", "zone=1T",
                              "zone=99999999999999999999", "purge_ms=1K2", "=", "stats=1 "}) {
        testing::internal::CaptureStderr();
        EXPECT_FALSE(sb::options_parse(wrong)) << wrong;
        const std::string said = testing::internal::GetCapturedStderr();
        EXPECT_EQ(said.find("slabuddy: SLABUDDY_OPTIONS: \""), 0U) << said;
        EXPECT_EQ(said.find('\n'), said.size() - 1);
    }
    EXPECT_EQ(sb::option(sb::Option::zone_bytes), size_t{64} << 20) << "a mistake changes nothing";
}

std::string text_of(void (*writer)(sb::TextSink)) {
    std::string text;
    writer({[](void* to, const char* piece, size_t bytes) {
                static_cast<std::string*>(to)->append(piece, bytes);
            },
            &text});
    return text;
}

TEST(Figures, TextsHaveTheKernelsLayout) {
    void* small = sb::allocate(50);
    void* area = sb::allocate(size_t{30} << 20);
    std::string text = text_of(sb::slabinfo_write);
    EXPECT_EQ(text.find("slabinfo - version: 2.1\n# name            <active_objs>"), 0U);
    EXPECT_NE(text.find("\nkmalloc-64 "), std::string::npos);
    text = text_of(sb::buddyinfo_write);
    EXPECT_EQ(text.find("Node 0, zone "), 0U);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
    text = text_of(sb::vmallocinfo_write);
    EXPECT_NE(text.find("31457280 pages=7680 vmalloc"), std::string::npos) << text;
    sb::release(small);
    sb::release(area);
    EXPECT_EQ(sb::totals().areas, 0U);
}

} // namespace

// Where the word is another by now, the kernel says EAGAIN.
TEST(Lock, WaitingLeavesErrnoAlone) {
    uint32_t word = 1;
    errno = 4242;
    sb::os_wait(&word, 2);
    sb::os_wake_one(&word);
    EXPECT_EQ(errno, 4242);
}
