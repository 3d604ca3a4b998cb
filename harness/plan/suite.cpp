#include "harness/plan/suite.hpp"

#include "base/file.hpp"
#include "base/layout.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <toml++/toml.h>

namespace faultline::plan {
namespace {

// Reads one table with every mistake told with its line. The first error wins; later reads do nothing.
class Reader {
  public:
    explicit Reader(std::string file) : file_(std::move(file)) {}

    bool failed() const { return error_.has_value(); }
    const Error& error() const { return *error_; }
    std::string where(const toml::node& node) const {
        return file_ + ":" + std::to_string(node.source().begin.line);
    }
    void fail_at(const toml::node& node, std::string what, std::string remedy) {
        if (!error_) {
            error_ = Error{Exit::data, where(node), std::move(what), std::move(remedy)};
        }
    }

    void text(const toml::table& table, const char* key, std::string& out) {
        if (const toml::node* node = table.get(key)) {
            if (const auto value = node->value_exact<std::string>()) {
                out = *value;
            } else {
                fail_at(*node, std::string("`") + key + "` is not a string", "write it in double quotes");
            }
        }
    }

    template <typename T>
    void number(const toml::table& table, const char* key, T& out, std::int64_t min, std::int64_t max) {
        if (const toml::node* node = table.get(key)) {
            const auto value = node->value_exact<std::int64_t>();
            if (!value || *value < min || *value > max) {
                fail_at(*node,
                        std::string("`") + key + "` is not a whole number from " + std::to_string(min) +
                            " to " + std::to_string(max),
                        "correct it");
            } else {
                out = static_cast<T>(*value);
            }
        }
    }

    std::optional<std::string> scalar(const toml::node& node, std::string_view key) {
        if (const auto text = node.value_exact<std::string>()) {
            return *text;
        }
        if (const auto number = node.value_exact<std::int64_t>()) {
            return std::to_string(*number);
        }
        fail_at(node, "`" + std::string(key) + "` is neither a string nor a whole number", "correct it");
        return std::nullopt;
    }

  private:
    std::string file_;
    std::optional<Error> error_;
};

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

void read_allocators(Reader& reader, const toml::node& node, Suite& suite) {
    const toml::array* list = node.as_array();
    if (list == nullptr) {
        reader.fail_at(node, "`allocators` is not a list", "write allocators = [\"system\", ...]");
        return;
    }
    for (const toml::node& item : *list) {
        if (const auto name = item.value_exact<std::string>()) {
            suite.allocators.push_back(*name);
        } else {
            reader.fail_at(item, "an allocator is not a string", "write it in double quotes");
        }
    }
}

void read_suite(Reader& reader, const toml::table& root, Suite& suite) {
    static constexpr std::string_view known[] = {"summary",   "rounds",     "idle_ms",
                                                 "timeout_s", "allocators", "workload"};
    for (const auto& [key, node] : root) {
        if (std::find(std::begin(known), std::end(known), key.str()) == std::end(known)) {
            reader.fail_at(node, "unknown key `" + std::string(key.str()) + "`",
                           "the keys are summary, rounds, idle_ms, timeout_s, allocators and [[workload]]");
        }
    }
    reader.text(root, "summary", suite.summary);
    reader.number(root, "rounds", suite.rounds, 1, 10'000);
    reader.number(root, "idle_ms", suite.idle_ms, 0, 600'000);
    reader.number(root, "timeout_s", suite.timeout_s, 1, 86'400);
    if (const toml::node* node = root.get("allocators")) {
        read_allocators(reader, *node, suite);
    }
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
    toml::table root;
    try {
        root = toml::parse(toml, file);
    } catch (const toml::parse_error& error) { // the library as Debian builds it reports this way alone
        return fail(Exit::data, file + ":" + std::to_string(error.source().begin.line),
                    std::string(error.description()), "see workloads/suites/quick.toml for an example");
    }
    Suite suite;
    suite.name = path.stem().string();
    suite.directory = path.has_parent_path() ? path.parent_path() : ".";
    Reader reader(file);
    read_suite(reader, root, suite);
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
