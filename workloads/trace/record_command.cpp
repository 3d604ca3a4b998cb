#include "workloads/trace/record_command.hpp"

#include "base/file.hpp"
#include "workloads/trace/recorded.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace faultline::trace {
namespace {

namespace fs = std::filesystem;

// This process's environment with the recorder in front of what is preloaded already.
std::vector<std::string> environment_for(const RecordOptions& options, const fs::path& output) {
    std::vector<std::string> all;
    std::string preload = "LD_PRELOAD=" + options.recorder.string();
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        if (text.starts_with("LD_PRELOAD=")) {
            preload += ":" + std::string(text.substr(text.find('=') + 1));
        } else if (!text.starts_with("FAULTLINE_RECORD_FILE=")) {
            all.emplace_back(text);
        }
    }
    all.push_back(preload);
    all.push_back("FAULTLINE_RECORD_FILE=" + output.string());
    return all;
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
    std::vector<char*> pointers;
    pointers.reserve(words.size() + 1);
    for (std::string& word : words) {
        pointers.push_back(word.data());
    }
    pointers.push_back(nullptr);
    return pointers;
}

// OUTPUT and OUTPUT's STEM.PID[.N].EXTENSION.
std::vector<fs::path> traces_of(const fs::path& output) {
    std::vector<fs::path> files;
    const std::string stem = output.stem().string() + ".";
    std::error_code ignored;
    for (const fs::directory_entry& entry : fs::directory_iterator(output.parent_path(), ignored)) {
        const std::string name = entry.path().filename().string();
        const std::string extension = output.extension().string();
        if (name.size() <= stem.size() + extension.size() || !name.starts_with(stem) ||
            !name.ends_with(extension)) {
            continue;
        }
        const std::string middle = name.substr(stem.size(), name.size() - stem.size() - extension.size());
        if (middle.find_first_not_of("0123456789.") == std::string::npos) {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    if (fs::exists(output, ignored)) {
        files.insert(files.begin(), output);
    }
    return files;
}

} // namespace

Result<Recording> run_recorded(const RecordOptions& options, const std::vector<std::string>& command) {
    if (command.empty()) {
        return fail(Exit::usage, "record", "no command to run",
                    "write it after --, as in `faultline record -- ls`");
    }
    if (::access(options.recorder.c_str(), R_OK) != 0) {
        return fail_errno(Exit::unavailable, options.recorder.string(), "cannot use the recorder", errno,
                          "build or install libfaultline-record.so");
    }
    const fs::path output = fs::absolute(options.output); // the program may change its directory
    if (auto writable = check_writable(output); !writable) {
        return tl::unexpected(writable.error());
    }
    // The first process to allocate creates the file; older ones of this name would turn it to another.
    std::vector<fs::path> older = traces_of(output);
    older.push_back(index_of(output));
    for (const fs::path& old : older) {
        std::error_code error;
        if (!fs::remove(old, error) && error) {
            return fail(Exit::cannot_create, old.string(), "cannot replace: " + error.message());
        }
    }
    std::vector<std::string> words = command;
    std::vector<std::string> environment = environment_for(options, output);
    pid_t child = 0;
    const int refused = ::posix_spawnp(&child, command[0].c_str(), nullptr, nullptr,
                                       pointers_to(words).data(), pointers_to(environment).data());
    if (refused != 0) {
        return fail_errno(refused == ENOENT || refused == EACCES ? Exit::no_input : Exit::os, command[0],
                          "cannot run", refused, "check the command's name and path");
    }
    // Ctrl-C is the program's to answer; what it has written by then is kept.
    const auto before = std::signal(SIGINT, SIG_IGN);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    std::signal(SIGINT, before);
    Recording recording;
    recording.exit_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    recording.files = traces_of(output);
    if (recording.files.empty()) {
        return fail(Exit::failure, command[0], "nothing was recorded",
                    "the program is linked statically, is set-uid, or never allocates");
    }
    return recording;
}

} // namespace faultline::trace
