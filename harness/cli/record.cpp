// `faultline record`: runs a program with the recorder preloaded.
#include "workloads/trace/record_command.hpp"

#include "base/file.hpp"
#include "base/layout.hpp"
#include "harness/cli/command.hpp"
#include "harness/cli/table.hpp"
#include "workloads/trace/recorded.hpp"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>

namespace faultline::cli {
namespace {

struct Options {
    std::string output = "faultline.fltrace";
    std::vector<std::string> command;
};

constexpr std::size_t rows_at_most = 10;

std::string on_one_line(std::string name) {
    std::replace_if(
        name.begin(), name.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, '?');
    return name;
}

const char* state_of(const trace::RecordedTrace& trace) {
    return !trace.problem.empty() ? "cannot be read" : trace.whole ? "" : "cut: killed, or still running";
}

// Which of many traces is the one to look at: the first of a script is its shell's.
std::string table_of(const std::vector<trace::RecordedTrace>& traces) {
    std::uint64_t events = 0;
    for (const trace::RecordedTrace& trace : traces) {
        events += trace.events;
    }
    Table table({"  trace", "program", "process", "events", "bytes", ""});
    std::uint64_t told = 0;
    const std::size_t rows = std::min(rows_at_most, traces.size());
    for (const trace::RecordedTrace& trace : std::span(traces).first(rows)) {
        told += trace.events;
        table.add({"  " + on_one_line(trace.file.filename().string()), on_one_line(trace.program),
                   std::to_string(trace.process), std::to_string(trace.events),
                   human_bytes(static_cast<double>(trace.file_bytes)), state_of(trace)});
    }
    std::string text = fmt::format("faultline: {} with {} events, largest first\n",
                                   counted(traces.size(), "trace"), events) +
                       table.text();
    if (rows < traces.size()) {
        text += fmt::format("  and {} more with {} events\n", traces.size() - rows, events - told);
    }
    return text;
}

// Said on standard error, since standard output is the program's.
Result<void> tell(const Options& options, const std::vector<std::filesystem::path>& files) {
    const std::vector<trace::RecordedTrace> traces = trace::recorded_traces(files);
    if (traces.size() > 1) {
        std::fputs(table_of(traces).c_str(), stderr);
        const std::filesystem::path index = trace::index_of(options.output);
        const std::string text =
            trace::to_json(traces).dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
        if (auto written = write_file_atomically(index, text + "\n"); !written) {
            return written;
        }
        std::fprintf(stderr, "faultline: all of them are in %s\n", index.c_str());
    }
    std::fprintf(stderr, "faultline: recorded %s\n", traces.front().file.c_str());
    return {};
}

// The program's own exit status, so that `record` can stand in front of a command anywhere.
int run(const Options& options) {
    const trace::RecordOptions record{options.output, layout::libraries() / "libfaultline-record.so"};
    const Result<trace::Recording> recording = trace::run_recorded(record, options.command);
    if (!recording) {
        return report(recording.error());
    }
    const Result<void> told = tell(options, recording->files);
    return told ? recording->exit_status : report(told.error());
}

} // namespace

void add_record(CLI::App& app, Action& action) {
    auto options = std::make_shared<Options>();
    CLI::App* command =
        app.add_subcommand("record", "Run a program and record its calls of malloc and free as a trace");
    command
        ->add_option(
            "-o,--output", options->output,
            "The trace; further processes go to NAME.PID.EXTENSION beside it, and NAME.index.json says "
            "which is the large one")
        ->capture_default_str();
    command->add_option("command", options->command, "The program and its arguments, after --")->required();
    command->positionals_at_end();
    command->footer("Example: faultline record -o sort.fltrace -- sort --parallel=2 words.txt\n"
                    "Then: faultline trace info sort.fltrace; faultline run sort.fltrace -a system,jemalloc");
    command->callback([options, &action] { action = [options] { return run(*options); }; });
}

} // namespace faultline::cli
