// A trial that keeps what its live blocks occupy: by the real worker, on memory that this test shares with it.
#include "workloads/catalog/tests/tiny.hpp"
#include "workloads/engine/occupancy.hpp"
#include "workloads/worker/tests/worker_process.hpp"

#include <gtest/gtest.h>
#include <stdexcept>
#include <sys/mman.h>
#include <unistd.h>

using namespace faultline;
using engine::OccupancySums;
using engine::Phase;

namespace {

class Divided {
  public:
    explicit Divided(std::vector<std::string> arguments, std::vector<std::string> environment = {})
        : fd_(memfd_create("occupancy", MFD_CLOEXEC)), board_(map(fd_.get())) {
        arguments.push_back("--occupancy-fd=" + std::to_string(fd_.get()));
        tests::Worker worker({.arguments = std::move(arguments),
                              .environment = std::move(environment),
                              .gate = true,
                              .report = true,
                              .inherited = {fd_.get()}});
        worker.pass_all([&](Phase entered) { at_[static_cast<std::size_t>(entered)] = board_->sums(); });
        status_ = worker.wait();
        error_ = worker.error_output();
        if (status_ == 0)
            report_ = worker.report();
    }
    ~Divided() { munmap(board_, sizeof *board_); }
    Divided(const Divided&) = delete;
    Divided& operator=(const Divided&) = delete;

    int status() const { return status_; }
    const std::string& error() const { return error_; }
    const nlohmann::json& reason() const { return report_["occupancy"]["reason"]; }
    const nlohmann::json& report() const { return report_; }
    const OccupancySums& when_entering(Phase phase) const { return at_[static_cast<std::size_t>(phase)]; }

  private:
    static engine::OccupancyBoard* map(int fd) {
        void* mapped = MAP_FAILED;
        if (ftruncate(fd, sizeof(engine::OccupancyBoard)) == 0)
            mapped = mmap(nullptr, sizeof(engine::OccupancyBoard), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (mapped == MAP_FAILED)
            throw std::runtime_error("memory shared with the worker");
        return static_cast<engine::OccupancyBoard*>(mapped);
    }

    Fd fd_;
    engine::OccupancyBoard* board_;
    std::array<OccupancySums, engine::phase_count + 1> at_{};
    int status_ = -1;
    std::string error_;
    nlohmann::json report_;
};

} // namespace

TEST(OccupancyOfTrial, BlocksOf17BytesAreRoundedTo24ByGlibc) {
    // Its slots stay full until drain.
    const Divided trial(
        {"--workload=glibc-thread1:slots=2000,operations=9000,min_size=17,max_size=17", "--seed=5"});
    ASSERT_EQ(trial.status(), 0) << trial.error();
    EXPECT_EQ(trial.reason(), nullptr);
    const OccupancySums& live = trial.when_entering(Phase::drain);
    ASSERT_GT(live.requested_bytes, 17'000U);
    EXPECT_EQ(live.requested_bytes % 17, 0U);
    EXPECT_EQ(live.usable_bytes, live.requested_bytes / 17 * 24);
    EXPECT_LE(live.requested_bytes + live.rounding_bytes, live.pages_bytes);
    EXPECT_EQ(trial.when_entering(Phase::idle).requested_bytes, 0U);
    EXPECT_EQ(trial.when_entering(Phase::idle).pages_bytes, 0U);
    EXPECT_TRUE(trial.report()["latency"].empty()) << "nothing is timed";
}

TEST(OccupancyOfTrial, EveryPatternTakesBackTheSizesItAskedFor) {
    unsigned seen = 0;
    for (const engine::WorkloadSpec* spec : catalog()) {
        const auto arguments = tests::tiny_arguments(*spec, 11);
        if (!arguments || !spec->has_allocator_axis())
            continue; // it needs a file, or no allocator
        const Divided trial({"--workload=" + label(*spec, *arguments), "--seed=11"});
        ASSERT_EQ(trial.status(), 0) << spec->name << ": " << trial.error();
        EXPECT_EQ(trial.reason(), nullptr) << spec->name;
        ++seen;
    }
    EXPECT_GT(seen, 15U);
}

TEST(OccupancyOfTrial, AllocatorWithoutUsableSizesHasAReason) {
    const Divided trial({"--workload=pair:operations=1000"}, {"LD_PRELOAD=" TEST_MALLOC});
    ASSERT_EQ(trial.status(), 0) << trial.error();
    ASSERT_TRUE(trial.reason().is_string());
    EXPECT_NE(trial.reason().get<std::string>().find("no malloc_usable_size"), std::string::npos);
}

TEST(OccupancyOfTrial, TimedTrialSaysNothingOfIt) {
    tests::Worker worker({.arguments = {"--workload=pair:operations=1000"}, .report = true});
    ASSERT_EQ(worker.wait(), 0) << worker.error_output();
    EXPECT_FALSE(worker.report().contains("occupancy"));
}
