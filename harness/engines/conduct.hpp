// A plan on an engine, from the first shard's submission to the last one's document: asks how they fare, submits again
// what failed, and cancels everything when it is told to stop.
#pragma once

#include "harness/engines/engine.hpp"
#include "harness/engines/job.hpp"

#include <chrono>

namespace faultline::engines {

// Told what happens, for progress on a terminal or in a log.
class Observer {
  public:
    virtual ~Observer() = default;
    virtual void happened(const std::string& line) = 0;
    virtual void standing(const std::string& line) = 0; // how it is now; often the same
};

struct Pace {
    std::chrono::milliseconds between_looks{2000};
    std::chrono::seconds for_document{60}; // until a shared file system shows what a node wrote
    std::chrono::seconds for_cancel{60};
    unsigned attempts = 3; // of a shard
};

struct Conducted {
    bool stopped = false;        // by stop_fd
    unsigned shards_there = 0;   // documents
    std::vector<Error> given_up; // a shard each
};

// Shards whose document is there already are not run again. Fails where the first submission does.
Result<Conducted> conduct(Engine& engine, const Job& job, int stop_fd, Observer& observer,
                          const Pace& pace = {});

} // namespace faultline::engines
