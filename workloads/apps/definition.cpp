#include "workloads/apps/definition.hpp"

#include "base/file.hpp"
#include "base/layout.hpp"
#include "base/toml_reader.hpp"
#include "workloads/engine/nearest.hpp"

#include <glob.h>
#include <unistd.h>

namespace faultline::apps {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view prefix = "app:";
constexpr const char* example = "see workloads/apps/README.md for an example";

// A command as a list of words, or one string for the shell.
void read_command(TomlReader& reader, const toml::node& node, Words& out) {
    if (const auto text = node.value_exact<std::string>()) {
        out = {"/bin/sh", "-c", *text};
        return;
    }
    const toml::array* list = node.as_array();
    if (list == nullptr || list->empty()) {
        reader.fail_at(node, "a command is neither a string nor a list of words", example);
        return;
    }
    for (const toml::node& item : *list) {
        if (const auto word = item.value_exact<std::string>()) {
            out.push_back(*word);
        } else {
            reader.fail_at(item, "a word of a command is not a string", "write it in double quotes");
        }
    }
}

void read_command(TomlReader& reader, const toml::table& table, const char* key, Words& out) {
    if (const toml::node* node = table.get(key)) {
        read_command(reader, *node, out);
    }
}

void read_prepare(TomlReader& reader, const toml::table& table, std::vector<Words>& out) {
    const toml::node* node = table.get("prepare");
    if (node == nullptr) {
        return;
    }
    const toml::array* list = node->as_array();
    if (list == nullptr) {
        reader.fail_at(*node, "`prepare` is not a list of commands", example);
        return;
    }
    for (const toml::node& item : *list) {
        read_command(reader, item, out.emplace_back());
    }
}

void read_map(TomlReader& reader, const toml::table& table, const char* key, bool numbers,
              std::map<std::string, std::string>& out) {
    const toml::node* node = table.get(key);
    if (node == nullptr) {
        return;
    }
    const toml::table* inner = node->as_table();
    if (inner == nullptr) {
        reader.fail_at(*node, std::string("`") + key + "` is not a table", example);
        return;
    }
    for (const auto& [name, value] : *inner) {
        if (numbers && !value.is_integer()) {
            reader.fail_at(value, "`" + std::string(name.str()) + "` is not a whole number", "correct it");
        } else if (const auto text = reader.scalar(value, name.str())) {
            out.emplace(name.str(), *text);
        }
    }
}

void read_switch(TomlReader& reader, const toml::table& table, const char* key, bool& out) {
    if (const toml::node* node = table.get(key)) {
        if (const auto value = node->value_exact<bool>()) {
            out = *value;
        } else {
            reader.fail_at(*node, std::string("`") + key + "` is neither true nor false", "correct it");
        }
    }
}

void read_definition(TomlReader& reader, const toml::table& root, Definition& out) {
    static constexpr std::string_view known[] = {
        "summary", "citation",    "package",    "program",    "needs",      "search",
        "prepare", "command",     "server",     "ready",      "load",       "stop",
        "verify",  "drop",        "expect",     "sha256",     "exit",       "root",
        "notes",   "environment", "parameters", "operations", "memory_mib", "libc_first"};
    reader.only(root, known);
    reader.text(root, "summary", out.summary);
    reader.text(root, "citation", out.citation);
    reader.text(root, "package", out.package);
    reader.text(root, "program", out.program);
    reader.texts(root, "needs", out.needs);
    reader.texts(root, "search", out.search);
    read_prepare(reader, root, out.prepare);
    read_command(reader, root, "command", out.command);
    read_command(reader, root, "server", out.server);
    read_command(reader, root, "ready", out.ready);
    read_command(reader, root, "load", out.load);
    read_command(reader, root, "stop", out.stop);
    read_command(reader, root, "verify", out.verify);
    reader.texts(root, "drop", out.drop);
    reader.text(root, "expect", out.expect);
    reader.text(root, "sha256", out.sha256);
    reader.number(root, "exit", out.exit_status, 0, 255);
    read_switch(reader, root, "root", out.root);
    reader.texts(root, "notes", out.notes);
    read_map(reader, root, "environment", false, out.environment);
    read_map(reader, root, "parameters", true, out.parameters);
    if (const toml::node* node = root.get("operations")) {
        out.operations = reader.scalar(*node, "operations").value_or("1");
    }
    std::uint64_t mebibytes = out.memory_bytes >> 20;
    reader.number(root, "memory_mib", mebibytes, 1, 1 << 20);
    out.memory_bytes = mebibytes << 20;
    read_switch(reader, root, "libc_first", out.libc_first);
    if (out.command.empty() == out.server.empty()) {
        reader.fail_at(root, "has neither `command` nor `server`, or both", "give one of them");
    }
    if (out.service() == (out.load.empty() || out.ready.empty())) {
        reader.fail_at(root, "a `server` needs `ready` and `load`, and a `command` has neither", example);
    }
}

bool holds(const Words& words, std::string_view what) {
    return std::any_of(words.begin(), words.end(),
                       [what](const std::string& word) { return word.find(what) != std::string::npos; });
}

void fill_spec(Definition& out) {
    for (const auto& [name, value] : out.parameters) {
        out.spec_parameters.push_back({name, engine::Parameter::Kind::integer, value, 1, 1'000'000'000, "",
                                       "", "a parameter of the definition"});
    }
    const bool threaded =
        holds(out.command, "{threads}") || holds(out.server, "{threads}") || holds(out.load, "{threads}");
    out.spec = {out.name, out.summary, out.citation, out.spec_parameters, threaded, false, nullptr, nullptr};
}

std::vector<std::string> matches(const std::string& pattern) {
    std::vector<std::string> out;
    glob_t found{};
    if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
        out.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    }
    ::globfree(&found);
    return out;
}

bool is_file(const fs::path& path) {
    std::error_code error;
    return fs::is_regular_file(path, error);
}

Result<Shared> load(const fs::path& file) {
    const auto text = read_file(file);
    if (!text) {
        return tl::unexpected(text.error());
    }
    return parse(*text, file);
}

std::vector<std::string> own_names() {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(layout::apps(), error)) {
        if (entry.path().extension() == ".toml") {
            names.push_back(entry.path().stem().string());
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

} // namespace

Result<Shared> parse(std::string_view toml, const fs::path& file) {
    const auto root = parse_toml(toml, file.string(), example);
    if (!root) {
        return tl::unexpected(root.error());
    }
    auto definition = std::make_shared<Definition>();
    definition->name = std::string(prefix) + file.stem().string();
    std::error_code error;
    definition->file = fs::absolute(file, error).lexically_normal();
    TomlReader reader(file.string());
    read_definition(reader, *root, *definition);
    if (reader.failed()) {
        return tl::unexpected(reader.error());
    }
    if (definition->program.empty()) {
        definition->program = definition->measured().front();
    }
    fill_spec(*definition);
    return definition;
}

Result<Shared> find(std::string_view text, const fs::path& directory, std::string_view where) {
    const std::string name(text.substr(prefix.size()));
    if (name.ends_with(".toml")) {
        if (is_file(directory / name)) {
            return load(directory / name);
        }
        return fail(Exit::no_input, std::string(where), "no file \"" + name + "\"", "correct the path");
    }
    const fs::path own = layout::apps() / (name + ".toml");
    if (name.find('/') == std::string::npos && is_file(own)) {
        return load(own);
    }
    const std::vector<std::string> names = own_names();
    const std::vector<std::string_view> known(names.begin(), names.end());
    const std::string_view meant = engine::nearest(name, known);
    return fail(Exit::usage, std::string(where), "unknown program \"" + std::string(text) + "\"",
                (meant.empty() ? "" : "did you mean \"app:" + std::string(meant) + "\"? ") +
                    std::string("See `faultline list workloads`, or name a definition: app:FILE.toml"));
}

std::vector<Listed> list() {
    std::vector<Listed> all;
    for (const std::string& name : own_names()) {
        all.push_back({std::string(prefix) + name, load(layout::apps() / (name + ".toml"))});
    }
    return all;
}

std::optional<std::string> why_missing(const Definition& definition) {
    const std::string remedy =
        definition.package.empty() ? "" : "; apt install " + definition.package + ", or ci/install apps";
    if (locate(definition.program, path_variable(definition)).empty()) {
        return definition.program + " is not installed" + remedy;
    }
    for (const std::string& pattern : definition.needs) {
        if (matches(pattern).empty()) {
            return std::string(pattern).append(" is not there").append(remedy);
        }
    }
    return std::nullopt;
}

std::string path_variable(const Definition& definition) {
    std::string path;
    for (const std::string& pattern : definition.search) {
        for (const std::string& folder : matches(pattern)) {
            path += folder + ":";
        }
    }
    return path + "/usr/sbin:/usr/bin:/sbin:/bin";
}

std::string locate(const std::string& program, const std::string& path) {
    if (program.find('/') != std::string::npos) {
        return ::access(program.c_str(), X_OK) == 0 ? program : "";
    }
    for (std::size_t start = 0; start < path.size();) {
        const std::size_t end = std::min(path.find(':', start), path.size());
        std::string candidate = path.substr(start, end - start) + "/" + program;
        if (is_file(candidate) && ::access(candidate.c_str(), X_OK) == 0) {
            return candidate;
        }
        start = end + 1;
    }
    return "";
}

} // namespace faultline::apps
