// TOML files that users write, read with every mistake told as "file:line: what; remedy". For those that link toml++.
#pragma once

#include "base/error.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <toml++/toml.h>
#include <vector>

namespace faultline {

// Fails with data and the line of the mistake.
inline Result<toml::table> parse_toml(std::string_view text, const std::string& file, std::string remedy) {
    try {
        return toml::parse(text, file);
    } catch (const toml::parse_error& error) { // the library as Debian builds it reports this way alone
        return fail(Exit::data, file + ":" + std::to_string(error.source().begin.line),
                    std::string(error.description()), std::move(remedy));
    }
}

// Reads one table with every mistake told with its line. The first error wins; later reads do nothing.
class TomlReader {
  public:
    explicit TomlReader(std::string file) : file_(std::move(file)) {}

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

    // A list of strings.
    void texts(const toml::table& table, const char* key, std::vector<std::string>& out) {
        const toml::node* node = table.get(key);
        if (node == nullptr) {
            return;
        }
        const toml::array* list = node->as_array();
        if (list == nullptr) {
            fail_at(*node, std::string("`") + key + "` is not a list of strings", "write it in brackets");
            return;
        }
        for (const toml::node& item : *list) {
            if (const auto value = item.value_exact<std::string>()) {
                out.push_back(*value);
            } else {
                fail_at(item, std::string("`") + key + "` holds what is not a string",
                        "write it in double quotes");
            }
        }
    }

    // Keys that nobody reads are mistakes.
    void only(const toml::table& table, std::span<const std::string_view> known) {
        for (const auto& [key, node] : table) {
            if (std::find(known.begin(), known.end(), key.str()) == known.end()) {
                std::string names;
                for (const std::string_view name : known) {
                    names += (names.empty() ? "" : ", ") + std::string(name);
                }
                fail_at(node, "unknown key `" + std::string(key.str()) + "`", "the keys are " + names);
            }
        }
    }

  private:
    std::string file_;
    std::optional<Error> error_;
};

} // namespace faultline
