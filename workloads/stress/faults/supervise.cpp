#include "workloads/stress/faults/supervise.hpp"

#include "workloads/engine/clock.hpp"
#include "workloads/stress/faults/injector.hpp"
#include "workloads/stress/faults/order.hpp"
#include "workloads/stress/faults/script.hpp"
#include "workloads/stress/ordeal/spawn.hpp"
#include "workloads/stress/voice.hpp"

#include <algorithm>
#include <map>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <vector>

namespace faultline::stress {
namespace {

constexpr unsigned hang_looks = 1000; // 10 s without a call
constexpr std::uint64_t most_bytes = 4ULL << 30;
constexpr std::uint64_t from_then_on = UINT64_MAX;

// How one run with one failing call went.
enum class Outcome {
    absorbed, // nobody saw it
    refused,  // NULL with ENOMEM, as it may be
    at_start, // ended before the program began
    own,      // the fault hit the worker itself
    accused,  // a check of the script
    ended,    // aborted, crashed or left
    hung,
};

struct Run {
    Outcome outcome = Outcome::absorbed;
    std::vector<std::uint64_t> kinds; // of the victim's calls
    bool injected = false;
    std::string said; // of the worker
    Ending ending;
};

std::string content_of(int fd) {
    std::string text(8192, '\0');
    const ssize_t length = ::pread(fd, text.data(), text.size(), 0);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
    return text;
}

std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

[[noreturn]] void cannot(const Error& error) {
    skip("%s", error.line().c_str());
}

Run run_with(const Injection& injection, const OrdealOptions& options) {
    const Fd output(::memfd_create("faultline-output", MFD_CLOEXEC));
    Injector injector(injection);
    OrdealOptions told = options.for_worker();
    told.report_fd = STDOUT_FILENO;
    Worker worker;
    worker.arguments = told.arguments("work-script");
    worker.preload = options.preload;
    worker.output_fd = output.get();
    worker.prepare = Injector::prepare;
    worker.context = &injector;
    Result<Running> running = Running::start(worker);
    if (!running) {
        cannot(running.error());
    }
    if (auto attends = injector.attend(running->pulse(), running->pid()); !attends) {
        cannot(attends.error());
    }
    Run run;
    run.ending = running->watch(hang_looks, most_bytes);
    injector.finish();
    run.kinds = injector.kinds();
    run.injected = injector.injected() > 0;
    run.said = content_of(output.get());
    const bool is_good = run.ending.kind == Ending::Kind::exited && run.ending.number == 0;
    if (is_good) {
        run.outcome = running->pulse().refusals > 0 ? Outcome::refused : Outcome::absorbed;
    } else if (run.ending.kind == Ending::Kind::exited && run.ending.number == static_cast<int>(Exit::os)) {
        run.outcome = Outcome::own;
    } else if (running->pulse().stage == script_starts || running->pulse().stage == script_prepares) {
        run.outcome = Outcome::at_start;
    } else if (run.ending.kind == Ending::Kind::hung) {
        run.outcome = Outcome::hung;
    } else if (run.ending.kind == Ending::Kind::exited && run.ending.number == status_failed) {
        run.outcome = Outcome::accused;
    } else {
        run.outcome = Outcome::ended;
    }
    return run;
}

std::string describe(const Run& run) {
    if (run.outcome == Outcome::accused) {
        const std::string word = std::string(word::failed) + " ";
        const std::size_t at = run.said.find(word);
        return at == std::string::npos ? run.said : first_line(run.said.substr(at + word.size()));
    }
    if (run.outcome == Outcome::refused) {
        return "memory is refused";
    }
    const std::string line = first_line(run.said);
    return "the program " + describe(run.ending) + (line.empty() ? "" : ": " + line);
}

class Tally {
  public:
    void add(const Injection& injection, const Run& run) {
        if (run.outcome == Outcome::own) {
            return;
        }
        ++counts_[run.outcome];
        const bool may_refuse = injection.delay_us == 0;
        if (run.outcome == Outcome::absorbed || (may_refuse && run.outcome == Outcome::refused)) {
            return;
        }
        const std::string which = injection.count == from_then_on
                                      ? "from the " + std::to_string(injection.first) + ". on every "
                                      : "the " + std::to_string(injection.first) + ". ";
        const std::string what =
            injection.delay_us == 0 ? " fails" : " takes " + std::to_string(injection.delay_us) + " us more";
        std::string& first = run.outcome == Outcome::at_start ? start_
                             : is_promised(injection, run)    ? worst_
                                                              : short_;
        if (!first.empty()) {
            return;
        }
        first = "where " + which + injection.victim->name + what + ", " + describe(run);
    }
    void say() const {
        static constexpr std::pair<Outcome, const char*> names[] = {{Outcome::absorbed, "absorbed"},
                                                                    {Outcome::refused, "refused"},
                                                                    {Outcome::at_start, "ended-at-start"},
                                                                    {Outcome::accused, "accused"},
                                                                    {Outcome::ended, "ended"},
                                                                    {Outcome::hung, "hung"}};
        for (const auto& [outcome, name] : names) {
            if (const auto found = counts_.find(outcome); found != counts_.end()) {
                figure(name, found->second);
            }
        }
        if (!start_.empty()) {
            note("%s", start_.c_str());
        }
        if (!worst_.empty()) {
            fail("%s", worst_.c_str());
        }
        if (!short_.empty()) {
            fall_short("%s", short_.c_str());
        }
    }

  private:
    // A refused mprotect is no want of memory that a standard speaks of: there only harm to blocks is held against anybody.
    static bool is_promised(const Injection& injection, const Run& run) {
        return run.outcome == Outcome::accused || injection.delay_us > 0 ||
               injection.victim->numbers.front() != SYS_mprotect;
    }

    std::map<Outcome, unsigned> counts_;
    std::string worst_; // the first, of those that are held against the allocator
    std::string short_; // the first, of those that no standard forbids
    std::string start_;
};

// The kinds of the victim's calls that the script makes in `stage`.
std::vector<std::uint64_t> kinds_of_calls(const Victim& victim, std::uint64_t stage,
                                          const OrdealOptions& options) {
    Run counting = run_with({&victim, stage}, options);
    if (counting.outcome != Outcome::absorbed) {
        skip("the script does not come to its end even without a fault: %s", describe(counting).c_str());
    }
    figure((std::string(victim.name) + "-calls").c_str(), counting.kinds.size());
    return std::move(counting.kinds);
}

// False when the run had no such call: threads do not make the same ones each time.
bool attempt(Tally& tally, const OrdealOptions& options, const Injection& injection) {
    const Run run = run_with(injection, options);
    if (run.injected || run.outcome != Outcome::absorbed) {
        tally.add(injection, run);
    }
    return run.injected;
}

// Every call of the victim that the script reaches in `stage`, one run each, while there is time. Says how far it came.
void try_all(const Victim& victim, std::uint64_t stage, const OrdealOptions& options, std::uint64_t deadline,
             Tally& tally) {
    const std::vector<std::uint64_t> kinds = kinds_of_calls(victim, stage, options);
    const bool is_held_to_it = stage == script_suffers; // what happens while a program starts is only told
    if (kinds.empty() && is_held_to_it) {
        note("the script makes it call %s at no time", victim.name);
    }
    if (kinds.empty()) {
        return;
    }
    Coverage coverage(kinds);
    bool is_first = true;
    for (const std::uint64_t first : order_of_faults(kinds, options.seed)) {
        if (!is_first && engine::monotonic_ns() > deadline) {
            break;
        }
        is_first = false;
        bool is_reached = attempt(tally, options, {&victim, stage, first});
        if (is_held_to_it) {
            is_reached = attempt(tally, options, {&victim, stage, first, from_then_on}) || is_reached;
        }
        if (is_reached) {
            coverage.add(first);
        }
    }
    figure((std::string(victim.name) + "-tried").c_str(), coverage.tried());
    figure((std::string(victim.name) + "-kinds").c_str(), coverage.kinds());
    figure((std::string(victim.name) + "-kinds-tried").c_str(), coverage.kinds_tried());
    if (is_held_to_it && coverage.leaves_much()) {
        untried("in %u s %zu of %zu calls of %s were tried, %zu of %zu kinds of them", options.seconds,
                coverage.tried(), kinds.size(), victim.name, coverage.kinds_tried(), coverage.kinds());
    }
}

} // namespace

void supervise_faults(const OrdealOptions& options) {
    const std::uint64_t begin = engine::monotonic_ns();
    const std::uint64_t all = options.seconds * 1'000'000'000ULL;
    Tally tally;
    std::size_t done = 0;
    for (const Victim& victim : victims()) {
        ++done;
        if (options.variant == "start") {
            try_all(victim, script_starts, options, begin + all * done / victims().size(), tally);
        } else if (options.variant == victim.name) {
            try_all(victim, script_suffers, options, begin + all, tally);
        }
    }
    tally.say();
}

void supervise_delays(const OrdealOptions& options) {
    constexpr std::uint64_t all_calls_us = 500'000; // what the delays of a run come to
    constexpr unsigned one_call_us = 30'000;
    const std::uint64_t begin = engine::monotonic_ns();
    const std::uint64_t all = options.seconds * 1'000'000'000ULL;
    Tally tally;
    std::size_t done = 0;
    for (const Victim& victim : victims()) {
        ++done;
        const std::uint64_t deadline = begin + all * done / victims().size();
        const std::vector<std::uint64_t> kinds = kinds_of_calls(victim, script_suffers, options);
        if (kinds.empty()) {
            continue;
        }
        const auto each_us =
            static_cast<unsigned>(std::clamp<std::uint64_t>(all_calls_us / kinds.size(), 50, one_call_us));
        attempt(tally, options, {&victim, script_suffers, 1, from_then_on, each_us});
        for (const std::uint64_t first : order_of_faults(kinds, options.seed)) {
            if (engine::monotonic_ns() > deadline) {
                break;
            }
            attempt(tally, options, {&victim, script_suffers, first, 1, one_call_us});
        }
    }
    tally.say();
}

} // namespace faultline::stress
