#include "workloads/engine/nearest.hpp"
#include "workloads/engine/parameter.hpp"
#include "workloads/engine/workload.hpp"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace faultline::engine {

namespace {

constexpr Parameter common[] = {
    integer_parameter("latency_every", "251", 0, 1'000'000'000, "operations",
                      "time every how many operations; 0 for none"),
};

std::string place(std::string_view where, const WorkloadSpec& spec) {
    return where.empty() ? std::string(spec.name) : std::string(where) + ": " + std::string(spec.name);
}

const Parameter* find(const WorkloadSpec& spec, std::string_view name) {
    for (const std::span<const Parameter> list : {spec.parameters, common_parameters()})
        for (const Parameter& parameter : list)
            if (parameter.name == name)
                return &parameter;
    return nullptr;
}

std::string quoted(std::string_view text) {
    return "\"" + std::string(text) + "\"";
}

Result<std::string> unknown(const WorkloadSpec& spec, std::string_view name, std::string_view where) {
    std::vector<std::string_view> names;
    std::string all;
    for (const std::span<const Parameter> list : {spec.parameters, common_parameters()})
        for (const Parameter& parameter : list) {
            names.push_back(parameter.name);
            all += (all.empty() ? "" : ", ") + std::string(parameter.name);
        }
    const std::string_view meant = nearest(name, names);
    return fail(Exit::usage, place(where, spec), "there is no parameter " + quoted(name),
                meant.empty() ? "it takes " + all : "did you mean " + quoted(meant) + "?");
}

std::string range(const Parameter& parameter) {
    std::string text = "give " + std::to_string(parameter.min) + " to " + std::to_string(parameter.max);
    return parameter.unit.empty() ? text : text + " " + std::string(parameter.unit);
}

Result<std::string> integer_value(const WorkloadSpec& spec, const Parameter& parameter, std::string_view text,
                                  std::string_view where) {
    std::string_view digits = text;
    std::int64_t unit = 1;
    if (!digits.empty()) {
        switch (digits.back()) {
        case 'K':
            unit = std::int64_t{1} << 10;
            break;
        case 'M':
            unit = std::int64_t{1} << 20;
            break;
        case 'G':
            unit = std::int64_t{1} << 30;
            break;
        default:
            break;
        }
        if (unit != 1)
            digits.remove_suffix(1);
    }
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error == std::errc::invalid_argument || end != digits.data() + digits.size())
        return fail(Exit::usage, place(where, spec),
                    std::string(parameter.name) + "=" + std::string(text) + " is not a whole number",
                    range(parameter));
    if (error == std::errc::result_out_of_range || __builtin_mul_overflow(value, unit, &value) ||
        value < parameter.min || value > parameter.max)
        return fail(Exit::usage, place(where, spec),
                    std::string(parameter.name) + "=" + std::string(text) + " is out of range",
                    range(parameter));
    return std::to_string(value);
}

bool is_choice(std::string_view choices, std::string_view text) {
    while (true) {
        const std::size_t bar = choices.find('|');
        if (choices.substr(0, bar) == text)
            return true;
        if (bar == std::string_view::npos)
            return false;
        choices.remove_prefix(bar + 1);
    }
}

Result<std::string> checked_value(const WorkloadSpec& spec, const Parameter& parameter, std::string_view text,
                                  std::string_view where) {
    switch (parameter.kind) {
    case Parameter::Kind::integer:
        return integer_value(spec, parameter, text, where);
    case Parameter::Kind::choice:
        if (!is_choice(parameter.choices, text))
            return fail(Exit::usage, place(where, spec),
                        std::string(parameter.name) + "=" + std::string(text) + " is not known",
                        "choose one of " + std::string(parameter.choices));
        break;
    case Parameter::Kind::path:
        if (text.empty())
            return fail(Exit::usage, place(where, spec), "it needs a " + std::string(parameter.name),
                        "add " + std::string(parameter.name) + "=FILE");
        break;
    }
    return std::string(text);
}

[[noreturn]] void no_such_value(std::string_view name) {
    std::fprintf(stderr,
                 "faultline: a workload asked for its parameter \"%.*s\", which it does not declare\n",
                 static_cast<int>(name.size()), name.data());
    std::abort();
}

} // namespace

std::span<const Parameter> common_parameters() {
    return common;
}

const std::string& Arguments::text(std::string_view name) const {
    const auto found = values.find(name);
    if (found == values.end())
        no_such_value(name);
    return found->second;
}

std::int64_t Arguments::integer(std::string_view name) const {
    const std::string& digits = text(name);
    std::int64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
}

std::string label(const WorkloadSpec& spec, const Arguments& arguments) {
    std::string text(spec.name);
    if (spec.threaded) {
        if (text.ends_with('N'))
            text.pop_back();
        text += std::to_string(arguments.threads);
    }
    char separator = ':';
    for (const Parameter& parameter : spec.parameters) {
        const std::string& value = arguments.text(parameter.name);
        if (value == parameter.fallback)
            continue;
        text += separator;
        text.append(parameter.name).append("=").append(value);
        separator = ',';
    }
    return text;
}

Result<Arguments> resolve(const WorkloadSpec& spec, unsigned threads, std::uint64_t seed,
                          const std::map<std::string, std::string, std::less<>>& given,
                          std::string_view where) {
    if (!spec.threaded && threads != 1)
        return fail(Exit::usage, place(where, spec), "it runs in one thread", "leave the thread count away");
    if (threads < 1 || threads > max_threads)
        return fail(Exit::usage, place(where, spec), std::to_string(threads) + " threads are out of range",
                    "give 1 to " + std::to_string(max_threads));
    Arguments arguments{threads, seed, {}};
    for (const auto& [name, text] : given) {
        const Parameter* parameter = find(spec, name);
        if (parameter == nullptr)
            return tl::unexpected(unknown(spec, name, where).error());
        Result<std::string> value = checked_value(spec, *parameter, text, where);
        if (!value)
            return tl::unexpected(value.error());
        arguments.values.emplace(name, *std::move(value));
    }
    for (const std::span<const Parameter> list : {spec.parameters, common_parameters()})
        for (const Parameter& parameter : list) {
            if (arguments.values.contains(parameter.name))
                continue;
            Result<std::string> value = checked_value(spec, parameter, parameter.fallback, where);
            if (!value)
                return tl::unexpected(value.error());
            arguments.values.emplace(parameter.name, *std::move(value));
        }
    if (spec.check != nullptr)
        if (const Result<void> checked = spec.check(arguments, place(where, spec)); !checked)
            return tl::unexpected(checked.error());
    return arguments;
}

void Workload::collect_latency(LatencyRecorder& /*all*/, Arena& /*arena*/) const {}

} // namespace faultline::engine
