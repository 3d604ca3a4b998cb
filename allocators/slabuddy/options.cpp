#include "allocators/slabuddy/options.hpp"

#include "allocators/slabuddy/config.hpp"
#include "allocators/slabuddy/report.hpp"

#include <atomic>
#include <cstring>
#include <unistd.h>

namespace sb {
namespace {

struct Row {
    const char* name;
    const char* meaning;
    uint64_t most;
    std::atomic<uint64_t> value;
};

// The one table. Order as in enum Option.
constinit Row table[] = {
    {"help", "print this table to standard error and go on", 1, 0},
    {"stats", "print slabinfo, buddyinfo and totals to standard error at exit", 1, 0},
    {"live", "keep slabinfo and buddyinfo where `faultline monitor` can read them", 1, 0},
    {"purge_ms", "how long a free page stays dirty before it goes back; 0: at once, `never`: not at all",
     purge_never, 500},
    {"zone", "address space to reserve for all blocks up to 4M", uint64_t{1} << 46, zone_default_bytes},
    {"area_cache", "bytes of freed blocks above 4M kept for reuse, or two thirds of those in use; 0: none",
     uint64_t{1} << 46, area_cache_bytes},
    {"check", "run the invariant checker at exit", 1, 0},
    {"exit_check", "look at exit for double frees of what is still in the stocks", 1, 1},
    {"debug",
     "red zones, poison and no reuse of what is large: finds writes outside of blocks and after free", 1, 0},
};
static_assert(sizeof table / sizeof table[0] == static_cast<unsigned>(Option::count));

// A number with an optional K, M or G; `never`; empty means 1.
bool parse_value(const char* at, const char* end, uint64_t& value) {
    constexpr char never[] = "never";
    if (at == end) {
        value = 1;
        return true;
    }
    if (static_cast<size_t>(end - at) == sizeof never - 1 && memcmp(at, never, sizeof never - 1) == 0) {
        value = purge_never;
        return true;
    }
    uint64_t number = 0;
    const char* digits = at;
    for (; at < end && *at >= '0' && *at <= '9'; ++at) {
        if (__builtin_mul_overflow(number, uint64_t{10}, &number) ||
            __builtin_add_overflow(number, static_cast<uint64_t>(*at - '0'), &number)) {
            return false;
        }
    }
    if (at == digits) {
        return false;
    }
    unsigned shift = 0;
    if (at < end) {
        const char unit = *at++;
        if (unit != 'K' && unit != 'M' && unit != 'G') {
            return false;
        }
        shift = unit == 'K' ? 10 : (unit == 'M' ? 20 : 30);
    }
    value = number << shift;
    return at == end && (value >> shift) == number;
}

void refuse(const char* part, size_t bytes) {
    Text line;
    line.add("slabuddy: SLABUDDY_OPTIONS: \"").add_clean(part, bytes).add("\" is not understood; known:");
    for (const Row& row : table) {
        line.add(" ").add(row.name);
    }
    line.add(" (as in stats,purge_ms=100)\n").write();
}

bool apply(const char* at, const char* end) {
    const auto* equals = static_cast<const char*>(memchr(at, '=', static_cast<size_t>(end - at)));
    const char* name_end = equals ? equals : end;
    for (Row& row : table) {
        const size_t bytes = strlen(row.name);
        uint64_t value = 0;
        if (bytes == static_cast<size_t>(name_end - at) && memcmp(at, row.name, bytes) == 0 &&
            (!equals || equals + 1 < end) && parse_value(equals ? equals + 1 : end, end, value) &&
            value <= row.most) {
            row.value.store(value, std::memory_order_relaxed);
            return true;
        }
    }
    refuse(at, static_cast<size_t>(end - at));
    return false;
}

} // namespace

uint64_t option(Option which) {
    return table[static_cast<unsigned>(which)].value.load(std::memory_order_relaxed);
}

void option_set(Option which, uint64_t value) {
    table[static_cast<unsigned>(which)].value.store(value, std::memory_order_relaxed);
}

void options_help() {
    constexpr size_t column = 12;
    Text head;
    head.add("SLABUDDY_OPTIONS=NAME[=VALUE],... ; a name alone means 1; sizes take K, M, G\n").write();
    for (const Row& row : table) {
        const uint64_t value = row.value.load(std::memory_order_relaxed);
        Text line;
        line.add("  ").add(row.name);
        for (size_t i = strlen(row.name); i < column; ++i) {
            line.add(" ");
        }
        line.add(row.meaning).add(" (now ");
        if (value == purge_never) {
            line.add("never");
        } else {
            line.add_number(value);
        }
        line.add(")\n").write();
    }
}

bool options_parse(const char* text) {
    bool understood = true;
    while (*text) {
        const char* end = strchr(text, ',');
        end = end ? end : text + strlen(text);
        if (end != text) {
            understood = apply(text, end) && understood;
        }
        text = *end ? end + 1 : end;
    }
    return understood;
}

void options_load(char** environment) {
    static constexpr char name[] = "SLABUDDY_OPTIONS=";
    static std::atomic<bool> loaded{false};
    environment = environment ? environment : environ;
    // Early in a program's start libc's own is not there yet: then the constructor comes back with it.
    if (!environment || loaded.exchange(true)) {
        return;
    }
    for (char** entry = environment; *entry; ++entry) {
        if (strncmp(*entry, name, sizeof name - 1) == 0) {
            options_parse(*entry + sizeof name - 1);
        }
    }
    if (option(Option::help)) {
        options_help();
    }
}

} // namespace sb
