#include "harness/process/demand.hpp"

#include "base/file.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace faultline::process {
namespace {

std::uint64_t monotonic_ns() {
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch() /
                                      std::chrono::nanoseconds(1));
}

// Numbers that stand apart by blanks.
std::vector<std::uint64_t> numbers_of(const std::string& text) {
    std::vector<std::uint64_t> numbers;
    const char* at = text.data();
    const char* const end = at + text.size();
    for (std::uint64_t number = 0;;) {
        const auto [next, error] = std::from_chars(at, end, number);
        if (error != std::errc{}) {
            return numbers;
        }
        numbers.push_back(number);
        at = std::find_if(next, end, [](char c) { return c != ' ' && c != '\n'; });
    }
}

// The state behind the name in /proc/TID/stat, proc(5); the name may hold anything.
bool is_ready_to_run(const std::string& stat) {
    const std::size_t name_end = stat.rfind(") ");
    return name_end != std::string::npos && name_end + 2 < stat.size() && stat[name_end + 2] == 'R';
}

} // namespace

// A wait is booked when it ends (Documentation/scheduler/sched-stats.rst), so that of a thread which waits now is what
// it did not run.
void DemandWatch::add_thread(pid_t tid, std::uint64_t passed_ns, Sum& sum) {
    const std::string folder = "/proc/" + std::to_string(tid);
    const auto schedstat = read_file(folder + "/schedstat");
    const auto stat = read_file(folder + "/stat");
    if (!schedstat || !stat) {
        return; // it has ended
    }
    const std::vector<std::uint64_t> numbers = numbers_of(*schedstat);
    if (numbers.size() < 2) {
        return; // a kernel without CONFIG_SCHED_INFO
    }
    Seen& seen = seen_[tid];
    if (!seen.is_new) {
        const auto passed = static_cast<double>(passed_ns);
        const double ran =
            std::min(passed, static_cast<double>(numbers[0] - std::min(numbers[0], seen.ran_ns)));
        const double booked = static_cast<double>(numbers[1] - std::min(numbers[1], seen.waited_ns));
        sum.ran_ns += ran;
        sum.waited_ns += is_ready_to_run(*stat) ? passed - ran : std::min(passed - ran, booked);
    }
    seen = {numbers[0], numbers[1], false, looks_};
}

void DemandWatch::add_process(pid_t pid, std::uint64_t passed_ns, Sum& sum, unsigned& processes) {
    if (++processes > most_processes) {
        return;
    }
    std::vector<pid_t> children;
    unsigned threads = 0;
    std::error_code error;
    const std::string folder = "/proc/" + std::to_string(pid) + "/task";
    for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
         at.increment(error)) {
        if (++threads > most_threads) {
            break;
        }
        const std::vector<std::uint64_t> tid = numbers_of(at->path().filename().string());
        if (!tid.empty()) {
            add_thread(static_cast<pid_t>(tid[0]), passed_ns, sum);
        }
        for (const std::uint64_t child : numbers_of(read_file(at->path() / "children").value_or(""))) {
            children.push_back(static_cast<pid_t>(child));
        }
    }
    for (const pid_t child : children) {
        add_process(child, passed_ns, sum, processes);
    }
}

Demand DemandWatch::look() {
    const std::uint64_t now = monotonic_ns();
    const std::uint64_t passed = now - last_ns_;
    last_ns_ = now;
    ++looks_;
    Sum sum;
    unsigned processes = 0;
    add_process(pid_, passed, sum, processes);
    std::erase_if(seen_, [this](const auto& entry) { return entry.second.look != looks_; });
    const double wanted = sum.ran_ns + sum.waited_ns;
    if (wanted <= 0 || passed == 0) {
        return {};
    }
    return {std::min(1.0, wanted / static_cast<double>(passed)), sum.ran_ns / wanted};
}

} // namespace faultline::process
