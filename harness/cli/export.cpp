// `faultline export`: a result document in other programs' formats.
#include "base/file.hpp"
#include "harness/cli/command.hpp"
#include "harness/results/csv.hpp"
#include "harness/results/google_benchmark.hpp"

#include <cstdio>
#include <memory>

namespace faultline::cli {
namespace {

struct Options {
    std::string document;
    std::string format = "csv";
    std::string output = "-";
};

Result<void> write_out(const std::string& output, const std::string& text) {
    if (output != "-") {
        return write_file_atomically(output, text);
    }
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
        return fail_errno(Exit::io, "standard output", "cannot write", errno);
    }
    return {};
}

int run(const Options& options) {
    const auto document = results::read(options.document);
    if (!document) {
        return report(document.error());
    }
    std::string text;
    try {
        text = options.format == "csv" ? results::to_csv(*document)
                                       : results::google_benchmark_layout(*document).dump(2) + "\n";
    } catch (const results::Json::exception& error) { // a field of another type than the schema says
        return report(
            {Exit::data, options.document, error.what(), "check it against the published JSON Schema"});
    }
    const auto written = write_out(options.output, text);
    return written ? 0 : report(written.error());
}

} // namespace

void add_export(CLI::App& app, Action& action) {
    auto options = std::make_shared<Options>();
    CLI::App* command =
        app.add_subcommand("export", "Write a result document as CSV or Google Benchmark JSON");
    command->add_option("document", options->document, "A results.json of `faultline run`")->required();
    command
        ->add_option("-f,--format", options->format,
                     "csv: a line for each trial and phase; gbench: as Google Benchmark writes it")
        ->check(CLI::IsMember({"csv", "gbench"}))
        ->capture_default_str();
    command->add_option("-o,--output", options->output, "File to write; - is standard output")
        ->capture_default_str();
    command->footer("Example: faultline export results.json -f csv -o samples.csv");
    command->callback([options, &action] { action = [options] { return run(*options); }; });
}

} // namespace faultline::cli
