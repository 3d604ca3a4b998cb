#include "harness/trial/app.hpp"

#include "base/layout.hpp"
#include "harness/process/environment.hpp"

#include <cerrno>
#include <cstdlib>
#include <utility>

namespace faultline::trial {

process::Command app_command(const plan::Plan& plan, const plan::TrialSpec& spec, const Settings& settings,
                             int phase_fd, int report_fd, const std::filesystem::path& directory) {
    const plan::Row& row = plan.rows[spec.row];
    const registry::Allocator& allocator = plan.arms[spec.arm].allocator;
    process::Command command;
    command.argv = {layout::app_runner().string(),
                    row.app->file.string(),
                    "--directory=" + directory.string(),
                    allocator.preload ? "--preload=" + allocator.path.string()
                                      : "--libc=" + allocator.path.string(),
                    "--threads=" + std::to_string(row.arguments.threads),
                    "--idle-ms=" + std::to_string(plan.idle_ms),
                    "--memory-limit=" + std::to_string(settings.memory_limit_bytes),
                    "--phase-fd=" + std::to_string(worker_phase_fd),
                    "--report-fd=" + std::to_string(worker_report_fd)};
    for (const auto& [name, value] : row.arguments.values) {
        command.argv.push_back("--set");
        command.argv.push_back(std::string(name).append("=").append(value));
    }
    command.environment = process::worker_environment(settings.variables, {}, spec.environment_bytes);
    command.inherit = {{phase_fd, worker_phase_fd}, {report_fd, worker_report_fd}};
    return command;
}

Result<WorkFolder> WorkFolder::make() {
    std::error_code error;
    std::string path = (std::filesystem::temp_directory_path(error) / "faultline-XXXXXX").string();
    if (error || ::mkdtemp(path.data()) == nullptr) {
        return fail_errno(Exit::cannot_create, path, "cannot make a folder", error ? error.value() : errno,
                          "set TMPDIR to a folder that can be written to");
    }
    WorkFolder folder;
    folder.path_ = path;
    return folder;
}

WorkFolder::WorkFolder(WorkFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}

WorkFolder::~WorkFolder() {
    if (!path_.empty()) {
        std::error_code ignored; // what a program made undeletable stays in the temporary folder
        std::filesystem::remove_all(path_, ignored);
    }
}

} // namespace faultline::trial
