#include "harness/plan/targets.hpp"

#include "base/layout.hpp"
#include "workloads/catalog/catalog.hpp"

#include <algorithm>
#include <thread>

namespace faultline::plan {
namespace {

namespace fs = std::filesystem;

constexpr const char* command_line = "command line";

bool is_file(const fs::path& path) {
    std::error_code error;
    return fs::is_regular_file(path, error);
}

SuiteRow row_of(const std::string& use) {
    SuiteRow row;
    row.use = use;
    row.where = command_line;
    return row;
}

// FILE or FILE:parameter=value,...: the parameters are those of workload `replay`.
SuiteRow trace_row(const std::string& word, const std::string& file) {
    SuiteRow row = row_of("replay" + word.substr(file.size()));
    row.parameters["trace"] = fs::absolute(file).string();
    return row;
}

constexpr std::string_view app_prefix = "app:";

// What a row uses: a catalogued workload or a real program, with the parameters behind its name.
struct Chosen {
    Selection selection;
    apps::Shared app;
};

Result<Chosen> choose(std::string_view use, const fs::path& directory, std::string_view where) {
    if (!use.starts_with(app_prefix)) {
        return select_workload(use, where).map([](Selection selection) {
            return Chosen{std::move(selection), nullptr};
        });
    }
    const std::size_t colon = use.find(':', app_prefix.size());
    auto app = apps::find(use.substr(0, colon), directory, where);
    if (!app) {
        return tl::unexpected(app.error());
    }
    const std::string_view parameters = colon == std::string_view::npos ? "" : use.substr(colon + 1);
    return with_parameters({&(*app)->spec, std::nullopt, {}}, parameters, use, where)
        .map([&](Selection selection) {
            return Chosen{std::move(selection), *app};
        });
}

// "larsonN" with its thread count in place, as the field writes it.
std::string name_with_threads(const engine::WorkloadSpec& spec, unsigned threads) {
    std::string name(spec.name);
    if (spec.threaded && name.ends_with('N')) {
        name.replace(name.size() - 1, 1, std::to_string(threads));
    }
    return name;
}

std::string make_label(const SuiteRow& written, const Row& row) {
    if (!written.label.empty()) {
        return written.label;
    }
    std::vector<std::string> shown = written.shown;
    const std::size_t name_at = row.app ? app_prefix.size() : 0;
    if (const std::size_t colon = written.use.find(':', name_at); colon != std::string::npos) {
        shown.insert(shown.begin(), written.use.substr(colon + 1));
    }
    std::erase_if(shown, [](const std::string& item) {
        return item.starts_with("threads=") || item.starts_with("trace=") || item.starts_with("profile=");
    });
    std::string label = name_with_threads(*row.spec, row.arguments.threads);
    if (const auto trace = row.given.find("trace"); trace != row.given.end()) {
        label = "trace:" + fs::path(trace->second).stem().string();
    }
    if (const auto profile = row.given.find("profile"); profile != row.given.end()) {
        label += ":" + fs::path(profile->second).stem().string();
    }
    const char* separator = label.find(':') == std::string::npos ? ":" : ",";
    for (const std::string& item : shown) {
        label += separator + item;
        separator = ",";
    }
    return label;
}

// A relative path is meant beside the suite (or in the working directory), then among faultline's own files.
Result<std::string> find_path(const std::string& written, const fs::path& directory,
                              const std::string& where) {
    for (const fs::path& candidate :
         {directory / written, layout::traces() / written, layout::profiles() / written}) {
        if (is_file(candidate)) {
            return fs::absolute(candidate).lexically_normal().string();
        }
    }
    return fail(Exit::no_input, where,
                "no file \"" + written + "\" beside the suite or among faultline's own traces and profiles",
                "correct the path");
}

Result<unsigned> thread_count(const std::string& text, const std::string& where) {
    const auto selection =
        select_workload("larsonN:threads=" + text, where); // the catalogue knows the limits
    if (!selection) {
        return tl::unexpected(selection.error());
    }
    return *selection->threads;
}

Result<Row> make_row(const SuiteRow& written, const fs::path& directory) {
    auto chosen = choose(written.use, directory, written.where);
    if (!chosen) {
        return tl::unexpected(chosen.error());
    }
    Row row;
    row.spec = chosen->selection.spec;
    row.app = chosen->app;
    row.given = chosen->selection.given;
    unsigned threads = chosen->selection.threads.value_or(
        row.spec->threaded ? std::max(1U, std::thread::hardware_concurrency()) : 1);
    for (const auto& [name, value] : written.parameters) {
        if (name == "threads") {
            const auto count = thread_count(value, written.where);
            if (!count) {
                return tl::unexpected(count.error());
            }
            threads = *count;
        } else {
            row.given[name] = value;
        }
    }
    for (const engine::Parameter& parameter : row.spec->parameters) {
        const auto given = row.given.find(parameter.name);
        if (parameter.kind == engine::Parameter::Kind::path && given != row.given.end()) {
            auto path = find_path(given->second, directory, written.where);
            if (!path) {
                return tl::unexpected(path.error());
            }
            given->second = *path;
        }
    }
    auto arguments = engine::resolve(*row.spec, threads, 1, row.given, written.where);
    if (!arguments) {
        return tl::unexpected(arguments.error());
    }
    row.arguments = *arguments;
    row.threads = row.arguments.threads;
    if (row.app || !row.spec->has_allocator_axis()) {
        for (const engine::Parameter& parameter : engine::common_parameters()) {
            row.arguments.values.erase(std::string(parameter.name)); // no calls of the allocator to time
        }
    }
    if (row.app) {
        row.cost.live_bytes = row.app->memory_bytes;
    } else if (!row.given.contains("trace")) { // a trace's is known when it is compiled
        row.cost = row.spec->cost(row.arguments);
    }
    row.label = make_label(written, row);
    return row;
}

// SUITE/LABEL or FILE.toml/LABEL.
struct OneOfSuite {
    fs::path suite;
    std::string label;
};

std::optional<OneOfSuite> split_suite(const std::string& word) {
    static constexpr std::string_view extension = ".toml";
    if (is_file(word)) { // of a trace, whatever its folder is called
        return std::nullopt;
    }
    if (const std::size_t at = word.find(std::string(extension) + '/'); at != std::string::npos) {
        const std::size_t end = at + extension.size();
        return OneOfSuite{word.substr(0, end), word.substr(end + 1)};
    }
    const std::size_t slash = word.find('/');
    const fs::path named = layout::suites() / (word.substr(0, slash) + std::string(extension));
    if (slash == std::string::npos || !is_file(named)) {
        return std::nullopt;
    }
    return OneOfSuite{named, word.substr(slash + 1)};
}

// The suite with that row alone; its name then says which.
Result<Suite> load_one(const fs::path& file, const std::string& label) {
    auto suite = load_suite(file);
    if (!suite) {
        return suite;
    }
    std::string known;
    for (const SuiteRow& written : suite->rows) {
        const auto row = make_row(written, suite->directory);
        if (!row) {
            return tl::unexpected(row.error());
        }
        if (row->label == label) {
            suite->rows = std::vector<SuiteRow>{written};
            suite->name += "/" + label;
            return suite;
        }
        known += (known.empty() ? "" : ", ") + row->label;
    }
    return fail(Exit::usage, command_line, "suite " + suite->name + " has no workload \"" + label + "\"",
                "there are " + known);
}

Result<Suite> read_word(const std::string& word) {
    const fs::path named = layout::suites() / (word + ".toml");
    if (word.find('/') == std::string::npos && is_file(named)) {
        return load_suite(named);
    }
    if (const auto one = split_suite(word)) {
        return load_one(one->suite, one->label);
    }
    const auto selection = choose(word, ".", command_line);
    if (!selection && word.starts_with(app_prefix)) {
        return tl::unexpected(selection.error());
    }
    const std::string file = is_file(word) ? word : word.substr(0, word.find(':'));
    if (!selection) {
        if (word.ends_with(".toml")) {
            return load_suite(word);
        }
        const bool looks_like_path =
            word.find('/') != std::string::npos || word.find('.') != std::string::npos;
        if (!looks_like_path && !is_file(file)) {
            return fail(Exit::usage, command_line,
                        "\"" + word + "\" is no suite, workload or file: " + selection.error().what,
                        selection.error().remedy + " and `faultline list suites`");
        }
        if (!is_file(file)) {
            return fail(Exit::no_input, file, "no such file",
                        "name a suite, a workload, or a trace that exists");
        }
    }
    Suite suite;
    suite.name = word;
    suite.directory = ".";
    suite.rows.push_back(selection ? row_of(word) : trace_row(word, file));
    return suite;
}

} // namespace

Result<Suite> gather(std::span<const std::string> words) {
    std::optional<Suite> joined;
    for (const std::string& word : words) {
        auto suite = read_word(word);
        if (!suite) {
            return suite;
        }
        for (SuiteRow& row : suite->rows) { // paths are relative to the suite they stand in
            row.directory = suite->directory;
        }
        if (!joined) {
            joined = std::move(*suite);
        } else {
            joined->name += " " + suite->name;
            joined->rows.insert(joined->rows.end(), suite->rows.begin(), suite->rows.end());
        }
    }
    if (!joined) {
        return fail(Exit::usage, command_line, "no suite or workload is named",
                    "see `faultline list suites`");
    }
    return std::move(*joined);
}

Result<std::vector<Row>> make_rows(const Suite& suite) {
    std::vector<Row> rows;
    for (const SuiteRow& written : suite.rows) {
        auto row = make_row(written, written.directory.empty() ? suite.directory : written.directory);
        if (!row) {
            return tl::unexpected(row.error());
        }
        const bool taken = std::any_of(rows.begin(), rows.end(),
                                       [&](const Row& other) { return other.label == row->label; });
        if (taken) {
            return fail(Exit::data, written.where, "\"" + row->label + "\" stands twice",
                        "give one of them another `label`");
        }
        rows.push_back(std::move(*row));
    }
    return rows;
}

Result<void> keep_rows(std::vector<Row>& rows, std::span<const std::string> labels) {
    for (const std::string& label : labels) {
        if (std::none_of(rows.begin(), rows.end(), [&](const Row& row) { return row.label == label; })) {
            std::string known;
            for (const Row& row : rows) {
                known += (known.empty() ? "" : ", ") + row.label;
            }
            return fail(Exit::usage, "--only", "no workload has the label \"" + label + "\"",
                        "there are " + known);
        }
    }
    if (!labels.empty()) {
        std::erase_if(rows, [&](const Row& row) {
            return std::find(labels.begin(), labels.end(), row.label) == labels.end();
        });
    }
    return {};
}

Result<std::vector<Arm>> make_arms(std::span<const std::string> names, bool floor) {
    std::vector<Arm> arms;
    const auto add = [&](registry::Allocator allocator, Role role) {
        const bool there = std::any_of(arms.begin(), arms.end(),
                                       [&](const Arm& arm) { return arm.allocator.name == allocator.name; });
        if (!there) {
            arms.push_back({std::move(allocator), role});
        }
    };
    for (const std::string& name : names) {
        if (name == "all") {
            for (registry::Listed& listed : registry::list_all()) {
                if (listed.allocator && listed.known->compared) {
                    add(std::move(*listed.allocator), Role::subject);
                }
            }
            continue;
        }
        auto found = registry::find(name);
        if (!found) {
            return tl::unexpected(found.error());
        }
        const auto same = std::find_if(arms.begin(), arms.end(),
                                       [&](const Arm& arm) { return arm.allocator.name == found->name; });
        if (same != arms.end() && same->allocator.path != found->path) {
            return fail(Exit::usage, name, "another allocator of this name is in the run",
                        "give it another NAME=");
        }
        add(std::move(*found), Role::subject);
    }
    if (arms.empty()) {
        return fail(Exit::usage, command_line, "no allocator is named",
                    "give some with -a; see `faultline list allocators`");
    }
    if (floor) {
        if (auto null = registry::find("null")) {
            add(std::move(*null), Role::floor);
        } else {
            return tl::unexpected(null.error());
        }
    }
    return arms;
}

} // namespace faultline::plan
