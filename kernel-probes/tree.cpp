#include "kernel-probes/tree.hpp"

#include <charconv>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>

namespace faultline::probes {

std::vector<pid_t> threads_of(pid_t process) {
    std::vector<pid_t> threads;
    std::error_code error;
    std::filesystem::directory_iterator at(fmt::format("/proc/{}/task", process), error);
    for (const std::filesystem::directory_iterator end; !error && at != end; at.increment(error)) {
        const std::string name = at->path().filename().string();
        pid_t thread = 0;
        std::from_chars(name.data(), name.data() + name.size(), thread);
        threads.push_back(thread);
    }
    return threads;
}

std::vector<pid_t> process_tree(pid_t root) {
    std::vector<pid_t> members{root};
    for (std::size_t i = 0; i < members.size(); ++i) {
        const auto threads = threads_of(members[i]);
        if (threads.empty()) {
            members.erase(members.begin() + static_cast<std::ptrdiff_t>(i--));
            continue;
        }
        for (const pid_t thread : threads) { // each has children of its own
            std::ifstream children(fmt::format("/proc/{}/task/{}/children", members[i], thread));
            for (pid_t child = 0; children >> child;) {
                members.push_back(child);
            }
        }
    }
    return members;
}

} // namespace faultline::probes
