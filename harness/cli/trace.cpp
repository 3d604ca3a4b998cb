// `faultline trace`: looks at, checks, converts, cuts, merges and models traces of any known format.
#include "workloads/trace/edit.hpp"
#include "workloads/trace/exporters.hpp"
#include "workloads/trace/trace_commands.hpp"

#include "harness/cli/command.hpp"

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

namespace faultline::cli {
namespace {

struct Options {
    std::string trace;
    std::string output;
    bool json = false;
    trace::ConvertOptions convert;
    trace::CutOptions cut;
    trace::MergeOptions merge;
    std::vector<std::string> traces;
};

int info(const Options& options) {
    const auto summary = trace::summarize(options.trace, {options.convert.recover});
    if (!summary) {
        return report(summary.error());
    }
    const std::string text = options.json ? trace::to_json(*summary, options.trace).dump(2) + "\n"
                                          : trace::to_text(*summary, options.trace);
    std::fputs(text.c_str(), stdout);
    return 0;
}

int check(const Options& options) {
    const auto summary = trace::summarize(options.trace, {options.convert.recover});
    if (!summary) {
        return report(summary.error());
    }
    std::printf("%s: %s, %llu operations: ok\n", options.trace.c_str(), summary->info.format.c_str(),
                static_cast<unsigned long long>(summary->stats.operations));
    return 0;
}

int convert(const Options& options) {
    const auto lost = trace::convert(options.trace, options.output, options.convert);
    if (!lost) {
        return report(lost.error());
    }
    for (const std::string& note : *lost) {
        std::fprintf(stderr, "faultline: %s: %s\n", options.trace.c_str(), note.c_str());
    }
    return 0;
}

int cat(const Options& options) {
    const auto printed = trace::cat(options.trace, {options.convert.recover}, stdout);
    return printed ? 0 : report(printed.error());
}

int fit(const Options& options) {
    const auto said = trace::fit_model(options.trace, options.output, {options.convert.recover});
    if (!said) {
        return report(said.error());
    }
    std::fputs(said->c_str(), stdout);
    return 0;
}

int cut(const Options& options) {
    const auto lost = trace::cut(options.trace, options.output, options.cut);
    return lost ? 0 : report(lost.error());
}

int merge(const Options& options) {
    std::vector<std::filesystem::path> traces(options.traces.begin(), options.traces.end());
    const auto merged = trace::merge(traces, options.output, options.merge);
    return merged ? 0 : report(merged.error());
}

std::string formats() {
    std::string all;
    for (const trace::Exporter& exporter : trace::exporters()) {
        all += "\n  " + std::string(exporter.name) + ": for " + std::string(exporter.reads);
    }
    return all;
}

} // namespace

void add_trace(CLI::App& app, Action& action) {
    auto options = std::make_shared<Options>();
    CLI::App* command =
        app.add_subcommand("trace", "Look at, check, convert, cut, merge and model recorded traces");
    command->require_subcommand(1);
    const auto add = [&](const char* name, const char* what, int (*run)(const Options&)) {
        CLI::App* sub = command->add_subcommand(name, what);
        sub->add_option("trace", options->trace, "A trace of any known format, also inside .zip, .gz, .zst")
            ->required();
        sub->add_flag("--recover", options->convert.recover,
                      "Read a trace that is cut up to its last whole block");
        sub->callback([options, run, &action] { action = [options, run] { return run(*options); }; });
        return sub;
    };
    add("info", "Counts, sizes, threads and what is live", info)
        ->add_flag("--json", options->json, "As JSON");
    add("check", "Reads all of it; exit status 65 and the place when something is wrong", check);
    add("cat", "Prints every event, one a line", cat);
    CLI::App* converting =
        add("convert", "Writes it in the native format, or in that of another tool", convert);
    converting->add_option("output", options->output, "The file to write")->required();
    converting->add_option("--to", options->convert.to, "The format:" + formats())->capture_default_str();
    converting->add_flag_callback(
        "--compact", [options] { options->convert.to = "compact"; }, "The same as --to compact");
    converting->add_option("--note", options->convert.notes, "A line KEY=VALUE to keep in the trace")
        ->allow_extra_args(false);
    add("fit", "Makes a model of it, without addresses or data, that `run` takes as a trace", fit)
        ->add_option("-o,--output", options->output, "The model to write")
        ->required();
    CLI::App* cutting = add("cut", "Keeps a part; what is live before it is allocated at its start", cut);
    cutting->add_option("output", options->output, "The trace to write")->required();
    cutting->add_option("--from", options->cut.from, "First operation that is kept, counted from 0")
        ->capture_default_str();
    cutting->add_option("--to", options->cut.to, "First operation that is no longer kept [all]");
    CLI::App* merging = command->add_subcommand("merge", "Puts several traces together as threads of one");
    merging->add_option("output", options->output, "The trace to write")->required();
    merging->add_option("traces", options->traces, "Traces of any known format")->required();
    merging->add_flag("--one-after-another", options->merge.in_turn,
                      "Each begins when the one before it ends");
    merging->callback([options, &action] { action = [options] { return merge(*options); }; });
    command->footer("Example: faultline trace convert surfaceflinger.zip surfaceflinger.fltrace --compact");
}

} // namespace faultline::cli
