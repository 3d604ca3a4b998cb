#include "workloads/apps/runner/output.hpp"

#include "base/sha256.hpp"

#include <functional>
#include <regex.h>

namespace faultline::apps {
namespace {

class Pattern {
  public:
    explicit Pattern(const std::string& text)
        : error_(::regcomp(&compiled_, text.c_str(), REG_EXTENDED | REG_NOSUB)) {}
    Pattern(const Pattern&) = delete;
    Pattern& operator=(const Pattern&) = delete;
    ~Pattern() {
        if (error_ == 0) {
            ::regfree(&compiled_);
        }
    }
    bool good() const { return error_ == 0; }
    bool matches(const std::string& line) const {
        return ::regexec(&compiled_, line.c_str(), 0, nullptr, 0) == 0;
    }

  private:
    regex_t compiled_{};
    int error_;
};

tl::unexpected<Error> bad_pattern(const std::string& text) {
    return fail(Exit::data, "", "\"" + text + "\" is not a POSIX extended regular expression", "correct it");
}

void for_each_line(std::string_view text, const std::function<void(const std::string&)>& call) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        call(std::string(text.substr(0, end)));
        text.remove_prefix(std::min(text.size(), end + 1));
    }
}

} // namespace

Result<std::string> without(std::string_view output, const Words& patterns) {
    std::vector<std::unique_ptr<Pattern>> compiled;
    for (const std::string& text : patterns) {
        compiled.push_back(std::make_unique<Pattern>(text));
        if (!compiled.back()->good()) {
            return bad_pattern(text);
        }
    }
    std::string kept;
    for_each_line(output, [&](const std::string& line) {
        const bool dropped = std::any_of(compiled.begin(), compiled.end(),
                                         [&](const auto& pattern) { return pattern->matches(line); });
        if (!dropped) {
            kept += line + "\n";
        }
    });
    return kept;
}

Result<std::optional<std::string>> why_unexpected(const Definition& definition, const std::string& output) {
    if (!definition.sha256.empty() && sha256(output) != definition.sha256) {
        return "the output's sum is " + sha256(output) + ", not " + definition.sha256;
    }
    if (definition.expect.empty()) {
        return std::nullopt;
    }
    const Pattern expected(definition.expect);
    if (!expected.good()) {
        return bad_pattern(definition.expect);
    }
    bool found = false;
    for_each_line(output, [&](const std::string& line) { found = found || expected.matches(line); });
    return found ? std::nullopt
                 : std::optional("no line of the output matches \"" + definition.expect + "\"");
}

std::string output_checksum(const std::string& output) {
    return sha256(output).substr(0, 16);
}

} // namespace faultline::apps
