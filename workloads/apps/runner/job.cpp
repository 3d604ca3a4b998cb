#include "workloads/apps/runner/job.hpp"

#include "base/file.hpp"
#include "workloads/apps/runner/output.hpp"
#include "workloads/apps/runner/program.hpp"
#include "workloads/apps/runner/proof.hpp"
#include "workloads/apps/runner/tree.hpp"
#include "workloads/engine/clock.hpp"
#include "workloads/engine/phases.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <functional>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>

extern char** environ;

namespace faultline::apps {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using engine::Phase;

constexpr int sample_ms = 10;
constexpr std::uint64_t ready_limit_ns = 30'000'000'000;
constexpr std::uint64_t stop_limit_ns = 20'000'000'000;

std::uint64_t nanoseconds(const timeval& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(time.tv_usec) * 1'000;
}

rusage operator-(rusage all, const rusage& part) {
    timersub(&all.ru_utime, &part.ru_utime, &all.ru_utime);
    timersub(&all.ru_stime, &part.ru_stime, &all.ru_stime);
    all.ru_minflt -= part.ru_minflt;
    all.ru_majflt -= part.ru_majflt;
    all.ru_nvcsw -= part.ru_nvcsw;
    all.ru_nivcsw -= part.ru_nivcsw;
    return all;
}

rusage waited_for() {
    rusage usage{};
    ::getrusage(RUSAGE_CHILDREN, &usage);
    return usage;
}

std::string replaced(std::string text, std::string_view what, const std::string& by) {
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
        text.replace(at, what.size(), by);
    }
    return text;
}

std::string last_line(const std::string& text) {
    const std::size_t end = text.find_last_not_of(" \n");
    if (end == std::string::npos) {
        return "";
    }
    const std::size_t start = text.rfind('\n', end);
    return text.substr(start == std::string::npos ? 0 : start + 1,
                       end - (start == std::string::npos ? 0 : start + 1) + 1);
}

class Job {
  public:
    explicit Job(const JobOptions& options)
        : options_(options), definition_(*options.definition), work_(options.directory / "work"),
          gate_(options.phase_fd) {}

    Result<Json> run() {
        ::prctl(PR_SET_CHILD_SUBREAPER, 1);
        if (auto made = make_folders(); !made) {
            return tl::unexpected(made.error());
        }
        auto done = prepare();
        if (done && !failure_) {
            done = definition_.service() ? run_service() : run_command();
        }
        if (done && !failure_) {
            done = judge_output();
        }
        if (!done) {
            return tl::unexpected(done.error());
        }
        return report();
    }

  private:
    Result<void> failed(std::string why) {
        if (!failure_) {
            failure_ = std::move(why);
        }
        return {};
    }

    Result<void> make_folders() {
        std::error_code error;
        fs::create_directory(work_, error);
        if (error) {
            return fail_errno(Exit::cannot_create, work_.string(), "cannot make the folder", error.value());
        }
        for (const char* name : {"output", "errors", "helpers", "witness"}) {
            const Fd fd(open_log(name));
            if (!fd) {
                return fail_errno(Exit::cannot_create, file(name).string(), "cannot make the file", errno);
            }
            if (as_nobody()) {
                ::fchown(fd.get(), nobody, nobody);
            }
        }
        if (as_nobody()) {
            ::chown(options_.directory.c_str(), nobody, nobody);
            ::chown(work_.c_str(), nobody, nobody);
        }
        return {};
    }

    bool as_nobody() const { return !definition_.root && ::geteuid() == 0; }
    fs::path file(const char* name) const { return options_.directory / name; }
    Fd open_log(const char* name) const {
        return Fd(::open(file(name).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    }

    std::string filled_in(std::string text) const {
        text = replaced(std::move(text), "{dir}", definition_.file.parent_path().string());
        text = replaced(std::move(text), "{work}", work_.string());
        text = replaced(std::move(text), "{threads}", std::to_string(options_.arguments.threads));
        for (const auto& [name, value] : options_.arguments.values) {
            text = replaced(std::move(text), std::string("{").append(name).append("}"), value);
        }
        return text;
    }

    std::vector<std::string> environment(bool measured) const {
        std::map<std::string, std::string> variables;
        for (char** entry = environ; *entry != nullptr; ++entry) {
            const std::string_view text(*entry);
            const std::size_t equals = std::min(text.find('='), text.size());
            variables[std::string(text.substr(0, equals))] = text.substr(std::min(equals + 1, text.size()));
        }
        variables["PATH"] = path_variable(definition_);
        variables["HOME"] = work_.string();
        variables["TMPDIR"] = work_.string();
        for (const auto& [name, value] : definition_.environment) {
            variables[name] = filled_in(value);
        }
        if (measured) {
            const fs::path library =
                options_.preload.empty() && definition_.libc_first ? options_.libc : options_.preload;
            variables["LD_PRELOAD"] =
                (library.empty() ? "" : library.string() + ":") + options_.witness.string();
            variables["FAULTLINE_WITNESS"] = file("witness").string();
        }
        std::vector<std::string> out;
        out.reserve(variables.size());
        for (const auto& [name, value] : variables) {
            out.push_back(std::string(name).append("=").append(value));
        }
        return out;
    }

    Result<Program> start(const Words& words, bool measured, const char* output, const char* errors) const {
        const Fd output_fd = open_log(output);
        const Fd errors_fd = open_log(errors);
        Launch launch;
        for (const std::string& word : words) {
            launch.words.push_back(filled_in(word));
        }
        if (const std::string found = locate(launch.words.front(), path_variable(definition_));
            !found.empty()) {
            launch.words.front() = found;
        }
        launch.environment = environment(measured);
        launch.directory = work_;
        launch.output = output_fd.get();
        launch.error = errors_fd.get();
        launch.as_nobody = as_nobody();
        return Program::start(launch);
    }

    // A helper on libc's malloc, to its end. `what` is for the complaint.
    Result<void> help(const Words& words, const std::string& what, const char* output = "helpers") {
        auto program = start(words, false, output, "helpers");
        if (!program) {
            return tl::unexpected(program.error());
        }
        if (tree_) {
            tree_->leave_out(program->pid());
        }
        const Ended ended = wait_for(*program);
        return ended.well(0) ? Result<void>() : failed(with_words(what + " " + ended.what(), "helpers"));
    }

    // Waits while the tree, if there is one yet, is watched.
    Ended wait_for(Program& program) {
        for (;;) {
            if (auto ended = program.poll()) {
                return *ended;
            }
            look();
            pollfd fd{program.pid_fd(), POLLIN, 0};
            ::poll(&fd, 1, sample_ms);
        }
    }

    void look() {
        if (!tree_) {
            return;
        }
        tree_->sample();
        if (options_.memory_limit_bytes != 0 && tree_->resident_bytes() > options_.memory_limit_bytes) {
            failed("used more than the memory limit of " + std::to_string(options_.memory_limit_bytes >> 20) +
                   " MiB and was stopped");
            kill_tree();
        }
    }

    void kill_tree() const {
        for (const pid_t pid : tree_->living()) {
            ::kill(pid, SIGKILL);
        }
    }

    std::string with_words(const std::string& what, const char* log) const {
        const std::string said = last_line(read_file(file(log)).value_or(""));
        return said.empty() ? what : what + ": " + said;
    }

    Result<void> prepare() {
        for (const Words& words : definition_.prepare) {
            if (auto done = help(words, "`prepare`"); !done || failure_) {
                return done;
            }
        }
        return {};
    }

    // The program itself and, since this process is a subreaper, whatever it left running: a job has ended when all its
    // processes have.
    void wait_for_orphans() {
        while (::waitpid(-1, nullptr, WNOHANG) >= 0) {
            look();
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }

    Result<void> run_command() {
        gate_.enter(Phase::warmup);
        const rusage before = waited_for();
        gate_.enter(Phase::measure);
        auto program = start(definition_.command, true, "output", "errors");
        if (!program) {
            return tl::unexpected(program.error());
        }
        tree_.emplace(program->pid());
        const Ended ended = wait_for(*program);
        wait_for_orphans();
        gate_.enter(Phase::drain);
        const rusage usage = waited_for() - before;
        add_phase(Phase::measure, {{"cpu_ns", nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime)},
                                   {"user_ns", nanoseconds(usage.ru_utime)},
                                   {"system_ns", nanoseconds(usage.ru_stime)},
                                   {"minor_faults", usage.ru_minflt},
                                   {"major_faults", usage.ru_majflt},
                                   {"voluntary_switches", usage.ru_nvcsw},
                                   {"involuntary_switches", usage.ru_nivcsw}});
        // The kernel's own mark of the largest process; what several hold together is known by samples alone.
        peak_ = std::max(tree_->peak_bytes(), static_cast<std::uint64_t>(ended.usage.ru_maxrss) * 1024);
        gate_.enter(Phase::idle);
        gate_.enter(Phase::end);
        return ended.well(definition_.exit_status)
                   ? Result<void>()
                   : failed(with_words(definition_.program + " " + ended.what(), "errors"));
    }

    Result<void> run_service() {
        gate_.enter(Phase::warmup);
        auto server = start(definition_.server, true, "errors", "errors");
        if (!server) {
            return tl::unexpected(server.error());
        }
        tree_.emplace(server->pid());
        if (auto ready = wait_until_ready(*server); !ready || failure_) {
            return ready;
        }
        const TreeUsage at_start = usage();
        baseline_ = tree_->resident_bytes();
        gate_.enter(Phase::measure);
        add_service_phase(Phase::warmup, {}, at_start);
        const TreeUsage before = usage();
        auto load = start(definition_.load, false, "output", "helpers");
        if (!load) {
            return tl::unexpected(load.error());
        }
        tree_->leave_out(load->pid());
        const Ended loaded = wait_for(*load);
        add(others_, loaded.usage);
        const TreeUsage after = usage();
        gate_.enter(Phase::drain);
        add_service_phase(Phase::measure, before, after);
        gate_.enter(Phase::idle);
        rest();
        const TreeUsage rested = usage();
        peak_ = tree_->peak_bytes();
        retained_ = tree_->resident_bytes();
        gate_.enter(Phase::end);
        add_service_phase(Phase::idle, after, rested);
        if (auto stopped = stop(*server); !stopped) {
            return stopped;
        }
        return loaded.well(0) ? Result<void>() : failed(with_words("`load` " + loaded.what(), "helpers"));
    }

    Result<void> wait_until_ready(Program& server) {
        const std::uint64_t limit = engine::monotonic_ns() + ready_limit_ns;
        for (;;) {
            if (const auto ended = server.poll()) {
                return failed(with_words(definition_.program + " ended before it was ready: " + ended->what(),
                                         "errors"));
            }
            auto probe = start(definition_.ready, false, "helpers", "helpers");
            if (!probe) {
                return tl::unexpected(probe.error());
            }
            tree_->leave_out(probe->pid());
            const Ended ended = wait_for(*probe);
            add(others_, ended.usage);
            if (ended.well(0) || failure_) {
                return {};
            }
            if (engine::monotonic_ns() > limit) {
                return failed(definition_.program + " was not ready within 30 s");
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    }

    void rest() {
        const std::uint64_t until = engine::monotonic_ns() + options_.idle_ms * 1'000'000;
        while (engine::monotonic_ns() < until) {
            std::this_thread::sleep_for(std::chrono::milliseconds(sample_ms));
        }
        tree_->sample();
    }

    Result<void> stop(Program& server) {
        if (definition_.stop.empty()) {
            ::kill(server.pid(), SIGTERM);
        } else if (auto done = help(definition_.stop, "`stop`"); !done || failure_) {
            return done;
        }
        const std::uint64_t limit = engine::monotonic_ns() + stop_limit_ns;
        std::optional<Ended> ended;
        while (!(ended = server.poll()) && engine::monotonic_ns() < limit) {
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        if (!ended) {
            kill_tree();
            server.wait();
            return failed(definition_.program + " did not stop within 20 s");
        }
        return ended->well(definition_.exit_status)
                   ? Result<void>()
                   : failed(with_words(definition_.program + " " + ended->what(), "errors"));
    }

    static void add(rusage& sum, const rusage& more) {
        timeradd(&sum.ru_utime, &more.ru_utime, &sum.ru_utime);
        timeradd(&sum.ru_stime, &more.ru_stime, &sum.ru_stime);
        sum.ru_minflt += more.ru_minflt;
        sum.ru_majflt += more.ru_majflt;
    }

    // Of the service alone: its living processes and, among those that this process waited for, those that were neither
    // `prepare` nor `ready` nor `load`.
    TreeUsage usage() {
        tree_->sample();
        TreeUsage sum = tree_->usage();
        const rusage orphans = waited_for() - others_;
        sum.cpu_ns += nanoseconds(orphans.ru_utime) + nanoseconds(orphans.ru_stime);
        sum.user_ns += nanoseconds(orphans.ru_utime);
        sum.system_ns += nanoseconds(orphans.ru_stime);
        sum.minor_faults += static_cast<std::uint64_t>(orphans.ru_minflt);
        sum.major_faults += static_cast<std::uint64_t>(orphans.ru_majflt);
        return sum;
    }

    void add_service_phase(Phase phase, const TreeUsage& before, const TreeUsage& after) {
        add_phase(phase, {{"cpu_ns", after.cpu_ns - before.cpu_ns},
                          {"user_ns", after.user_ns - before.user_ns},
                          {"system_ns", after.system_ns - before.system_ns},
                          {"minor_faults", after.minor_faults - before.minor_faults},
                          {"major_faults", after.major_faults - before.major_faults}});
    }

    void add_phase(Phase phase, Json figures) {
        const engine::PhaseTimes& times = gate_.times(phase);
        figures["name"] = engine::phase_names[static_cast<unsigned>(phase)];
        figures["begin_ns"] = times.begin_ns;
        figures["wall_ns"] = times.wall_ns;
        figures["operations"] = phase == Phase::measure
                                    ? std::strtoull(filled_in(definition_.operations).c_str(), nullptr, 10)
                                    : 0;
        phases_.push_back(std::move(figures));
    }

    Result<void> judge_output() {
        if (!definition_.verify.empty()) {
            if (auto done = help(definition_.verify, "`verify`", "output"); !done || failure_) {
                return done;
            }
        }
        const auto output = read_file(file("output"));
        if (!output) {
            return tl::unexpected(output.error());
        }
        auto kept = without(*output, definition_.drop);
        if (!kept) {
            return tl::unexpected(kept.error());
        }
        checksum_ = output_checksum(*kept);
        auto unexpected = why_unexpected(definition_, *kept);
        if (!unexpected) {
            return tl::unexpected(unexpected.error());
        }
        return *unexpected ? failed(**unexpected) : Result<void>();
    }

    Json report() const {
        const auto testimonies = read_testimonies(read_file(file("witness")).value_or(""));
        Json processes = Json::array();
        for (const Testimony& one : testimonies) {
            processes.push_back({{"program", one.program}, {"resolved", one.resolved}});
        }
        Json report = {{"workload", definition_.name}, {"failure", nullptr}, {"checksum", checksum_}};
        if (failure_) {
            report["failure"] = *failure_;
        }
        report["resolved"] = testimonies.empty() ? Json::object() : Json(testimonies.front().resolved);
        report["processes"] = std::move(processes);
        report["unproved"] = unproved(tree_ ? tree_->programs() : std::set<std::string>(), testimonies);
        report["peak_rss_bytes"] = peak_ ? Json(*peak_) : Json();
        report["retained_rss_bytes"] = retained_ ? Json(*retained_) : Json();
        report["baseline_rss_bytes"] = baseline_ ? Json(*baseline_) : Json();
        report["phases"] = phases_;
        report["latency"] = Json::array();
        report["series"] = Json::array();
        if (tree_) {
            report["series"].push_back(
                {{"name", "rss_bytes"}, {"at_ns", tree_->at_ns()}, {"values", tree_->values()}});
        }
        report["notes"] = definition_.notes;
        return report;
    }

    const JobOptions& options_;
    const Definition& definition_;
    fs::path work_;
    engine::PhaseGate gate_;
    std::optional<Tree> tree_;
    rusage others_{}; // of the helpers that were waited for while the service ran
    std::optional<std::string> failure_;
    std::string checksum_;
    std::optional<std::uint64_t> peak_, retained_, baseline_;
    Json phases_ = Json::array();
};

} // namespace

Result<Json> run_job(const JobOptions& options) {
    return Job(options).run();
}

} // namespace faultline::apps
