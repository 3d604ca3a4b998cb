#include "harness/stress/findings.hpp"

#include "base/file.hpp"
#include "base/toml_reader.hpp"
#include "workloads/stress/catalog.hpp"

#include <algorithm>
#include <fnmatch.h>

namespace faultline::stress {
namespace {

bool matches(const std::string& glob, const std::string& text) {
    return ::fnmatch(glob.c_str(), text.c_str(), 0) == 0;
}

bool matches_anything(const std::string& glob) {
    return glob.find_first_not_of("*?") == std::string::npos;
}

void require_text(TomlReader& reader, const toml::node& at, const toml::table& table, const char* key,
                  std::string& out) {
    reader.text(table, key, out);
    if (out.empty()) {
        const toml::node* node = table.get(key);
        reader.fail_at(node == nullptr ? at : *node, std::string("this finding has no `") + key + "`",
                       std::string("add ") + key + " = \"...\"");
    }
}

// The list, each of whose texts `mistake` finds nothing wrong with.
template <typename Mistake>
void require_texts(TomlReader& reader, const toml::node& at, const toml::table& table, const char* key,
                   std::vector<std::string>& out, Mistake mistake, const char* remedy) {
    reader.texts(table, key, out);
    const toml::node* node = table.get(key);
    if (out.empty()) {
        reader.fail_at(node == nullptr ? at : *node, std::string("this finding has no `") + key + "`",
                       std::string("add ") + key + " = [\"...\"]");
        return;
    }
    for (std::size_t i = 0; !reader.failed() && i < out.size(); ++i) {
        if (const std::string what = mistake(out[i]); !what.empty()) {
            reader.fail_at(*node->as_array()->get(i), what, remedy);
        }
    }
}

Finding read_finding(TomlReader& reader, const toml::node& node) {
    static constexpr std::string_view known[] = {"allocator",   "version", "checks",       "why",
                                                 "explanation", "source",  "confirmed_by", "sometimes"};
    Finding finding;
    const toml::table* table = node.as_table();
    if (table == nullptr) {
        reader.fail_at(node, "`finding` is not a table", "write [[finding]] above its keys");
        return finding;
    }
    reader.only(*table, known);
    require_text(reader, node, *table, "allocator", finding.allocator);
    require_text(reader, node, *table, "version", finding.version);
    require_texts(
        reader, node, *table, "checks", finding.checks,
        [](const std::string& name) {
            return find_check(name) == nullptr ? "no check is named `" + name + "`" : std::string();
        },
        "see `faultline stress --list`");
    require_texts(
        reader, node, *table, "why", finding.why,
        [](const std::string& glob) {
            return matches_anything(glob) ? "`why` matches any failure of the check" : std::string();
        },
        "write what is said of this one");
    require_text(reader, node, *table, "explanation", finding.explanation);
    reader.text(*table, "source", finding.source);
    reader.text(*table, "confirmed_by", finding.confirmed_by);
    if (const toml::node* sometimes = table->get("sometimes"); sometimes && !sometimes->is_boolean()) {
        reader.fail_at(*sometimes, "`sometimes` is not true or false", "correct it");
    }
    if (finding.source.empty() && finding.confirmed_by.empty()) {
        reader.fail_at(node, "this finding has neither `source` nor `confirmed_by`",
                       "say where it is published, or which program confirms it");
    }
    return finding;
}

} // namespace

std::string Finding::told() const {
    const std::string confirmed = confirmed_by.empty() ? "" : "confirmed by stress_confirm " + confirmed_by;
    return explanation + " (" + source + (source.empty() || confirmed.empty() ? "" : "; ") + confirmed + ")";
}

Result<std::vector<Finding>> parse_findings(std::string_view toml, const std::filesystem::path& path) {
    const std::string file = path.string();
    const auto root = parse_toml(toml, file, "share/faultline/findings/known.toml says how it is written");
    if (!root) {
        return tl::unexpected(root.error());
    }
    TomlReader reader(file);
    static constexpr std::string_view known[] = {"finding"};
    reader.only(*root, known);
    std::vector<Finding> findings;
    if (const toml::node* node = root->get("finding")) {
        const toml::array* list = node->as_array();
        if (list == nullptr) {
            reader.fail_at(*node, "`finding` is not a list of tables", "write [[finding]] with two brackets");
        }
        for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
            findings.push_back(read_finding(reader, *list->get(i)));
        }
    }
    if (reader.failed()) {
        return tl::unexpected(reader.error());
    }
    return findings;
}

Result<std::vector<Finding>> load_findings(const std::filesystem::path& path) {
    const auto text = read_file(path);
    if (!text) {
        return tl::unexpected(text.error());
    }
    return parse_findings(*text, path);
}

std::optional<std::size_t> find_known(std::span<const Finding> findings, const Check& check,
                                      const registry::Allocator& allocator, const Judged& judged) {
    const bool falls_short = judged.verdict == Verdict::information && check.kind() != Kind::misuse;
    if (judged.verdict != Verdict::broken && !falls_short) {
        return std::nullopt;
    }
    const auto found = std::find_if(findings.begin(), findings.end(), [&](const Finding& finding) {
        return finding.allocator == allocator.name && matches(finding.version, allocator.version) &&
               std::find(finding.checks.begin(), finding.checks.end(), check.name) != finding.checks.end() &&
               std::any_of(finding.why.begin(), finding.why.end(),
                           [&](const std::string& glob) { return matches(glob, judged.why); });
    });
    return found == findings.end() ? std::nullopt
                                   : std::optional(static_cast<std::size_t>(found - findings.begin()));
}

} // namespace faultline::stress
