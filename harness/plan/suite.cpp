#include "harness/plan/suite.hpp"

#include "base/file.hpp"
#include "base/layout.hpp"
#include "base/toml_reader.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <toml++/toml.h>

namespace faultline::plan {
namespace {

using Reader = TomlReader;
using Parameters = std::vector<std::pair<std::string, std::vector<std::string>>>;

Parameters read_parameters(Reader& reader, const toml::table& table) {
    Parameters parameters;
    for (const auto& [key, node] : table) {
        const std::string name(key.str());
        if (name == "use" || name == "label") {
            continue;
        }
        std::vector<std::string> values;
        if (const toml::array* list = node.as_array()) {
            for (const toml::node& item : *list) {
                if (auto value = reader.scalar(item, name)) {
                    values.push_back(std::move(*value));
                }
            }
            if (list->empty()) {
                reader.fail_at(node, "`" + name + "` is an empty list", "give it a value or remove it");
            }
        } else if (auto value = reader.scalar(node, name)) {
            values.push_back(std::move(*value));
        }
        parameters.emplace_back(name, std::move(values));
    }
    return parameters;
}

// The cross product of all lists, the last parameter varying fastest.
void expand(const SuiteRow& base, const Parameters& parameters, std::size_t index,
            std::vector<SuiteRow>& out) {
    if (index == parameters.size()) {
        out.push_back(base);
        return;
    }
    const auto& [name, values] = parameters[index];
    for (const std::string& value : values) {
        SuiteRow row = base;
        row.parameters[name] = value;
        if (values.size() > 1) {
            row.shown.push_back(fmt::format("{}={}", name, value));
        }
        expand(row, parameters, index + 1, out);
    }
}

void read_workload(Reader& reader, const toml::node& node, Suite& suite) {
    const toml::table* table = node.as_table();
    if (table == nullptr) {
        reader.fail_at(node, "`workload` is not a table", "write [[workload]] above its keys");
        return;
    }
    SuiteRow base;
    base.where = reader.where(node);
    reader.text(*table, "use", base.use);
    reader.text(*table, "label", base.label);
    if (base.use.empty()) {
        reader.fail_at(node, "this workload has no `use`",
                       "add use = \"NAME\"; see `faultline list workloads`");
        return;
    }
    const Parameters parameters = read_parameters(reader, *table);
    if (!reader.failed()) {
        const std::size_t before = suite.rows.size();
        expand(base, parameters, 0, suite.rows);
        if (!base.label.empty() && suite.rows.size() - before > 1) {
            reader.fail_at(node, "`label` names several rows", "remove the label, or the lists");
        }
    }
}

void read_suite(Reader& reader, const toml::table& root, Suite& suite) {
    static constexpr std::string_view known[] = {"summary",   "rounds",     "idle_ms",
                                                 "timeout_s", "allocators", "workload"};
    reader.only(root, known);
    reader.text(root, "summary", suite.summary);
    reader.number(root, "rounds", suite.rounds, 1, 10'000);
    reader.number(root, "idle_ms", suite.idle_ms, 0, 600'000);
    reader.number(root, "timeout_s", suite.timeout_s, 1, 86'400);
    reader.texts(root, "allocators", suite.allocators);
    if (const toml::node* node = root.get("workload")) {
        if (const toml::array* list = node->as_array()) {
            for (const toml::node& item : *list) {
                read_workload(reader, item, suite);
            }
        } else {
            reader.fail_at(*node, "`workload` is not a list of tables",
                           "write [[workload]] with two brackets");
        }
    }
}

} // namespace

Result<Suite> parse_suite(std::string_view toml, const std::filesystem::path& path) {
    const std::string file = path.string();
    const auto root = parse_toml(toml, file, "see workloads/suites/quick.toml for an example");
    if (!root) {
        return tl::unexpected(root.error());
    }
    Suite suite;
    suite.name = path.stem().string();
    suite.directory = path.has_parent_path() ? path.parent_path() : ".";
    Reader reader(file);
    read_suite(reader, *root, suite);
    if (reader.failed()) {
        return tl::unexpected(reader.error());
    }
    if (suite.rows.empty()) {
        return fail(Exit::data, file, "the suite has no workloads", "add a [[workload]] table");
    }
    return suite;
}

Result<Suite> load_suite(const std::filesystem::path& path) {
    auto text = read_file(path);
    if (!text) {
        return tl::unexpected(text.error());
    }
    return parse_suite(*text, path);
}

std::vector<SuiteListing> list_suites() {
    std::vector<SuiteListing> listings;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(layout::suites(), error)) {
        if (entry.path().extension() == ".toml") {
            listings.push_back({entry.path().stem().string(), entry.path(), load_suite(entry.path())});
        }
    }
    std::sort(listings.begin(), listings.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return listings;
}

} // namespace faultline::plan
