#include "harness/box/swap.hpp"

#include "base/file.hpp"
#include "harness/box/undo.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <sys/swap.h>
#include <unistd.h>
#include <vector>

namespace faultline::box {
namespace {

namespace fs = std::filesystem;

constexpr const char* swap_files = "/var/tmp"; // tmpfs, which /tmp may be, cannot hold swap

// The first page of a swap area, version 1: mkswap(8), include/linux/swap.h.
Result<void> write_header(const std::string& path, std::uint64_t bytes) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    constexpr std::string_view magic = "SWAPSPACE2";
    std::vector<char> header(page);
    const std::uint32_t version = 1;
    const auto last_page = static_cast<std::uint32_t>(bytes / page - 1);
    std::memcpy(header.data() + 1024, &version, sizeof version);
    std::memcpy(header.data() + 1028, &last_page, sizeof last_page);
    std::memcpy(header.data() + page - magic.size(), magic.data(), magic.size());
    const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file ||
        ::pwrite(file.get(), header.data(), header.size(), 0) != static_cast<ssize_t>(header.size()) ||
        ::fsync(file.get()) != 0) {
        return fail_errno(Exit::os, path, "cannot write a swap header", errno);
    }
    return {};
}

Result<void> switch_on(int journal, const std::string& path, std::uint64_t bytes) {
    if (auto written = write_header(path, bytes); !written) {
        return written;
    }
    if (auto noted = note(journal, entry_swap, path); !noted) {
        return noted;
    }
    if (::swapon(path.c_str(), SWAP_FLAG_PREFER | SWAP_FLAG_PRIO_MASK) != 0) {
        return fail_errno(Exit::unavailable, path, "cannot switch swap on", errno,
                          "try --swap of the other kind");
    }
    return {};
}

std::string first_word(const fs::path& path) {
    std::ifstream file(path);
    std::string word;
    file >> word;
    return word;
}

// A device that nobody uses. /sys/class/zram-control/hot_add is left alone: reading it makes one.
std::optional<std::string> free_zram() {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator("/sys/block", error)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with("zram") && first_word(entry.path() / "disksize") == "0" &&
            first_word(entry.path() / "initstate") == "0") {
            return name;
        }
    }
    return std::nullopt;
}

Result<void> make_zram(int journal, std::uint64_t bytes) {
    const auto device = free_zram();
    if (!device) {
        return fail(Exit::unavailable, "--swap zram", "there is no zram device that is free",
                    "modprobe zram, or use --swap file:SIZE");
    }
    if (auto noted = note(journal, entry_zram, fmt::format("{} {}", *device, bytes)); !noted) {
        return noted;
    }
    std::ofstream size("/sys/block/" + *device + "/disksize");
    size << bytes << std::flush;
    if (!size) {
        return fail(Exit::unavailable, *device, "does not take a size", "use --swap file:SIZE");
    }
    return switch_on(journal, "/dev/" + *device, bytes);
}

Result<void> make_file(int journal, std::uint64_t bytes) {
    const std::string path = fmt::format("{}/{}swap-{}", swap_files, name_prefix, ::getpid());
    if (auto noted = note(journal, entry_file, path); !noted) {
        return noted;
    }
    const Fd file(::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
    const int error = !file ? errno : ::posix_fallocate(file.get(), 0, static_cast<off_t>(bytes));
    if (error != 0) {
        return fail_errno(Exit::cannot_create, path, "cannot make a swap file", error,
                          "make room, or use --swap zram:SIZE");
    }
    return switch_on(journal, path, bytes);
}

} // namespace

Result<Swap> parse_swap(std::string_view text) {
    const auto refuse = [&] {
        return fail(Exit::usage, "--swap", fmt::format("\"{}\" is no kind of swap", text),
                    "use none, zram:SIZE or file:SIZE, as in zram:1G");
    };
    if (text == "none") {
        return Swap{};
    }
    const std::size_t colon = text.find(':');
    const std::string_view kind = text.substr(0, colon);
    const std::string_view size = colon == std::string_view::npos ? "" : text.substr(colon + 1);
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), number);
    const std::string_view unit = size.substr(static_cast<std::size_t>(end - size.data()));
    const unsigned shift = unit == "K" ? 10 : unit == "M" ? 20 : unit == "G" ? 30 : 0;
    if ((kind != "zram" && kind != "file") || error != std::errc() || (shift == 0 && !unit.empty()) ||
        number == 0 || number > (std::uint64_t{1} << 44 >> shift)) {
        return refuse();
    }
    const std::uint64_t page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    const std::uint64_t bytes = (number << shift) / page * page;
    if (bytes < 16 * page) {
        return refuse();
    }
    return Swap{kind == "zram" ? Swap::Kind::zram : Swap::Kind::file, bytes};
}

Result<void> make_swap(int journal, const Swap& swap) {
    switch (swap.kind) {
    case Swap::Kind::none:
        return {};
    case Swap::Kind::zram:
        return make_zram(journal, swap.bytes);
    case Swap::Kind::file:
        return make_file(journal, swap.bytes);
    }
    return {};
}

} // namespace faultline::box
