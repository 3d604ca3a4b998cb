// A library that check `conformance.loaded-libraries` loads: its static constructor allocates, its destructor frees, and
// each thread that calls it gets thread data.
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace {

struct Registry {
    Registry() {
        for (int i = 0; i < 200; ++i) {
            entries[std::to_string(i)] = std::vector<int>(static_cast<std::size_t>(i), i);
            owned.push_back(std::make_unique<std::string>(static_cast<std::size_t>(1 + i * 10), 'r'));
        }
    }
    std::map<std::string, std::vector<int>> entries;
    std::vector<std::unique_ptr<std::string>> owned;
};
const Registry registry;

} // namespace

extern "C" __attribute__((visibility("default"))) int faultline_check_plugin_sound() {
    thread_local std::string mine(500, 't');
    for (int i = 0; i < 200; ++i) {
        const auto found = registry.entries.find(std::to_string(i));
        if (found == registry.entries.end() ||
            found->second != std::vector<int>(static_cast<std::size_t>(i), i) ||
            *registry.owned[static_cast<std::size_t>(i)] !=
                std::string(static_cast<std::size_t>(1 + i * 10), 'r')) {
            return 0;
        }
    }
    return mine == std::string(500, 't') ? 1 : 0;
}
