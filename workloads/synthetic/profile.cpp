#include "workloads/synthetic/profile.hpp"

#include "base/file.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace faultline::synthetic {

namespace {

constexpr double largest_size = 1e12;
constexpr double largest_figure = 1e15; // of rates and counts

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\r";
    const std::size_t first = text.find_first_not_of(blank);
    return first == std::string_view::npos ? std::string_view()
                                           : text.substr(first, text.find_last_not_of(blank) - first + 1);
}

std::optional<double> number(std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool all = error == std::errc{} && end == text.data() + text.size();
    return all && std::isfinite(value) && value >= 0 ? std::optional(value) : std::nullopt;
}

std::optional<ProfileRow> parse_row(std::string_view line) {
    double figures[3];
    for (double& figure : figures) {
        const std::size_t comma = line.find(',');
        const bool last = &figure == &figures[2];
        if (last != (comma == std::string_view::npos))
            return std::nullopt;
        const std::optional<double> value = number(trimmed(line.substr(0, comma)));
        if (!value || *value > largest_figure)
            return std::nullopt;
        figure = *value;
        line.remove_prefix(last ? line.size() : comma + 1);
    }
    if (figures[0] < 1 || figures[0] > largest_size || figures[0] != std::floor(figures[0]))
        return std::nullopt;
    return ProfileRow{static_cast<std::uint64_t>(figures[0]), figures[1], figures[2]};
}

} // namespace

double Profile::live_bytes() const {
    double bytes = 0;
    for (const ProfileRow& row : rows)
        bytes += static_cast<double>(row.size) * row.live;
    return bytes;
}

double Profile::mean_allocated_bytes() const {
    double bytes = 0;
    double allocations = 0;
    for (const ProfileRow& row : rows) {
        bytes += static_cast<double>(row.size) * row.rate;
        allocations += row.rate;
    }
    return bytes / allocations;
}

Result<Profile> parse_profile(std::string_view text, std::string_view name) {
    Profile profile;
    double allocations = 0;
    for (std::size_t line = 1; !text.empty(); ++line) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view words = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (words.empty())
            continue;
        const std::optional<ProfileRow> row = parse_row(words);
        if (!row)
            return fail(Exit::data, std::string(name) + ":" + std::to_string(line),
                        "is not a size, an allocation rate and a number of live objects",
                        "write three numbers with commas between them, as 64, 1500.5, 320");
        allocations += row->rate;
        profile.rows.push_back(*row);
    }
    if (allocations <= 0 || profile.live_bytes() < 1)
        return fail(Exit::data, std::string(name), "the profile allocates nothing or has nothing live",
                    "give rows of size, allocation rate, live objects");
    return profile;
}

Result<Profile> read_profile(const std::filesystem::path& path) {
    const Result<std::string> text = read_file(path);
    if (!text)
        return tl::unexpected(text.error());
    return parse_profile(*text, path.string());
}

std::vector<std::uint64_t> scaled_live(const Profile& profile, std::uint64_t heap_bytes) {
    const double scale = std::min(1.0, static_cast<double>(heap_bytes) / profile.live_bytes());
    std::vector<std::uint64_t> counts;
    double carried_bytes = 0;
    for (const ProfileRow& row : profile.rows) {
        const auto size = static_cast<double>(row.size);
        carried_bytes += row.live * scale * size;
        const double count = std::max(std::round(carried_bytes / size), 0.0);
        counts.push_back(static_cast<std::uint64_t>(count));
        carried_bytes -= count * size;
    }
    return counts;
}

} // namespace faultline::synthetic
