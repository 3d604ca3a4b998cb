// Known actions must give known counts. Needs what the layer needs: skipped, saying so, elsewhere.
#include "kernel-probes/bpf/names.hpp"
#include "kernel-probes/layers.hpp"
#include "kernel-probes/tests/probe_testing.hpp"

#include <algorithm>
#include <fstream>

using namespace faultline::probes;
using faultline::probes::testing::value_of;
using Deed = KnownChild::Deed;

namespace {

const Wanted everything = [](std::string_view) { return true; };

// The probe on a child that stands still; what a deed adds to a metric.
class KnownActions : public ::testing::Test {
  protected:
    void SetUp() override { start(everything); }

    void start(const Wanted& wanted) {
        probe_ = make_bpf_tp(wanted);
        const auto capabilities = probe_->check();
        if (std::all_of(capabilities.begin(), capabilities.end(),
                        [](const Capability& c) { return c.status == Status::unavailable; })) {
            GTEST_SKIP() << "SKIPPED: " << capabilities.front().reason;
        }
        auto child = KnownChild::start();
        ASSERT_TRUE(child);
        child_.emplace(std::move(*child));
        const auto attached = probe_->attach({child_->pid()});
        ASSERT_TRUE(attached) << attached.error().line();
    }

    // The first of these that this kernel does not count, or "".
    std::string_view first_absent(std::initializer_list<std::string_view> metrics) {
        const auto* found = std::find_if(metrics.begin(), metrics.end(),
                                         [&](std::string_view metric) { return !value_of(*probe_, metric); });
        return found == metrics.end() ? std::string_view() : *found;
    }

    double now(std::string_view metric) {
        const auto value = value_of(*probe_, metric);
        EXPECT_TRUE(value.has_value()) << metric;
        return static_cast<double>(value.value_or(0));
    }

    // How far `metric` moves by the deed; absent when it cannot be done here.
    std::optional<double> counted(std::string_view metric, Deed deed, std::uint32_t amount,
                                  std::uint32_t size = 0) {
        const double before = now(metric);
        if (!child_->do_deed(deed, amount, size)) {
            return std::nullopt;
        }
        return now(metric) - before;
    }

    void expect_count(std::string_view metric, double expected, Deed deed, std::uint32_t amount,
                      std::uint32_t size = 0) {
        const auto count = counted(metric, deed, amount, size);
        ASSERT_TRUE(count) << "the deed could not be done";
        std::printf("%-28.*s expected %8.0f counted %8.0f\n", static_cast<int>(metric.size()), metric.data(),
                    expected, *count);
        EXPECT_NEAR(*count, expected, expected * 0.02) << metric;
    }

    std::unique_ptr<Probe> probe_;
    std::optional<KnownChild> child_;
};

} // namespace

// Skips the test on kernels where one of these metrics cannot be had: which those are, `faultline list probes` says.
#define NEEDS(...)                                                                                           \
    if (const auto absent = first_absent({__VA_ARGS__}); !absent.empty())                                    \
    GTEST_SKIP() << "SKIPPED: this kernel does not tell of " << absent

TEST_F(KnownActions, TouchedPagesArePagesOfOrderZero) {
    NEEDS("faults_user_mode", "alloc_pages_order0_calls");
    constexpr std::uint32_t pages = 65536;
    const double calls = now("alloc_pages_order0_calls");
    const double movable = now("alloc_pages_movable_pages");
    expect_count("faults_user_mode", pages, Deed::touch_pages, pages);
    EXPECT_NEAR(now("alloc_pages_order0_calls") - calls, pages, pages * 0.02);
    EXPECT_NEAR(now("alloc_pages_movable_pages") - movable, pages, pages * 0.02);
}

TEST_F(KnownActions, TouchedPagesAreAnonymousFaultsAndPagesOfOrderZero) {
    NEEDS("faults_anonymous", "faults_minor", "alloc_pages_order0_calls");
    constexpr std::uint32_t pages = 65536;
    const double calls = now("alloc_pages_order0_calls");
    const double movable = now("alloc_pages_movable_pages");
    const double minor = now("faults_minor");
    const double user = now("faults_user_mode");
    expect_count("faults_anonymous", pages, Deed::touch_pages, pages);
    EXPECT_NEAR(now("alloc_pages_order0_calls") - calls, pages, pages * 0.02);
    EXPECT_NEAR(now("alloc_pages_movable_pages") - movable, pages, pages * 0.02);
    EXPECT_NEAR(now("faults_minor") - minor, pages, pages * 0.02);
    EXPECT_NEAR(now("faults_user_mode") - user, pages, pages * 0.02);
}

TEST_F(KnownActions, SharedMemory) {
    NEEDS("faults_shmem");
    expect_count("faults_shmem", 2000, Deed::touch_shared, 2000);
}

TEST_F(KnownActions, ReadsOfUntouchedMemoryShowThePageOfZeros) {
    NEEDS("faults_zero_page");
    expect_count("faults_zero_page", 1500, Deed::read_untouched, 1500);
}

TEST_F(KnownActions, CopyOnWriteOfPagesShared) {
    NEEDS("faults_cow");
    expect_count("faults_cow", 3000, Deed::copy_on_write, 3000);
}

TEST_F(KnownActions, CopyOnWriteOfAFile) {
    NEEDS("faults_cow");
    expect_count("faults_cow", 3000, Deed::write_private_file, 3000);
}

TEST_F(KnownActions, HugePages) {
    NEEDS("faults_huge");
    const double order9 = now("alloc_pages_order9_calls");
    const auto count = counted("faults_huge", Deed::touch_huge, 20);
    if (!count || *count == 0) {
        GTEST_SKIP() << "SKIPPED: no huge pages here";
    }
    EXPECT_EQ(*count, 20);
    EXPECT_EQ(now("alloc_pages_order9_calls") - order9, 20);
}

// Nothing tells of a fault's end then.
TEST_F(KnownActions, KindsOfFaultsAreToldWithTheirGroupAloneToo) {
    NEEDS("faults_anonymous");
    start([](std::string_view group) { return group == "fault_kinds"; });
    expect_count("faults_anonymous", 20000, Deed::touch_pages, 20000);
    expect_count("faults_shmem", 2000, Deed::touch_shared, 2000);
    expect_count("faults_zero_page", 1500, Deed::read_untouched, 1500);
    expect_count("faults_cow", 3000, Deed::copy_on_write, 3000);
    expect_count("faults_cow", 3000, Deed::write_private_file, 3000);
    const double huge = now("faults_huge");
    const bool done = child_->do_deed(Deed::touch_huge, 20);
    EXPECT_TRUE(!done || now("faults_huge") - huge == 20 || now("faults_huge") == huge);
    const double file = now("faults_file");
    if (child_->do_deed(Deed::touch_file, 200)) {
        EXPECT_NEAR(now("faults_file") - file, 200, 8);
    }
}

TEST_F(KnownActions, FaultsOnAFileThatWasDroppedAreMajor) {
    NEEDS("faults_major", "faults_file");
    const double file = now("faults_file");
    const auto major = counted("faults_major", Deed::touch_file, 200);
    if (!major) {
        GTEST_SKIP() << "SKIPPED: /var/tmp's file system does not drop pages";
    }
    EXPECT_NEAR(*major, 200, 4);
    EXPECT_NEAR(now("faults_file") - file, 200, 8);
}

TEST_F(KnownActions, ThreadsAndChildrenBelongToTheTrialAndOthersDoNot) {
    NEEDS("faults_anonymous");
    auto stranger = KnownChild::start();
    ASSERT_TRUE(stranger);
    const double before = now("faults_anonymous");
    ASSERT_TRUE(stranger->do_deed(Deed::touch_pages, 5000));
    EXPECT_EQ(now("faults_anonymous"), before);
    expect_count("faults_anonymous", 20000, Deed::touch_elsewhere, 20000);
}

// Threads of the trial and of others begin and end in turns, and take over what the kernel had for one another.
TEST_F(KnownActions, ThreadsThatFollowThoseOfOthersAreNotMistakenForThem) {
    NEEDS("faults_anonymous");
    constexpr int times = 100;
    auto stranger = KnownChild::start();
    ASSERT_TRUE(stranger);
    for (int i = 0; i < times; ++i) {
        const double before = now("faults_anonymous");
        ASSERT_TRUE(child_->do_deed(Deed::touch_elsewhere, 20));
        const double after = now("faults_anonymous");
        EXPECT_NEAR(after - before, 20, 4) << i; // and the new thread's own stack
        ASSERT_TRUE(stranger->do_deed(Deed::touch_elsewhere, 20));
        EXPECT_EQ(now("faults_anonymous"), after) << i;
    }
}

TEST_F(KnownActions, MessagesTakeKmallocOfTheirSize) {
    NEEDS("kmalloc_calls");
    expect_count("kmalloc_to_1024_calls", 2000, Deed::send_control, 2000, 1000);
    expect_count("kmalloc_to_8192_calls", 2000, Deed::send_control, 2000, 8000);
    expect_count("kmalloc_to_16384_calls", 2000, Deed::send_control, 2000,
                 16000);                                                       // told of twice by the kernel
    expect_count("kmalloc_to_4096_calls", 4000, Deed::send_queue, 2000, 8000); // in two pieces
}

TEST_F(KnownActions, AttributesTakeKmallocOfTheirSize) {
    NEEDS("kmalloc_calls");
    expect_count("kmalloc_to_4096_calls", 2000, Deed::set_attribute, 2000, 3000);
}

TEST_F(KnownActions, SocketFiltersTakeVmalloc) {
    NEEDS("vmap_alloc_calls");
    const double filter = 4 * 4096 + 4096; // 8 bytes an instruction, and a guard page
    const double bytes = now("vmap_alloc_bytes");
    expect_count("vmap_alloc_calls", 500, Deed::attach_filter, 500, 2000);
    EXPECT_NEAR(now("vmap_alloc_bytes") - bytes, 500 * filter, 500 * filter * 0.02);
}

TEST_F(KnownActions, ReadsOfAFileMissWhenColdAndHitWhenWarm) {
    NEEDS("pagecache_read_pages");
    constexpr std::uint32_t mebibyte = 256; // pages
    ASSERT_TRUE(child_->do_deed(Deed::make_file, mebibyte));
    const double missed = now("pagecache_missed_pages");
    expect_count("pagecache_read_pages", mebibyte, Deed::read_file, mebibyte);
    EXPECT_EQ(now("pagecache_missed_pages"), missed);
    if (!child_->do_deed(Deed::drop_file, 0)) {
        GTEST_SKIP() << "SKIPPED: /var/tmp's file system does not drop pages";
    }
    const double looked_up = now("pagecache_read_pages");
    expect_count("pagecache_added_pages", mebibyte, Deed::read_file, mebibyte);
    EXPECT_EQ(now("pagecache_read_pages") - looked_up, mebibyte);
    EXPECT_GT(now("pagecache_missed_pages"), missed);
    EXPECT_LE(now("pagecache_missed_pages") - missed, mebibyte);
}

TEST_F(KnownActions, CallsAboutTheAddressSpaceAreCountedWithTheirBytes) {
    constexpr double bytes = 65536;
    constexpr double times = 1000;
    const std::pair<const char*, double> expected[] = {
        {"mmap_calls", times},      {"mmap_bytes", times * bytes},
        {"munmap_calls", times},    {"munmap_bytes", times * 2 * bytes},
        {"mprotect_calls", times},  {"mprotect_bytes", times * bytes},
        {"madvise_calls", times},   {"madvise_bytes", times * bytes},
        {"mremap_calls", times},    {"mremap_grown_bytes", times * bytes},
        {"mremap_shrunk_bytes", 0}, {"memory_calls_failed", 0}};
    std::map<std::string_view, double> before;
    for (const auto& [metric, count] : expected) {
        before[metric] = now(metric);
    }
    ASSERT_TRUE(child_->do_deed(Deed::map_unmap, 1000, 65536));
    for (const auto& [metric, count] : expected) {
        EXPECT_EQ(now(metric) - before[metric], count) << metric;
    }
}

TEST_F(KnownActions, TablesNameFlagsCachesAdviceAndKindsOfFaults) {
    NEEDS("faults_anonymous");
    ASSERT_TRUE(child_->do_deed(Deed::touch_pages, 1000));
    ASSERT_TRUE(child_->do_deed(Deed::map_unmap, 100, 4096));
    Snapshot snapshot;
    probe_->mark(faultline::engine::Phase::warmup, snapshot);
    const auto row = [&](std::string_view table, const std::string& key) -> std::vector<std::uint64_t> {
        for (const TableRows& rows : snapshot.tables) {
            if (rows.table->name == table) {
                const auto found = rows.rows.find(key);
                return found == rows.rows.end() ? std::vector<std::uint64_t>() : found->second;
            }
        }
        return {};
    };
    EXPECT_EQ(row("madvise", "DONTNEED").at(0), 100U);
    EXPECT_GE(row("slab_caches", "vm_area_struct").at(0), 100U);
    const auto anonymous = row("fault_latency", "anonymous");
    ASSERT_FALSE(anonymous.empty());
    std::uint64_t faults = 0;
    for (const std::uint64_t slot : anonymous) {
        faults += slot;
    }
    EXPECT_EQ(static_cast<double>(faults), now("faults_anonymous"));
    for (const TableRows& rows : snapshot.tables) {
        for (const auto& [key, figures] : rows.rows) {
            EXPECT_EQ(figures.size(), rows.table->columns.size()) << rows.table->name << ": " << key;
        }
    }
}

TEST(BpfNames, FlagsAreNamedByTheKernelsOwnCombinationsFirst) {
    const std::vector<std::pair<unsigned, std::string>> bits = {
        {6, "IO"}, {7, "FS"}, {8, "ZERO"}, {10, "DIRECT_RECLAIM"}, {11, "KSWAPD_RECLAIM"}};
    EXPECT_EQ(bpf::gfp_name(0xcc0, bits), "GFP_KERNEL");
    EXPECT_EQ(bpf::gfp_name(0xdc0, bits), "GFP_KERNEL|ZERO");
    EXPECT_EQ(bpf::gfp_name(0x800, bits), "GFP_NOWAIT");
    EXPECT_EQ(bpf::gfp_name(0x100100, bits), "ZERO|0x100000");
    EXPECT_EQ(bpf::gfp_name(0xcc0, {}), "0xcc0");
    EXPECT_EQ(bpf::gfp_name(0, bits), "0x0");
}

TEST(BpfNames, FunctionsAreFoundByAnyAddressInThem) {
    const bpf::KernelSymbols symbols({{0x100, "first"}, {0x200, "second"}});
    EXPECT_EQ(symbols.function_at(0x1ff), "first");
    EXPECT_EQ(symbols.function_at(0x200), "second");
    EXPECT_EQ(symbols.function_at(0xff), "?");
}

// An ordinary user gets a reason with an errno and a remedy, no figure and no failure.
TEST(BpfTp, OrdinaryUserIsToldWhyAndHasNoFalseZeros) {
    const auto told = [] {
        const auto probe = make_bpf_tp(everything);
        const auto capabilities = probe->check();
        auto child = KnownChild::start();
        if (!child || !probe->attach({child->pid()})) {
            return false;
        }
        const auto explained = [](const Capability& c) {
            return c.status == Status::unavailable && !c.reason.empty() && !c.remedy.empty();
        };
        Snapshot snapshot;
        probe->mark(faultline::engine::Phase::warmup, snapshot);
        return !capabilities.empty() && std::all_of(capabilities.begin(), capabilities.end(), explained) &&
               snapshot.tables.empty() &&
               std::all_of(snapshot.values.begin(), snapshot.values.end(),
                           [](const Value& value) { return !value.value; });
    };
    if (::geteuid() != 0) {
        GTEST_SKIP() << "SKIPPED: needs root to become an ordinary user";
    }
    EXPECT_TRUE(faultline::probes::testing::passes_as_ordinary_user(told));
}
