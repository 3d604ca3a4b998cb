// What slabuddy tells of itself while its program runs: allocators/slabuddy/live_board.hpp, read from outside.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace faultline::monitor {

struct SlabuddyFigures {
    struct Cache {
        std::string name;
        std::uint64_t in_use = 0;  // objects, with those in threads' sheaves
        std::uint64_t objects = 0; // that its slabs have room for
        std::uint64_t object_bytes = 0;
        std::uint64_t slab_bytes = 0; // of all its slabs
    };
    pid_t pid = 0;
    double age_s = 0; // slabuddy writes only while it is called
    std::uint64_t page_bytes = 0;
    std::vector<Cache> caches;                              // as slabinfo lists them
    std::map<std::string, std::vector<std::uint64_t>> free; // blocks by order, of each zone of buddyinfo
};

// Of a text that begins with slabinfo's lines and ends with buddyinfo's. Lines of another form are left out.
SlabuddyFigures parse_slabuddy(std::string_view text, std::uint64_t page_bytes);

// nullopt: the process has no board, shows nothing yet, or may not be read.
std::optional<SlabuddyFigures> read_slabuddy(pid_t pid);

} // namespace faultline::monitor
