#include "kernel-probes/procfs/parse.hpp"

#include <algorithm>
#include <charconv>

namespace faultline::probes::procfs {
namespace {

constexpr std::string_view blanks = " \t";

std::string_view next_line(std::string_view& text) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

std::string_view next_word(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    const std::string_view word = line.substr(0, line.find_first_of(" \t\n"));
    line.remove_prefix(word.size());
    return word;
}

std::optional<std::uint64_t> number(std::string_view word) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    return error == std::errc() && end == word.data() + word.size() ? std::optional(value) : std::nullopt;
}

} // namespace

std::optional<std::uint64_t> field(std::string_view text, std::string_view key) {
    const bool sum = key.ends_with('*');
    key.remove_suffix(sum ? 1 : 0);
    std::optional<std::uint64_t> total;
    while (!text.empty()) {
        std::string_view line = next_line(text);
        std::string_view name = next_word(line);
        if (name.ends_with(':')) {
            name.remove_suffix(1);
        }
        if (sum ? !name.starts_with(key) : name != key) {
            continue;
        }
        const auto value = number(next_word(line));
        if (!sum) {
            return value;
        }
        if (value) {
            total = total.value_or(0) + *value;
        }
    }
    return total;
}

std::optional<std::uint64_t> stat_field(std::string_view text, unsigned index) {
    const auto command_end = text.rfind(')');
    if (command_end == std::string_view::npos || index < 4) {
        return std::nullopt;
    }
    text.remove_prefix(command_end + 1);
    for (unsigned at = 3; at < index; ++at) {
        next_word(text);
    }
    return number(next_word(text));
}

std::optional<std::uint64_t> nth_number(std::string_view text, unsigned index) {
    for (unsigned at = 0; at < index; ++at) {
        next_word(text);
    }
    return number(next_word(text));
}

std::optional<std::uint64_t> pressure_total_us(std::string_view text, std::string_view which) {
    while (!text.empty()) {
        std::string_view line = next_line(text);
        if (next_word(line) != which) {
            continue;
        }
        for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
            if (word.starts_with("total=")) {
                return number(word.substr(6));
            }
        }
    }
    return std::nullopt;
}

} // namespace faultline::probes::procfs
