#include "harness/engines/conduct.hpp"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <sys/eventfd.h>
#include <unistd.h>

using namespace faultline;
using namespace faultline::engines;

namespace {

// Goes through the stages that the test wrote for each shard, one each time it is asked.
class Scripted final : public Engine {
  public:
    Result<void> submit(const std::vector<unsigned>& shards) override {
        if (refuse) {
            return fail(Exit::unavailable, "sbatch", "no");
        }
        submitted.push_back(shards);
        return {};
    }
    Result<std::vector<State>> states() override {
        ++asked;
        if (asked == deaf_at) {
            return fail(Exit::unavailable, "squeue", "no answer");
        }
        if (at_each_look) {
            at_each_look();
        }
        std::vector<State> states;
        for (auto& [shard, stages] : script) {
            states.push_back({shard, stages.front(), "n" + std::to_string(shard), ""});
            if (stages.front() == Stage::done && !leave_none) {
                std::ofstream(job.document(shard)) << "{}";
            }
            if (stages.size() > 1) {
                stages.pop_front();
            }
        }
        return states;
    }
    Result<void> cancel() override {
        cancelled = true;
        for (auto& [shard, stages] : script) {
            stages = {Stage::cancelled};
        }
        return {};
    }

    Job job;
    std::map<unsigned, std::deque<Stage>> script;
    std::function<void()> at_each_look;
    std::vector<std::vector<unsigned>> submitted;
    unsigned asked = 0;
    unsigned deaf_at = 0;
    bool cancelled = false;
    bool leave_none = false;
    bool refuse = false;
};

class Heard final : public Observer {
  public:
    void happened(const std::string& line) override { all += line + "\n"; }
    void standing(const std::string& line) override { last = line; }
    std::string all;
    std::string last;
};

class Conduct : public testing::Test {
  protected:
    Conduct() {
        std::string name = testing::TempDir() + "engine-XXXXXX";
        engine.job.folder = ::mkdtemp(name.data());
        engine.job.shards = 2;
        pace.between_looks = std::chrono::milliseconds(1);
        pace.for_document = std::chrono::seconds(0);
        stop = ::eventfd(0, EFD_CLOEXEC);
    }
    ~Conduct() override {
        ::close(stop);
        std::filesystem::remove_all(engine.job.folder);
    }
    Conducted run() {
        const auto end = conduct(engine, engine.job, stop, heard, pace);
        EXPECT_TRUE(end) << end.error().line();
        return end.value_or(Conducted{});
    }

    Scripted engine;
    Heard heard;
    Pace pace;
    int stop = -1;
};

constexpr Stage waiting = Stage::waiting;
constexpr Stage running = Stage::running;
constexpr Stage done = Stage::done;
constexpr Stage failed = Stage::failed;

} // namespace

TEST_F(Conduct, SubmitsAllAtOnceAndEndsWithAllDocuments) {
    engine.script = {{1, {waiting, running, running, done}}, {2, {waiting, waiting, running, done}}};
    EXPECT_EQ(run().shards_there, 2U);
    EXPECT_EQ(engine.submitted, (std::vector<std::vector<unsigned>>{{1, 2}}));
    EXPECT_NE(heard.all.find("shard 2 of 2: runs on n2\n"), std::string::npos);
    EXPECT_EQ(heard.last, "2 of 2 shards done");
}

TEST_F(Conduct, SubmitsAFailedShardAgainAndThatOneAlone) {
    engine.script = {{1, {running, running, running, done}}, {2, {running, failed, waiting, running, done}}};
    EXPECT_EQ(run().shards_there, 2U);
    EXPECT_EQ(engine.submitted, (std::vector<std::vector<unsigned>>{{1, 2}, {2}}));
}

TEST_F(Conduct, GivesAShardUpAfterSomeAttemptsWithItsLastWordAndLetsTheOthersEnd) {
    engine.script = {{1, {running, running, running, running, running, running, done}}, {2, {failed}}};
    std::ofstream(engine.job.log(2)) << "a line\nfaultline: x.so: is missing\n";
    const Conducted end = run();
    EXPECT_EQ(end.shards_there, 1U);
    ASSERT_EQ(end.given_up.size(), 1U);
    EXPECT_NE(end.given_up[0].line().find("shard 2 of 2: failed on n2"), std::string::npos);
    EXPECT_NE(end.given_up[0].line().find("x.so: is missing"), std::string::npos);
    EXPECT_EQ(engine.submitted.size(), 3U);
}

TEST_F(Conduct, WhatSomebodyCancelledIsNotSubmittedAgain) {
    engine.script = {{1, {done}}, {2, {running, Stage::cancelled}}};
    EXPECT_EQ(run().given_up.size(), 1U);
    EXPECT_EQ(engine.submitted.size(), 1U);
}

TEST_F(Conduct, AShardThatEndsWithoutADocumentFailed) {
    engine.leave_none = true;
    engine.job.shards = 1;
    engine.script = {{1, {done}}};
    const Conducted end = run();
    ASSERT_EQ(end.given_up.size(), 1U);
    EXPECT_NE(end.given_up[0].what.find("left no document"), std::string::npos);
    EXPECT_EQ(engine.submitted.size(), 3U);
}

TEST_F(Conduct, ALateDocumentIsWaitedFor) {
    engine.leave_none = true;
    engine.job.shards = 1;
    engine.script = {{1, {done}}};
    pace.for_document = std::chrono::seconds(60);
    engine.at_each_look = [this] {
        if (engine.asked == 5) {
            std::ofstream(engine.job.document(1)) << "{}";
        }
    };
    EXPECT_EQ(run().shards_there, 1U);
    EXPECT_EQ(engine.submitted.size(), 1U);
}

TEST_F(Conduct, AnEngineThatDoesNotAnswerIsAskedAgain) {
    engine.script = {{1, {running, done}}, {2, {running, done}}};
    engine.deaf_at = 2;
    EXPECT_EQ(run().shards_there, 2U);
    EXPECT_NE(heard.all.find("no answer; asking again"), std::string::npos);
}

TEST_F(Conduct, WhatIsThereFromBeforeIsNotRunAgain) {
    std::ofstream(engine.job.document(1)) << "{}";
    engine.script = {{2, {running, done}}};
    EXPECT_EQ(run().shards_there, 2U);
    EXPECT_EQ(engine.submitted, (std::vector<std::vector<unsigned>>{{2}}));
}

TEST_F(Conduct, CancelsWhenToldToStop) {
    engine.script = {{1, {running}}, {2, {waiting}}};
    engine.at_each_look = [this] {
        const std::uint64_t one = 1;
        ASSERT_EQ(::write(stop, &one, sizeof one), static_cast<ssize_t>(sizeof one));
    };
    EXPECT_TRUE(run().stopped);
    EXPECT_TRUE(engine.cancelled);
}

TEST_F(Conduct, FailsWhereNothingCanBeSubmitted) {
    engine.refuse = true;
    const auto end = conduct(engine, engine.job, stop, heard, pace);
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().where, "sbatch");
}
