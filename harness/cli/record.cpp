// `faultline record`: runs a program with the recorder preloaded.
#include "workloads/trace/record_command.hpp"

#include "base/layout.hpp"
#include "harness/cli/command.hpp"

#include <cstdio>
#include <memory>

namespace faultline::cli {
namespace {

struct Options {
    std::string output = "faultline.fltrace";
    std::vector<std::string> command;
};

// The program's own exit status, so that `record` can stand in front of a command anywhere.
int run(const Options& options) {
    const trace::RecordOptions record{options.output, layout::libraries() / "libfaultline-record.so"};
    const Result<trace::Recording> recording = trace::run_recorded(record, options.command);
    if (!recording) {
        return report(recording.error());
    }
    for (const auto& file : recording->files) {
        std::fprintf(stderr, "faultline: recorded %s\n", file.c_str());
    }
    return recording->exit_status;
}

} // namespace

void add_record(CLI::App& app, Action& action) {
    auto options = std::make_shared<Options>();
    CLI::App* command =
        app.add_subcommand("record", "Run a program and record its calls of malloc and free as a trace");
    command
        ->add_option("-o,--output", options->output,
                     "The trace; further processes go to NAME.PID.EXTENSION beside it")
        ->capture_default_str();
    command->add_option("command", options->command, "The program and its arguments, after --")->required();
    command->positionals_at_end();
    command->footer("Example: faultline record -o sort.fltrace -- sort --parallel=2 words.txt\n"
                    "Then: faultline trace info sort.fltrace; faultline run sort.fltrace -a system,jemalloc");
    command->callback([options, &action] { action = [options] { return run(*options); }; });
}

} // namespace faultline::cli
