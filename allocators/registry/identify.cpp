#include "allocators/registry/identify.hpp"

#include "base/fd.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

extern char** environ; // NOLINT(readability-identifier-naming)

namespace faultline::registry {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t max_output_bytes =
    1 << 20; // a library that prints without end is not listened to further

struct Pipe {
    Fd read_end;
    Fd write_end;
};

Result<Pipe> make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return fail_errno(Exit::os, "", "cannot make a pipe", errno);
    }
    return Pipe{Fd(ends[0]), Fd(ends[1])};
}

std::vector<std::string> child_environment(const std::filesystem::path& preload) {
    std::vector<std::string> entries;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        if (std::strncmp(*entry, "LD_PRELOAD=", 11) != 0) {
            entries.emplace_back(*entry);
        }
    }
    if (!preload.empty()) {
        entries.push_back("LD_PRELOAD=" + preload.string());
    }
    return entries;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
    std::vector<char*> out;
    out.reserve(strings.size() + 1);
    for (std::string& string : strings) {
        out.push_back(string.data());
    }
    out.push_back(nullptr);
    return out;
}

struct Output {
    std::string out;
    std::string err;
    bool gave_up = false;
};

// Reads both pipes until the child closed them, the deadline, or too much of it.
Output drain(const Fd& out, const Fd& err, Clock::time_point deadline) {
    Output output;
    pollfd polled[2] = {{out.get(), POLLIN, 0}, {err.get(), POLLIN, 0}};
    std::string* const targets[2] = {&output.out, &output.err};
    while (polled[0].fd >= 0 || polled[1].fd >= 0) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0 || output.out.size() + output.err.size() > max_output_bytes) {
            output.gave_up = true;
            return output;
        }
        if (::poll(polled, 2, static_cast<int>(left)) < 0 && errno != EINTR) {
            return output;
        }
        for (int i = 0; i < 2; ++i) {
            if (polled[i].fd < 0 || polled[i].revents == 0) {
                continue;
            }
            char buffer[4096];
            const ssize_t n = ::read(polled[i].fd, buffer, sizeof buffer);
            if (n > 0) {
                targets[i]->append(buffer, static_cast<std::size_t>(n));
            } else if (n == 0 || errno != EINTR) {
                polled[i].fd = -1;
            }
        }
    }
    return output;
}

// Waits for the child, which may have closed its output and live on; kills it at the deadline or when
// `timed_out` is already set.
int reap(pid_t pid, Clock::time_point deadline, bool& timed_out) {
    int status = 0;
    while (!timed_out && ::waitpid(pid, &status, WNOHANG) != pid) {
        timed_out = Clock::now() >= deadline;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (timed_out) {
        ::kill(-pid, SIGKILL);
        while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
    }
    return status;
}

std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

std::string ending(int status, const std::string& err) {
    std::string what = WIFSIGNALED(status) ? fmt::format("died of SIG{}", sigabbrev_np(WTERMSIG(status)))
                                           : fmt::format("ended with exit status {}", WEXITSTATUS(status));
    if (!err.empty()) {
        what += fmt::format(" saying \"{}\"", first_line(err));
    }
    return what;
}

std::map<std::string, std::string> strings_of(const nlohmann::json& object) {
    std::map<std::string, std::string> out;
    for (const auto& [key, value] : object.items()) {
        out[key] = value.is_string() ? value.get<std::string>() : value.is_null() ? "" : value.dump();
    }
    return out;
}

// A library that writes to standard output while it loads must not hide the worker's answer: that is the last
// line that is a JSON object.
Result<Identity> parse(const std::string& where, const Output& output) {
    std::size_t end = output.out.size();
    while (end > 0) {
        std::size_t begin = output.out.rfind("\n{", end - 1);
        begin = begin == std::string::npos ? 0 : begin + 1;
        const auto document = nlohmann::json::parse(output.out.begin() + static_cast<std::ptrdiff_t>(begin),
                                                    output.out.end(), nullptr, false);
        if (document.is_object() && document.contains("resolved") &&
            document["resolved"].contains("malloc")) {
            return Identity{strings_of(document["resolved"]),
                            strings_of(document.value("versions", nlohmann::json::object())),
                            first_line(output.err)};
        }
        if (begin == 0) {
            break;
        }
        end = begin - 1;
    }
    return fail(Exit::data, where, "the worker's answer with it loaded cannot be read",
                "does the library write to standard output while it loads?");
}

} // namespace

Result<Identity> identify(const std::filesystem::path& worker, const std::filesystem::path& preload,
                          std::chrono::milliseconds time_out) {
    const std::string where = preload.empty() ? worker.string() : preload.string();
    auto out = make_pipe();
    auto err = make_pipe();
    if (!out || !err) {
        return tl::unexpected(out ? err.error() : out.error());
    }
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, out->write_end.get(), 1);
    ::posix_spawn_file_actions_adddup2(&actions, err->write_end.get(), 2);
    // A group of its own, so that a time-out also ends what the library may have started.
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    std::vector<std::string> arguments = {worker.string(), "--identify"};
    std::vector<std::string> environment = child_environment(preload);
    pid_t pid = -1;
    const int failure = ::posix_spawn(&pid, worker.c_str(), &actions, &attributes, pointers(arguments).data(),
                                      pointers(environment).data());
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    if (failure != 0) {
        return fail_errno(Exit::unavailable, worker.string(), "cannot start the worker", failure,
                          "build or install all of faultline");
    }
    out->write_end.reset();
    err->write_end.reset();
    const auto deadline = Clock::now() + time_out;
    const Output output = drain(out->read_end, err->read_end, deadline);
    bool timed_out = output.gave_up;
    const int status = reap(pid, deadline, timed_out);
    if (timed_out) {
        return fail(Exit::data, where,
                    fmt::format("a program with it loaded did not finish within {} ms", time_out.count()),
                    "the library cannot serve a plain program as its malloc");
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return fail(Exit::data, where, "a program with it loaded " + ending(status, output.err),
                    "try LD_PRELOAD with it on /bin/true");
    }
    return parse(where, output);
}

} // namespace faultline::registry
