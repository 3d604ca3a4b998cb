// A real program's trial, as far as it differs from a worker's: the process that is started is faultline-app, which runs
// the program under the preloaded allocator in a folder of its own (workloads/apps).
#pragma once

#include "harness/process/process.hpp"
#include "harness/trial/trial.hpp"

#include <filesystem>

namespace faultline::trial {

// Where the process finds its ends, as its options say: a worker's and faultline-app's alike.
inline constexpr int worker_phase_fd = 3;
inline constexpr int worker_report_fd = 4;
inline constexpr int worker_occupancy_fd = 5;

process::Command app_command(const plan::Plan& plan, const plan::TrialSpec& spec, const Settings& settings,
                             int phase_fd, int report_fd, const std::filesystem::path& directory);

// A temporary folder for one trial, removed with all that is in it.
class WorkFolder {
  public:
    static Result<WorkFolder> make(); // in TMPDIR; cannot_create
    WorkFolder(WorkFolder&& other) noexcept;
    WorkFolder& operator=(WorkFolder&&) = delete;
    ~WorkFolder();
    const std::filesystem::path& path() const { return path_; }

  private:
    WorkFolder() = default;
    std::filesystem::path path_;
};

} // namespace faultline::trial
