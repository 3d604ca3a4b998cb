// `faultline monitor`: the live view of a process tree, on a full screen, as lines, or as JSON.
#include "base/time.hpp"
#include "harness/cli/command.hpp"
#include "harness/cli/stop.hpp"
#include "harness/monitor/lines.hpp"
#include "harness/monitor/source.hpp"
#include "harness/monitor/terminal.hpp"
#include "harness/monitor/views.hpp"
#include "harness/process/observe.hpp"
#include "harness/process/process.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <poll.h>
#include <sstream>
#include <sys/syscall.h>
#include <unistd.h>

extern char** environ;

namespace faultline::cli {
namespace {

using monitor::Frame;
using monitor::Key;
using monitor::View;
using Clock = std::chrono::steady_clock;

struct Options {
    std::vector<std::string> words;
    std::vector<std::string> probes;
    double interval_s = 1;
    unsigned count = 0; // 0: without end
    bool batch = false;
    bool json = false;
};

// What is watched: a process that was there, or a command that runs for it.
struct Subject {
    pid_t pid = 0;
    Fd pid_fd; // readable when it has ended
    std::optional<process::Process> command;
    process::OutputTail output;

    void collect() {
        if (command) {
            output.collect(command->stderr_fd());
        }
    }
};

std::optional<pid_t> as_pid(const std::vector<std::string>& words) {
    pid_t pid = 0;
    const std::string& word = words.front();
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), pid);
    return words.size() == 1 && error == std::errc() && end == word.data() + word.size() && pid > 0
               ? std::optional(pid)
               : std::nullopt;
}

// As a shell finds it; the word itself where PATH has no such program, for exec to complain of.
std::string in_path(const std::string& program) {
    const char* path = std::getenv("PATH");
    std::istringstream folders(program.find('/') == std::string::npos && path != nullptr ? path : "");
    for (std::string folder; std::getline(folders, folder, ':');) {
        std::string file = (folder.empty() ? "." : folder) + "/" + program;
        std::error_code error;
        if (std::filesystem::is_regular_file(file, error) && ::access(file.c_str(), X_OK) == 0) {
            return file;
        }
    }
    return program;
}

// The caller's environment; slabuddy, wherever it is loaded, is asked to show its figures.
std::vector<std::string> with_live_slabuddy() {
    constexpr std::string_view name = "SLABUDDY_OPTIONS=";
    std::vector<std::string> variables;
    std::string options(name);
    for (char** variable = environ; *variable != nullptr; ++variable) {
        if (std::string_view(*variable).starts_with(name)) {
            options = *variable;
        } else {
            variables.emplace_back(*variable);
        }
    }
    variables.push_back(options + (options.size() > name.size() ? ",live" : "live"));
    return variables;
}

Result<Subject> find_subject(const Options& options) {
    Subject subject;
    if (const auto pid = as_pid(options.words)) {
        subject.pid = *pid;
    } else {
        process::Command command{options.words, {}, {}};
        command.argv[0] = in_path(command.argv[0]);
        command.environment = with_live_slabuddy();
        auto started = process::Process::start_stopped(command);
        if (!started) {
            return tl::unexpected(started.error());
        }
        subject.command.emplace(std::move(*started));
        subject.pid = subject.command->pid();
    }
    subject.pid_fd.reset(static_cast<int>(::syscall(SYS_pidfd_open, subject.pid, 0)));
    if (!subject.pid_fd) {
        return fail_errno(Exit::unavailable, std::to_string(subject.pid), "cannot watch this process", errno,
                          "give the number of a process that runs, or -- and a command");
    }
    return subject;
}

enum class Woken { time, ended, stopped, input };

// Until `deadline`, or something happens.
Woken wait(Subject& subject, int stop_fd, bool keys, Clock::time_point deadline) {
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
        if (left.count() <= 0) {
            return Woken::time;
        }
        pollfd fds[] = {{subject.pid_fd.get(), POLLIN, 0},
                        {stop_fd, POLLIN, 0},
                        {keys ? STDIN_FILENO : -1, POLLIN, 0},
                        {subject.command ? subject.command->stderr_fd() : -1, POLLIN, 0}};
        const int ready = ::poll(fds, std::size(fds), static_cast<int>(left.count()) + 1);
        if (ready < 0) {
            return Woken::input; // a signal: the window's size has changed
        }
        if ((fds[1].revents & POLLIN) != 0) {
            return Woken::stopped;
        }
        if ((fds[0].revents & POLLIN) != 0) {
            return Woken::ended;
        }
        if (fds[2].revents != 0) {
            return Woken::input;
        }
        if ((fds[3].revents & POLLIN) != 0) {
            subject.collect();
        } else if ((fds[3].revents & POLLHUP) != 0) { // it closed its output and lives on
            ::usleep(10'000);
        }
    }
}

// The command's own output, where no full screen is in its way: kept out of the figures.
void pass_on(Subject& subject) {
    subject.collect();
    const std::string text = subject.output.take();
    std::fwrite(text.data(), 1, text.size(), stderr);
}

Clock::duration seconds(double number) {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(number));
}

// Lines for a program or a log; returns whether it was Ctrl-C that ended it.
bool print_lines(const Options& options, Subject& subject, monitor::Source& source, const StopSignal& stop) {
    constexpr unsigned lines_a_heading = 20;
    std::optional<monitor::Sample> before = source.take();
    for (unsigned line = 0; options.count == 0 || line < options.count; ++line) {
        const Woken woken = wait(subject, stop.fd(), false, Clock::now() + seconds(options.interval_s));
        pass_on(subject);
        if (woken == Woken::stopped) {
            return true;
        }
        if (woken == Woken::ended) {
            return false; // procfs has nothing more to say of it
        }
        const Frame frame(before, source.take());
        before = frame.now();
        if (options.json) {
            std::printf("%s\n", json_line(frame, timestamp()).c_str());
        } else {
            if (line % lines_a_heading == 0) {
                for (const std::string& heading : monitor::batch_heading()) {
                    std::printf("%s\n", heading.c_str());
                }
            }
            std::printf("%s\n", batch_line(frame).c_str());
        }
        if (std::fflush(stdout) != 0) {
            return false; // main says why
        }
    }
    return false;
}

// What the keys have made of the screen.
struct Look {
    View view = View::overview;
    std::size_t scroll = 0;
    bool paused = false;
    bool help = false;
    double interval_s = 1;
};

constexpr double shortest_interval_s = 0.1;
constexpr double longest_interval_s = 3600;

void apply(Key key, Look& look) {
    switch (key) {
    case Key::pause:
        look.paused = !look.paused;
        break;
    case Key::help:
        look.help = !look.help;
        break;
    case Key::faster:
        look.interval_s = std::max(shortest_interval_s, look.interval_s / 2);
        break;
    case Key::slower:
        look.interval_s = std::min(longest_interval_s, look.interval_s * 2);
        break;
    case Key::up:
        look.scroll -= look.scroll > 0 ? 1 : 0;
        break;
    case Key::down:
        ++look.scroll;
        break;
    case Key::view1:
    case Key::view2:
    case Key::view3:
    case Key::view4:
    case Key::view5:
        look.view = monitor::all_views[static_cast<int>(key) - static_cast<int>(Key::view1)];
        look.scroll = 0;
        look.help = false;
        break;
    case Key::none:
    case Key::quit:
        break;
    }
}

bool show_screen(const Options& options, Subject& subject, monitor::Source& source, const StopSignal& stop,
                 monitor::Terminal& terminal) {
    Look look;
    look.interval_s = options.interval_s;
    Frame frame({}, source.take());
    unsigned frames = 0;
    monitor::Surroundings around;
    auto next = Clock::now() + seconds(std::min(look.interval_s, 0.3)); // the first rates come soon
    for (;;) {
        around = {source.title(),
                  subject.pid,
                  source.allocator(),
                  source.missing(),
                  look.interval_s,
                  look.paused,
                  process::last_line(subject.output.text())};
        const std::size_t rows = terminal.rows();
        const std::size_t columns = terminal.columns();
        terminal.draw(look.help ? monitor::help_screen(around, rows, columns)
                                : monitor::screen(frame, look.view, around, rows, columns, look.scroll));
        const Woken woken = wait(subject, stop.fd(), true, next);
        if (woken == Woken::stopped || woken == Woken::ended) {
            return woken == Woken::stopped;
        }
        for (Key key = terminal.read_key(); key != Key::none; key = terminal.read_key()) {
            if (key == Key::quit) {
                return false;
            }
            const double before = look.interval_s;
            apply(key, look);
            if (look.interval_s != before) {
                next = Clock::now() + seconds(look.interval_s);
            }
        }
        if (Clock::now() >= next) {
            next = Clock::now() + seconds(look.interval_s);
            if (!look.paused) {
                frame = Frame(frame.now(), source.take());
                if (++frames == options.count) {
                    return false;
                }
            }
        }
    }
}

// The command's own status where it ended by itself; else 0, or 128 and the signal.
int ending(Subject& subject, bool stopped, const StopSignal& stop) {
    if (subject.command) {
        pollfd ended{subject.pid_fd.get(), POLLIN, 0};
        const bool by_itself = ::poll(&ended, 1, 0) == 1;
        if (!by_itself) {
            subject.command->kill();
        }
        const auto exit = subject.command->reap();
        pass_on(subject);
        if (by_itself) {
            return exit.signal ? 128 + *exit.signal : exit.status.value_or(1);
        }
    }
    return stopped ? 128 + stop.number() : 0;
}

int run(const Options& options) {
    auto subject = find_subject(options);
    if (!subject) {
        return report(subject.error());
    }
    auto source = monitor::Source::attach(subject->pid, options.probes);
    if (!source) {
        return report(source.error());
    }
    const bool lines = options.batch || options.json;
    std::optional<monitor::Terminal> terminal;
    if (!lines) {
        auto opened = monitor::Terminal::open();
        if (!opened) {
            return report(opened.error());
        }
        terminal.emplace(std::move(*opened));
    } else {
        for (const std::string& missing : source->missing()) {
            std::fprintf(stderr, "faultline: not shown: %s\n", missing.c_str());
        }
    }
    const StopSignal stop;
    if (subject->command) {
        subject->command->release();
    }
    const bool stopped = terminal ? show_screen(options, *subject, *source, stop, *terminal)
                                  : print_lines(options, *subject, *source, stop);
    terminal.reset();
    return ending(*subject, stopped, stop);
}

} // namespace

void add_monitor(CLI::App& app, Action& action) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand(
        "monitor", "Watch what a process and its children make the kernel do, as top and vmstat do");
    command
        ->add_option("what", options->words,
                     "The number of a process, or -- and a command with its arguments")
        ->required();
    command->add_option("-i,--interval", options->interval_s, "Seconds between two samples")
        ->check(CLI::Range(shortest_interval_s, longest_interval_s))
        ->capture_default_str();
    command->add_option("-n,--count", options->count, "End after so many samples [without end]")
        ->check(CLI::Range(1U, 4'000'000'000U));
    command->add_flag("-b,--batch", options->batch, "Print a line for each sample, as vmstat does");
    command->add_flag("--json", options->json, "Print a JSON object for each sample, one a line");
    command
        ->add_option("--probes", options->probes,
                     "Groups of kernel figures, or all [those that cost little; see `faultline list probes`]")
        ->delimiter(',')
        ->allow_extra_args(false);
    command->positionals_at_end();
    command->footer(
        "Keys: 1 to 5 views (overview, faults, pages, slab, pressure), p pause, + and - interval, up and "
        "down\n"
        "scroll, h help, q quit. It ends when the process ends. A command's output goes to standard error, "
        "its\n"
        "last line stands on the screen, and its exit status is this command's.\n"
        "Without root, or CAP_BPF and CAP_PERFMON, it shows what /proc tells, and says what is missing.\n\n"
        "Example: faultline monitor 4711\n"
        "         faultline monitor --batch -i 0.5 -- env LD_PRELOAD=libjemalloc.so.2 ./server");
    command->callback([options, &action] { action = [options] { return run(*options); }; });
}

} // namespace faultline::cli
