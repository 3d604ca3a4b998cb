// The real worker binary as a child, with the parent's ends of its phase gate and its report.
#pragma once

#include "base/fd.hpp"
#include "workloads/engine/protocol.hpp"

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace faultline::tests {

struct WorkerOptions {
    std::vector<std::string> arguments = {};
    std::vector<std::string> environment = {};      // "NAME=value", beside the parent's
    bool gate = false;                              // pass --phase-fd
    bool report = false;                            // pass --report-fd
    std::vector<int> inherited = {};                // descriptors that stay open in it
    std::optional<std::uint64_t> memory_limit = {}; // RLIMIT_AS
};

class Worker {
  public:
    explicit Worker(const WorkerOptions& options);
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    ~Worker(); // kills what still runs

    // The next mark, or nullopt when the worker has gone or nothing came in time.
    std::optional<engine::PhaseMark> next_mark(int timeout_ms = 20'000);
    void acknowledge();
    void leave(); // closes the gate

    // Acknowledges every mark; `at` is called while the worker stands at it.
    void pass_all(const std::function<void(engine::Phase)>& at = [](engine::Phase) {});

    int wait(); // exit status, or 128 + signal
    std::string output();
    std::string error_output();
    nlohmann::json report();

  private:
    pid_t pid_ = -1;
    Fd gate_;
    Fd report_;
    Fd output_;
    Fd error_;
};

} // namespace faultline::tests
