#include "harness/monitor/slabuddy.hpp"

#include "allocators/slabuddy/live_board.hpp"
#include "base/file.hpp"

#include <bit>
#include <cstring>
#include <fmt/format.h>
#include <memory>
#include <sstream>
#include <sys/uio.h>
#include <time.h>

namespace faultline::monitor {
namespace {

using sb::LiveBoard;

std::optional<std::uintptr_t> board_address(pid_t pid) {
    std::istringstream maps(read_file(fmt::format("/proc/{}/maps", pid)).value_or(""));
    const std::string name = fmt::format("/memfd:{} ", sb::live_mapping_name);
    for (std::string line; std::getline(maps, line);) {
        if (line.find(name) != std::string::npos) {
            return std::stoull(line, nullptr, 16);
        }
    }
    return std::nullopt;
}

bool read_memory(pid_t pid, std::uintptr_t from, void* to, std::size_t bytes) {
    const iovec local{to, bytes};
    const iovec remote{std::bit_cast<void*>(from), bytes};
    return ::process_vm_readv(pid, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(bytes);
}

// A copy during which nothing was written; false after a few tries.
bool read_board(pid_t pid, std::uintptr_t address, LiveBoard& board) {
    constexpr int tries = 5;
    for (int i = 0; i < tries; ++i) {
        std::uint32_t after = 0;
        if (!read_memory(pid, address, &board, sizeof board) ||
            !read_memory(pid, address + offsetof(LiveBoard, version), &after, sizeof after)) {
            return false;
        }
        if (board.version % 2 == 0 && board.version == after) {
            return std::memcmp(board.magic, sb::live_magic, sizeof board.magic) == 0;
        }
        constexpr timespec moment = {0, 1'000'000};
        ::nanosleep(&moment, nullptr);
    }
    return false;
}

std::uint64_t now_ms() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1000 +
           static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}

// "kmalloc-64  5000  5120  64  1024  1 : tunables 64 32 4 : slabdata 5 5 0"
void add_cache(std::istringstream& line, std::string name, SlabuddyFigures& figures) {
    SlabuddyFigures::Cache cache;
    std::uint64_t objects_per_slab = 0;
    std::uint64_t pages_per_slab = 0;
    if (line >> cache.in_use >> cache.objects >> cache.object_bytes >> objects_per_slab >> pages_per_slab &&
        objects_per_slab > 0) {
        cache.name = std::move(name);
        cache.slab_bytes = cache.objects / objects_per_slab * pages_per_slab * figures.page_bytes;
        figures.caches.push_back(std::move(cache));
    }
}

// "Node 0, zone     Slab      3      0      1"
void add_zone(std::istringstream& line, SlabuddyFigures& figures) {
    std::string node;
    std::string zone;
    std::string name;
    if (line >> node >> zone >> name && zone == "zone") {
        for (std::uint64_t blocks = 0; line >> blocks;) {
            figures.free[name].push_back(blocks);
        }
    }
}

} // namespace

SlabuddyFigures parse_slabuddy(std::string_view text, std::uint64_t page_bytes) {
    SlabuddyFigures figures;
    figures.page_bytes = page_bytes;
    std::istringstream lines{std::string(text)};
    for (std::string text_line; std::getline(lines, text_line);) {
        std::istringstream line(text_line);
        std::string first;
        line >> first;
        if (first == "Node") {
            add_zone(line, figures);
        } else if (!first.empty() && first[0] != '#' && first != "slabinfo") {
            add_cache(line, std::move(first), figures);
        }
    }
    return figures;
}

std::optional<SlabuddyFigures> read_slabuddy(pid_t pid) {
    const auto address = board_address(pid);
    const auto board = std::make_unique<LiveBoard>();
    if (!address || !read_board(pid, *address, *board) || board->at_ms == 0 ||
        board->text_bytes > sizeof board->text) {
        return std::nullopt;
    }
    SlabuddyFigures figures = parse_slabuddy({board->text, board->text_bytes}, board->page_bytes);
    figures.pid = pid;
    const std::uint64_t now = now_ms();
    figures.age_s = now > board->at_ms ? static_cast<double>(now - board->at_ms) / 1e3 : 0;
    return figures;
}

} // namespace faultline::monitor
