#include "workloads/worker/tests/worker_process.hpp"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <gtest/gtest.h>
#include <stdexcept>
#include <sys/mman.h>
#include <unistd.h>

using namespace faultline;
using engine::Phase;
using tests::Worker;
using tests::WorkerOptions;

namespace {

const std::vector<std::string> small_larson = {"--workload=larson2", "--seed=3",       "--set",
                                               "operations=2000",    "--set=slots=50", "--set",
                                               "generation=500"};

struct Finished {
    int status;
    std::string error;
};
Finished run(const WorkerOptions& options) {
    Worker worker(options);
    const int status = worker.wait();
    return {status, worker.error_output()};
}

bool is_one_line(const std::string& text) {
    return text.ends_with('\n') && std::ranges::count(text, '\n') == 1;
}

// The preloaded malloc of test_malloc.c and the memory it shares with this process.
class TestMalloc {
  public:
    TestMalloc() : fd_(memfd_create("malloc", MFD_CLOEXEC)) {
        void* mapped = MAP_FAILED;
        if (ftruncate(fd_.get(), sizeof(Shared)) == 0)
            mapped = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
        if (mapped == MAP_FAILED)
            throw std::runtime_error("memory shared with the worker");
        shared_ = static_cast<Shared*>(mapped);
    }
    ~TestMalloc() { munmap(shared_, sizeof(Shared)); }
    TestMalloc(const TestMalloc&) = delete;
    TestMalloc& operator=(const TestMalloc&) = delete;

    int fd() const { return fd_.get(); }
    std::vector<std::string> environment() const {
        return {"LD_PRELOAD=" TEST_MALLOC, "FAULTLINE_TEST_MALLOC_FD=" + std::to_string(fd())};
    }
    unsigned long calls() const { return shared_->calls; }
    void break_size(unsigned long bytes) { shared_->broken_size = bytes; } // 0: none

  private:
    struct Shared {
        std::atomic<unsigned long> calls;
        std::atomic<unsigned long> broken_size;
    };
    Fd fd_;
    Shared* shared_ = nullptr;
};

} // namespace

TEST(Gate, MarksComeInOrderAndTheWorkerWaitsAtEach) {
    WorkerOptions options{.arguments = small_larson, .gate = true, .report = true};
    options.arguments.push_back("--idle-ms=30");
    Worker worker(options);
    std::uint64_t before_ns = 0;
    for (const Phase phase : {Phase::warmup, Phase::measure, Phase::drain, Phase::idle, Phase::end}) {
        const auto mark = worker.next_mark();
        ASSERT_TRUE(mark) << worker.error_output();
        EXPECT_EQ(mark->magic, engine::PhaseMark::expected_magic);
        EXPECT_EQ(mark->entered, phase);
        EXPECT_GT(mark->monotonic_ns, before_ns);
        before_ns = mark->monotonic_ns;
        EXPECT_FALSE(worker.next_mark(20)) << "it went on without leave";
        worker.acknowledge();
    }
    EXPECT_EQ(worker.wait(), 0) << worker.error_output();
}

TEST(Gate, TimeAtTheGateIsInNoPhase) {
    WorkerOptions options{.arguments = small_larson, .gate = true, .report = true};
    Worker worker(options);
    constexpr std::uint64_t held_ns = 100'000'000;
    worker.pass_all([&](Phase) { usleep(held_ns / 1000); });
    ASSERT_EQ(worker.wait(), 0);
    const nlohmann::json phases = worker.report()["phases"];
    ASSERT_EQ(phases.size(), 5U);
    for (std::size_t i = 1; i < phases.size(); ++i) {
        const auto end_ns =
            phases[i - 1]["begin_ns"].get<std::uint64_t>() + phases[i - 1]["wall_ns"].get<std::uint64_t>();
        EXPECT_GE(phases[i]["begin_ns"].get<std::uint64_t>() - end_ns, held_ns);
    }
}

TEST(Gate, AParentThatLeavesEndsTheWorker) {
    Worker worker({.arguments = small_larson, .gate = true, .report = true});
    ASSERT_TRUE(worker.next_mark());
    worker.leave();
    EXPECT_EQ(worker.wait(), 74);
    EXPECT_TRUE(is_one_line(worker.error_output())) << worker.error_output();
}

TEST(Report, SaysWhatTheProtocolPromises) {
    WorkerOptions options{.arguments = small_larson, .report = true};
    options.arguments.insert(options.arguments.end(), {"--idle-ms=30", "--set=latency_every=5"});
    Worker worker(options);
    ASSERT_EQ(worker.wait(), 0) << worker.error_output();
    const nlohmann::json report = worker.report();
    EXPECT_EQ(report["workload"], "larsonN");
    EXPECT_EQ(report["threads"], 2);
    EXPECT_EQ(report["seed"], 3);
    EXPECT_EQ(report["parameters"]["operations"], "2000");
    EXPECT_EQ(report["checksum"].get<std::string>().size(), 16U);
    EXPECT_GT(report["harness_bytes"], 0);
    EXPECT_EQ(report["harness_file_bytes"], 0); // larson maps no file
    for (const char* symbol : {"malloc", "free", "calloc", "realloc", "memalign", "aligned_alloc",
                               "posix_memalign", "operator new", "operator delete"})
        EXPECT_TRUE(report["resolved"].contains(symbol)) << symbol;
    EXPECT_TRUE(std::filesystem::exists(report["resolved"]["malloc"].get<std::string>()));

    const nlohmann::json& phases = report["phases"];
    ASSERT_EQ(phases.size(), 5U);
    for (unsigned i = 0; i < engine::phase_count; ++i)
        EXPECT_EQ(phases[i]["name"], engine::phase_names[i]);
    EXPECT_EQ(phases[2]["operations"], 2 * 2 * 2000);
    EXPECT_GT(phases[2]["cpu_ns"], 0);
    EXPECT_GE(phases[4]["wall_ns"], 30'000'000);

    std::uint64_t samples = 0;
    for (const nlohmann::json& row : report["latency"]) {
        EXPECT_EQ(row["sampled_every"], 5);
        EXPECT_LE(row["p50_ns"], row["p99_ns"]);
        EXPECT_LE(row["p9999_ns"], row["max_ns"]);
        std::uint64_t in_buckets = 0;
        for (const nlohmann::json& bucket : row["buckets"])
            in_buckets += bucket[1].get<std::uint64_t>();
        EXPECT_EQ(row["count"], in_buckets);
        samples += in_buckets;
    }
    EXPECT_EQ(samples, 2U * 2 * 2000 / 5);

    const nlohmann::json& benchmarks = report["google_benchmark"]["benchmarks"];
    ASSERT_EQ(benchmarks.size(), 1U);
    EXPECT_EQ(benchmarks[0]["iterations"], 1);
    EXPECT_NEAR(benchmarks[0]["real_time"].get<double>() * 1e6, phases[2]["wall_ns"].get<double>(), 1);
    EXPECT_TRUE(report["google_benchmark"].contains("context"));
}

TEST(Report, LatencyCanBeOff) {
    WorkerOptions options{.arguments = small_larson, .report = true};
    options.arguments.emplace_back("--set=latency_every=0");
    Worker worker(options);
    ASSERT_EQ(worker.wait(), 0);
    EXPECT_TRUE(worker.report()["latency"].empty());
}

TEST(Errors, BadArgumentsAreOneLineAndStatus64) {
    for (const char* argument :
         {"--workload=larsn2", "--workload=larson2:slots=0", "--threads=0", "--no-such-option",
          "--workload=larson2:min_size=9,max_size=8", "--seed=x"}) {
        const Finished finished = run({.arguments = {argument}});
        EXPECT_EQ(finished.status, engine::worker_usage) << argument;
        EXPECT_TRUE(is_one_line(finished.error)) << finished.error;
    }
    const Finished finished = run({.arguments = {"--workload=pair", "--set", "nonsense"}});
    EXPECT_EQ(finished.status, engine::worker_usage);
    EXPECT_EQ(finished.error, "faultline-worker: --set: \"nonsense\" is not key=value\n");
}

TEST(Errors, NullFromTheAllocatorIsStatus69) {
    const Finished finished =
        run({.arguments = {"--workload=malloc-large:min_size=1G,max_size=1G,touch=none"},
             .report = true,
             .memory_limit = std::uint64_t{3} << 30});
    EXPECT_EQ(finished.status, engine::worker_no_memory);
    EXPECT_EQ(finished.error, "faultline-worker: the allocator returned NULL: malloc of 1073741824 bytes\n");
}

// The broken malloc begins with the warm-up: what the worker needs for itself is sound. Some of these would pass
// if blocks of the warm-up carried the cookies of later ones, and all if nothing were written by default.
TEST(Errors, ABlockHandedOutTwiceIsStatus70) {
    struct Case {
        const char* workload;
        unsigned long size;
    };
    std::vector<Case> cases = {{"batch:size=777,batch=10", 777},
                               {"glibc-simple:operations=4800", 16},
                               {"glibc-simple:operations=4800", 64},
                               {"malloc-large:min_size=4096,max_size=4096", 4096},
                               {"alloc-test1:slots=64,max_size=8,operations=50", 8}};
    for (int i = 0; i < 8; ++i) // by seed the one replacement takes the block made last, or the one before it
        cases.push_back({"glibc-thread1:slots=2,operations=1,min_size=512,max_size=512", 512});
    int seed = 0;
    for (const Case& at : cases) {
        TestMalloc malloc;
        Worker worker(
            {.arguments = {std::string("--workload=") + at.workload, "--seed=" + std::to_string(++seed)},
             .environment = malloc.environment(),
             .gate = true,
             .report = true,
             .inherited = {malloc.fd()}});
        worker.pass_all([&](Phase entered) { malloc.break_size(entered == Phase::end ? 0 : at.size); });
        EXPECT_EQ(worker.wait(), engine::worker_corrupt) << at.workload << " seed " << seed;
        EXPECT_TRUE(is_one_line(worker.error_output())) << worker.error_output();
    }
}

// Between the marks every call of the malloc family is the workload's own.
TEST(Measure, CallsOfTheMallocFamilyAreTheWorkloadsAlone) {
    for (const char* workload : {"pair:operations=1000", "batch:operations=5000,batch=50,op=realloc",
                                 "glibc-thread2:operations=1000", "xmalloc-test2:operations=10,batch=64"}) {
        TestMalloc malloc;
        WorkerOptions options{.arguments = {std::string("--workload=") + workload, "--idle-ms=5"},
                              .environment = malloc.environment(),
                              .gate = true,
                              .report = true,
                              .inherited = {malloc.fd()}};
        Worker worker(options);
        std::map<Phase, unsigned long> counts;
        worker.pass_all([&](Phase entered) { counts[entered] = malloc.calls(); });
        ASSERT_EQ(worker.wait(), 0) << worker.error_output();
        const auto operations = worker.report()["phases"][2]["operations"].get<unsigned long>();
        EXPECT_EQ(counts.at(Phase::drain) - counts.at(Phase::measure), operations) << workload;
        EXPECT_EQ(counts.at(Phase::end) - counts.at(Phase::idle), 0U) << workload;
    }
}

TEST(Standalone, ListsEveryWorkloadAndRunsAFilteredOne) {
    Worker list({.arguments = {"--benchmark_list_tests"}});
    ASSERT_EQ(list.wait(), 0) << list.error_output();
    for (const char* name : {"pair\n", "batch\n", "larson2/", "glibc-thread1/", "malloc-large/"})
        EXPECT_NE(list.output().find(name), std::string::npos) << name;
    Worker pair(
        {.arguments = {"--benchmark_filter=^pair$", "--benchmark_format=json", "--benchmark_min_time=0.01"}});
    ASSERT_EQ(pair.wait(), 0) << pair.error_output();
    const nlohmann::json document = nlohmann::json::parse(pair.output());
    ASSERT_EQ(document["benchmarks"].size(), 1U);
    EXPECT_GT(document["benchmarks"][0]["iterations"], 1);
    EXPECT_GT(document["benchmarks"][0]["items_per_second"], 0);
}

TEST(Identify, NamesTheAnswererAndItsVersion) {
    Worker worker({.arguments = {"--identify"}});
    ASSERT_EQ(worker.wait(), 0);
    const nlohmann::json identity = nlohmann::json::parse(worker.output());
    EXPECT_TRUE(std::filesystem::exists(identity["resolved"]["malloc"].get<std::string>()));
    EXPECT_TRUE(identity["versions"].contains("gnu_get_libc_version"));
    Worker preloaded({.arguments = {"--identify"}, .environment = {"LD_PRELOAD=" TEST_MALLOC}});
    ASSERT_EQ(preloaded.wait(), 0);
    EXPECT_EQ(nlohmann::json::parse(preloaded.output())["resolved"]["malloc"],
              std::filesystem::canonical(TEST_MALLOC).string());
}
