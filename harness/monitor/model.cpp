#include "harness/monitor/model.hpp"

#include <algorithm>

namespace faultline::monitor {
namespace {

using Rows = std::map<std::string, std::vector<std::uint64_t>>;

std::vector<TableRate> rates_of(const Rows& before, const Rows& now, double seconds) {
    std::vector<TableRate> rates;
    for (const auto& [key, figures] : now) {
        const auto old = before.find(key);
        TableRate rate{key, {}};
        for (std::size_t column = 0; column < figures.size(); ++column) {
            const std::uint64_t from =
                old == before.end() || column >= old->second.size() ? 0 : old->second[column];
            const std::uint64_t more = figures[column] > from ? figures[column] - from : 0;
            rate.per_second.push_back(static_cast<double>(more) / seconds);
        }
        if (!rate.per_second.empty() && rate.per_second[0] > 0) {
            rates.push_back(std::move(rate));
        }
    }
    std::sort(rates.begin(), rates.end(), [](const TableRate& a, const TableRate& b) {
        return a.per_second[0] != b.per_second[0] ? a.per_second[0] > b.per_second[0] : a.key < b.key;
    });
    return rates;
}

} // namespace

void add(Sample& sample, const probes::Snapshot& snapshot) {
    for (const probes::Value& value : snapshot.values) {
        Figure& figure = sample.figures[std::string(value.metric->name)];
        figure.kind = value.metric->kind;
        if (value.value) {
            figure.value = figure.value.value_or(0) + *value.value;
        }
    }
    for (const probes::TableRows& table : snapshot.tables) {
        sample.tables[std::string(table.table->name)] = table.rows;
    }
}

Frame::Frame(const std::optional<Sample>& before, Sample now) : now_(std::move(now)) {
    if (!before || now_.at_ns <= before->at_ns) {
        return;
    }
    seconds_ = static_cast<double>(now_.at_ns - before->at_ns) / 1e9;
    for (const auto& [name, figure] : now_.figures) {
        const auto old = before->figures.find(name);
        if (figure.kind != probes::Kind::counter || !figure.value || old == before->figures.end() ||
            !old->second.value) {
            continue;
        }
        const std::uint64_t from = *old->second.value;
        rates_[name] = *figure.value > from ? static_cast<double>(*figure.value - from) / seconds_ : 0;
    }
    for (const auto& [name, rows] : now_.tables) {
        const auto old = before->tables.find(name);
        table_rates_[name] = rates_of(old == before->tables.end() ? Rows() : old->second, rows, seconds_);
    }
}

std::optional<std::uint64_t> Frame::value(std::string_view metric) const {
    const auto found = now_.figures.find(metric);
    return found == now_.figures.end() ? std::nullopt : found->second.value;
}

std::optional<double> Frame::rate(std::string_view metric) const {
    const auto found = rates_.find(metric);
    return found == rates_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::string> Frame::rated() const {
    std::vector<std::string> names;
    names.reserve(rates_.size());
    for (const auto& [name, rate] : rates_) {
        names.push_back(name);
    }
    return names;
}

std::vector<TableRate> Frame::top(std::string_view table, std::size_t most) const {
    const auto found = table_rates_.find(table);
    if (found == table_rates_.end()) {
        return {};
    }
    const auto& all = found->second;
    return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(most, all.size()))};
}

} // namespace faultline::monitor
