#include "kernel-probes/bpf/names.hpp"

#include "base/file.hpp"

#include <charconv>
#include <fmt/format.h>
#include <string_view>
#include <sys/mman.h>

namespace faultline::probes::bpf {
namespace {

// include/linux/gfp_types.h: what the kernel's programmers write, the larger before its parts.
struct Combination {
    std::string_view name;
    std::vector<std::string_view> bits;
};

std::vector<Combination> combinations() {
    return {
        {"GFP_TRANSHUGE",
         {"DIRECT_RECLAIM", "IO", "FS", "HARDWALL", "HIGHMEM", "MOVABLE", "COMP", "NOMEMALLOC", "NOWARN"}},
        {"GFP_HIGHUSER_MOVABLE",
         {"DIRECT_RECLAIM", "KSWAPD_RECLAIM", "IO", "FS", "HARDWALL", "HIGHMEM", "MOVABLE"}},
        {"GFP_HIGHUSER", {"DIRECT_RECLAIM", "KSWAPD_RECLAIM", "IO", "FS", "HARDWALL", "HIGHMEM"}},
        {"GFP_USER", {"DIRECT_RECLAIM", "KSWAPD_RECLAIM", "IO", "FS", "HARDWALL"}},
        {"GFP_KERNEL_ACCOUNT", {"DIRECT_RECLAIM", "KSWAPD_RECLAIM", "IO", "FS", "ACCOUNT"}},
        {"GFP_KERNEL", {"DIRECT_RECLAIM", "KSWAPD_RECLAIM", "IO", "FS"}},
        {"GFP_NOFS", {"DIRECT_RECLAIM", "KSWAPD_RECLAIM", "IO"}},
        {"GFP_NOIO", {"DIRECT_RECLAIM", "KSWAPD_RECLAIM"}},
        {"GFP_ATOMIC", {"HIGH", "KSWAPD_RECLAIM"}},
        {"GFP_NOWAIT", {"KSWAPD_RECLAIM"}}};
}

std::uint32_t mask_of(const Combination& combination,
                      const std::vector<std::pair<unsigned, std::string>>& bits) {
    std::uint32_t mask = 0;
    for (const std::string_view wanted : combination.bits) {
        std::uint32_t bit = 0;
        for (const auto& [number, name] : bits) {
            bit |= name == wanted ? 1U << number : 0U;
        }
        if (bit == 0) {
            return 0; // this kernel has no such flag
        }
        mask |= bit;
    }
    return mask;
}

} // namespace

std::string gfp_name(std::uint32_t flags, const std::vector<std::pair<unsigned, std::string>>& bits) {
    std::string out;
    const auto say = [&](std::string_view word) {
        out += out.empty() ? "" : "|";
        out += word;
    };
    for (const Combination& combination : combinations()) {
        const std::uint32_t mask = mask_of(combination, bits);
        if (mask != 0 && (flags & mask) == mask) {
            say(combination.name);
            flags &= ~mask;
            break;
        }
    }
    for (const auto& [number, name] : bits) {
        if ((flags >> number & 1U) != 0) {
            say(name);
            flags &= ~(1U << number);
        }
    }
    if (flags != 0 || out.empty()) {
        say(fmt::format("{:#x}", flags));
    }
    return out;
}

std::string migratetype_name(unsigned type) {
    constexpr std::string_view names[] = {"unmovable", "movable", "reclaimable", "high-order atomic"};
    return type < std::size(names) ? std::string(names[type]) : fmt::format("type {}", type);
}

std::string advice_name(unsigned advice) {
    switch (advice) {
    case MADV_NORMAL:
        return "NORMAL";
    case MADV_RANDOM:
        return "RANDOM";
    case MADV_SEQUENTIAL:
        return "SEQUENTIAL";
    case MADV_WILLNEED:
        return "WILLNEED";
    case MADV_DONTNEED:
        return "DONTNEED";
    case MADV_FREE:
        return "FREE";
    case MADV_REMOVE:
        return "REMOVE";
    case MADV_DONTFORK:
        return "DONTFORK";
    case MADV_DOFORK:
        return "DOFORK";
    case MADV_HUGEPAGE:
        return "HUGEPAGE";
    case MADV_NOHUGEPAGE:
        return "NOHUGEPAGE";
    case MADV_DONTDUMP:
        return "DONTDUMP";
    case MADV_DODUMP:
        return "DODUMP";
    case MADV_COLD:
        return "COLD";
    case MADV_PAGEOUT:
        return "PAGEOUT";
    case MADV_POPULATE_READ:
        return "POPULATE_READ";
    case MADV_POPULATE_WRITE:
        return "POPULATE_WRITE";
    case 25: // MADV_COLLAPSE, younger than some C libraries
        return "COLLAPSE";
    default:
        return fmt::format("advice {}", advice);
    }
}

KernelSymbols KernelSymbols::read() {
    std::map<std::uint64_t, std::string> functions;
    const auto text = read_file("/proc/kallsyms");
    std::string_view rest = text ? std::string_view(*text) : std::string_view();
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        // "ffffffff81000000 T name [module]"
        std::uint64_t address = 0;
        const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), address, 16);
        const auto at = static_cast<std::size_t>(end - line.data());
        if (error == std::errc() && address != 0 && at + 3 < line.size() && (line[at + 1] | 0x20) == 't') {
            const std::string_view name = line.substr(at + 3);
            functions.emplace_hint(functions.end(), address, name.substr(0, name.find_first_of("\t ")));
        }
    }
    return KernelSymbols(std::move(functions));
}

std::string KernelSymbols::function_at(std::uint64_t address) const {
    const auto after = functions_.upper_bound(address);
    return after == functions_.begin() ? "?" : std::prev(after)->second;
}

} // namespace faultline::probes::bpf
