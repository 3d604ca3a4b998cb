// `faultline completion`: scripts for bash, zsh and fish, made from the same option table as --help, so that
// they cannot fall behind it. Names of allocators, workloads and suites are asked of `faultline list` when
// Tab is pressed.
#include "harness/cli/command.hpp"
#include "harness/cli/dispatch.hpp"

#include <cstdio>
#include <fmt/format.h>
#include <memory>

namespace faultline::cli {
namespace {

std::string join(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) {
        out += (out.empty() ? "" : " ") + word;
    }
    return out;
}

std::vector<std::string> options_of(const CLI::App& app) {
    std::vector<std::string> words;
    for (const CLI::Option* option : app.get_options()) {
        for (const std::string& name : option->get_lnames()) {
            words.push_back("--" + name);
        }
        for (const std::string& name : option->get_snames()) {
            words.push_back("-" + name);
        }
    }
    return words;
}

std::vector<std::string> command_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
        names.push_back(command->get_name());
    }
    for (const std::string& name : external_commands()) {
        names.push_back(name);
    }
    return names;
}

std::string bash(const CLI::App& app) {
    std::string script =
        "# bash completion of faultline; load it with: source <(faultline completion bash)\n"
        "_faultline() {\n"
        "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} words=\n"
        "    compopt +o nospace 2>/dev/null\n"
        "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n";
    script += fmt::format(
        "        COMPREPLY=($(compgen -W '{} --help --version' -- \"$current\"))\n        return\n    fi\n",
        join(command_names(app)));
    script += "    case $previous in\n"
              "        -a|--allocators)\n"
              "            local head=${current%\"${current##*,}\"}\n"
              "            COMPREPLY=($(compgen -P \"$head\" -W \"$(faultline list allocators --names "
              "2>/dev/null)\" -- \"${current##*,}\"))\n"
              "            compopt -o nospace 2>/dev/null\n"
              "            return ;;\n"
              "        -o|--output|--report) COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n"
              "    esac\n"
              "    case ${COMP_WORDS[1]} in\n";
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
        script += fmt::format("        {}) words='{}' ;;\n", command->get_name(), join(options_of(*command)));
    }
    script += "    esac\n"
              "    case ${COMP_WORDS[1]} in\n"
              "        run) words=\"$words $(faultline list suites --names 2>/dev/null) $(faultline list "
              "workloads --names 2>/dev/null)\" ;;\n"
              "        list) words=\"$words allocators workloads suites probes\" ;;\n"
              "        completion) words=\"$words bash zsh fish\" ;;\n"
              "    esac\n"
              "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
              "    [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$current\"))\n"
              "}\n"
              "complete -o filenames -F _faultline faultline\n";
    return script;
}

std::string zsh(const CLI::App& app) {
    return "#compdef faultline\n"
           "# zsh completion of faultline; load it with: source <(faultline completion zsh)\n"
           "autoload -U +X bashcompinit && bashcompinit\n" +
           bash(app);
}

std::string fish_quoted(const std::string& text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'' || c == '\\') {
            out += '\\';
        }
        out += c == '\n' ? ' ' : c;
    }
    return out + "'";
}

std::string fish(const CLI::App& app) {
    std::string script = "# fish completion of faultline; load it with: faultline completion fish | source\n";
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
        const std::string name = command->get_name();
        script += fmt::format("complete -c faultline -n __fish_use_subcommand -f -a {} -d {}\n", name,
                              fish_quoted(command->get_description()));
        for (const CLI::Option* option : command->get_options()) {
            if (option->get_lnames().empty()) {
                continue;
            }
            script += fmt::format("complete -c faultline -n '__fish_seen_subcommand_from {}' -l {}", name,
                                  option->get_lnames().front());
            if (!option->get_snames().empty()) {
                script += " -s " + option->get_snames().front();
            }
            if (option->get_items_expected_max() > 0) {
                script += " -r";
            }
            script += " -d " + fish_quoted(option->get_description()) + "\n";
        }
    }
    for (const std::string& name : external_commands()) {
        script += fmt::format("complete -c faultline -n __fish_use_subcommand -f -a {}\n", name);
    }
    script += "complete -c faultline -n '__fish_seen_subcommand_from run' -a '(faultline list suites "
              "--names; faultline list workloads --names)'\n"
              "complete -c faultline -n '__fish_seen_subcommand_from list' -f -a 'allocators workloads "
              "suites probes'\n"
              "complete -c faultline -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'\n";
    return script;
}

} // namespace

void add_completion(CLI::App& app, Action& action) {
    auto shell = std::make_shared<std::string>();
    CLI::App* command = app.add_subcommand("completion", "Print the completion script for a shell");
    command->add_option("shell", *shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    command->footer("Example: source <(faultline completion bash)");
    command->callback([shell, &app, &action] {
        action = [shell, &app] {
            const std::string script = *shell == "bash" ? bash(app) : *shell == "zsh" ? zsh(app) : fish(app);
            std::fputs(script.c_str(), stdout);
            return 0;
        };
    });
}

} // namespace faultline::cli
