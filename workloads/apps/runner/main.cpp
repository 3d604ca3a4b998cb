// faultline-app: runs one real program as a trial. `faultline run app:NAME` starts it with a phase socket and a report
// file; by hand it is how a definition is tried out.
#include "base/file.hpp"
#include "base/layout.hpp"
#include "workloads/apps/runner/job.hpp"
#include "workloads/engine/report.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>

namespace {

using namespace faultline;

struct CommandLine {
    std::string definition;
    unsigned threads = 1;
    std::vector<std::string> set;
    std::string directory;
    std::string preload;
    std::string libc;
    std::uint64_t idle_ms = 0;
    std::uint64_t memory_limit_bytes = 0;
    int phase_fd = -1;
    int report_fd = -1;
};

int complain(const Error& error) {
    std::fprintf(stderr, "faultline-app: %s\n", error.line().c_str());
    return static_cast<int>(error.status);
}

Result<engine::Arguments> arguments_of(const apps::Definition& definition, const CommandLine& line) {
    std::map<std::string, std::string, std::less<>> given;
    for (const std::string& item : line.set) {
        const std::size_t equals = item.find('=');
        if (equals == 0 || equals == std::string::npos) {
            return fail(Exit::usage, "--set", "\"" + item + "\" is not key=value");
        }
        given.insert_or_assign(item.substr(0, equals), item.substr(equals + 1));
    }
    return engine::resolve(definition.spec, definition.threaded() ? line.threads : 1, 1, given, "--set");
}

Result<int> run(const CommandLine& line) {
    const auto text = read_file(line.definition);
    if (!text) {
        return tl::unexpected(text.error());
    }
    const auto definition = apps::parse(*text, line.definition);
    if (!definition) {
        return tl::unexpected(definition.error());
    }
    auto arguments = arguments_of(**definition, line);
    if (!arguments) {
        return tl::unexpected(arguments.error());
    }
    const apps::JobOptions options{.definition = definition->get(),
                                   .arguments = *std::move(arguments),
                                   .directory = line.directory,
                                   .preload = line.preload,
                                   .witness = layout::libraries() / "libfaultline-witness.so",
                                   .libc = line.libc,
                                   .idle_ms = line.idle_ms,
                                   .memory_limit_bytes = line.memory_limit_bytes,
                                   .phase_fd = line.phase_fd};
    const auto report = apps::run_job(options);
    if (!report) {
        return tl::unexpected(report.error());
    }
    const bool well = (*report)["failure"].is_null();
    const std::string json = report->dump(line.report_fd < 0 ? 2 : -1, ' ', false,
                                          nlohmann::ordered_json::error_handler_t::replace) +
                             "\n";
    if (auto written = engine::write_all(line.report_fd < 0 ? 1 : line.report_fd, json); !written) {
        return tl::unexpected(written.error());
    }
    return line.report_fd >= 0 || well ? 0 : static_cast<int>(Exit::failure);
}

int run_command(int argc, char** argv) {
    CommandLine line;
    CLI::App app{
        "Runs one real program under a preloaded allocator and reports what it used.\n"
        "Example: mkdir /tmp/job && faultline-app service.toml --directory /tmp/job --preload ./libmine.so",
        "faultline-app"};
    app.add_option("definition", line.definition, "the program's TOML file")->required();
    app.add_option("--directory", line.directory,
                   "an empty folder to work in; what the program wrote stays there")
        ->required()
        ->check(CLI::ExistingDirectory);
    app.add_option("--preload", line.preload, "the allocator; libc's when left out");
    app.add_option("--libc", line.libc, "libc's file, for programs that must be kept from their own malloc");
    app.add_option("--threads", line.threads, "for definitions that use {threads}")
        ->check(CLI::Range(1U, engine::max_threads));
    app.add_option("--set", line.set, "a parameter of the definition: key=value")->allow_extra_args(false);
    app.add_option("--idle-ms", line.idle_ms, "how long a service rests after its load");
    app.add_option("--memory-limit", line.memory_limit_bytes,
                   "resident bytes at which the program is stopped");
    app.add_option("--phase-fd", line.phase_fd, "SOCK_SEQPACKET socket for phase marks");
    app.add_option("--report-fd", line.report_fd,
                   "where the JSON report goes; standard output when left out");
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& asked) { // --help
        return app.exit(asked);
    } catch (const CLI::ParseError& error) {
        return complain({Exit::usage, "", error.what(), "see faultline-app --help"});
    }
    const auto status = run(line);
    return status ? *status : complain(status.error());
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run_command(argc, argv);
    } catch (const std::exception& unexpected) {
        return complain({Exit::software, "", unexpected.what(), "this is a bug; please report it"});
    }
}
