#include "workloads/trace/trace_commands.hpp"

#include "workloads/trace/exporters.hpp"
#include "workloads/trace/model/generate.hpp"
#include "workloads/trace/reader.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace faultline::trace {
namespace {

constexpr const char* op_names[op_last + 1] = {"",
                                               "malloc",
                                               "free",
                                               "calloc",
                                               "realloc (begin)",
                                               "realloc",
                                               "memalign",
                                               "aligned_alloc",
                                               "posix_memalign",
                                               "operator new",
                                               "operator delete",
                                               "aligned operator new",
                                               "aligned operator delete",
                                               "thread start",
                                               "thread end"};

// Calls use(event, call) for every event, with the resolver's stats at the end.
template <typename Use>
Result<TraceStats> for_each_call(EventSource& source, Use use) {
    Resolver resolver(source);
    std::vector<Event> events(4096);
    for (;;) {
        const Result<std::size_t> n = source.read(events);
        if (!n) {
            return tl::unexpected(n.error());
        }
        if (*n == 0) {
            resolver.finish();
            return resolver.stats();
        }
        for (std::size_t i = 0; i < *n; ++i) {
            const Result<Call> call = resolver.resolve(events[i]);
            if (!call) {
                return tl::unexpected(call.error());
            }
            if (Result<void> used = use(events[i], *call); !used) {
                return tl::unexpected(used.error());
            }
        }
    }
}

// What a native trace says of its program; nothing for other formats.
std::vector<std::string> program_notes_of(const EventSource& source, const std::filesystem::path& trace) {
    if (!source.info().format.starts_with("fltrace")) {
        return {};
    }
    const Result<FileIndex> index =
        read_index(trace, OpenOptions{true}); // it has been read already: no error is new
    return index ? index->program_notes : std::vector<std::string>();
}

std::string grouped(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t at = digits.size(); at > 3;) {
        at -= 3;
        digits.insert(at, 1, ',');
    }
    return digits;
}

std::string size_range(std::size_t index) {
    if (index == 0) {
        return "0";
    }
    const std::uint64_t low = std::uint64_t{1} << (index - 1);
    return index == 1 ? "1" : grouped(low) + " to " + grouped(low * 2 - 1);
}

} // namespace

Result<Summary> summarize(const std::filesystem::path& trace, const OpenOptions& options) {
    Result<std::unique_ptr<EventSource>> source = open_trace(trace, options);
    if (!source) {
        return tl::unexpected(source.error());
    }
    Summary summary;
    Result<TraceStats> stats =
        for_each_call(**source, [](const Event&, const Call&) { return Result<void>(); });
    if (!stats) {
        return tl::unexpected(stats.error());
    }
    summary.stats = *std::move(stats);
    summary.info = (*source)->info();
    std::error_code ignored;
    summary.file_bytes = std::filesystem::file_size(trace, ignored);
    summary.program_notes = program_notes_of(**source, trace);
    return summary;
}

std::string to_text(const Summary& summary, const std::filesystem::path& trace) {
    const TraceStats& stats = summary.stats;
    std::string out = trace.filename().string() + ": " + summary.info.format + ", " +
                      grouped(summary.file_bytes) + " bytes\n";
    const auto line = [&](const char* what, const std::string& value) {
        char text[128];
        std::snprintf(text, sizeof text, "  %-26s %s\n", what, value.c_str());
        out += text;
    };
    for (const std::string& note : summary.program_notes) {
        out += "  " + note + "\n";
    }
    line("operations", grouped(stats.operations));
    for (unsigned op = 1; op <= op_last; ++op) {
        if (stats.calls[op] != 0) {
            line((std::string("  ") + op_names[op]).c_str(), grouped(stats.calls[op]));
        }
    }
    line("threads", grouped(stats.thread_names.size()));
    line("released by another thread", grouped(stats.cross_thread_releases));
    line("bytes requested", grouped(stats.requested_bytes));
    line("live at most", grouped(stats.peak_live_bytes) + " bytes");
    line("live at the end",
         grouped(stats.live_bytes) + " bytes in " + grouped(stats.live_blocks) + " blocks");
    line("largest request", grouped(stats.largest_bytes) + " bytes");
    if (summary.info.timed) {
        char seconds[32];
        std::snprintf(seconds, sizeof seconds, "%.3f s",
                      static_cast<double>(stats.last_time - stats.first_time) * 1e-9);
        line("time", seconds);
    }
    const std::uint64_t most = *std::max_element(stats.sizes.begin(), stats.sizes.end());
    out += "  sizes in bytes\n";
    for (std::size_t i = 0; i < stats.sizes.size(); ++i) {
        if (stats.sizes[i] != 0) {
            char text[128];
            const auto bar = static_cast<int>((stats.sizes[i] * 40 + most - 1) / most);
            std::snprintf(text, sizeof text, "    %24s %12s %.*s\n", size_range(i).c_str(),
                          grouped(stats.sizes[i]).c_str(), bar, "########################################");
            out += text;
        }
    }
    for (const auto& list : {summary.info.notes, stats.notes()}) {
        for (const std::string& note : list) {
            out += "  note: " + note + "\n";
        }
    }
    return out;
}

nlohmann::ordered_json to_json(const Summary& summary, const std::filesystem::path& trace) {
    const TraceStats& stats = summary.stats;
    nlohmann::ordered_json calls = nlohmann::ordered_json::object();
    for (unsigned op = 1; op <= op_last; ++op) {
        if (stats.calls[op] != 0) {
            calls[op_names[op]] = stats.calls[op];
        }
    }
    nlohmann::ordered_json threads = nlohmann::ordered_json::array();
    for (std::size_t i = 0; i < stats.thread_names.size(); ++i) {
        threads.push_back({{"thread", stats.thread_names[i]}, {"operations", stats.operations_of_thread[i]}});
    }
    nlohmann::ordered_json sizes = nlohmann::ordered_json::array();
    for (std::size_t i = 0; i < stats.sizes.size(); ++i) {
        if (stats.sizes[i] != 0) {
            const std::uint64_t upper = i == 0 ? 0 : (std::uint64_t{1} << i) - 1;
            sizes.push_back({{"upper_bytes", upper}, {"requests", stats.sizes[i]}});
        }
    }
    std::vector<std::string> notes = summary.info.notes;
    const std::vector<std::string> more = stats.notes();
    notes.insert(notes.end(), more.begin(), more.end());
    return {{"trace", trace.filename().string()},
            {"format", summary.info.format},
            {"file_bytes", summary.file_bytes},
            {"program", summary.program_notes},
            {"timed", summary.info.timed},
            {"partial", summary.info.partial},
            {"operations", stats.operations},
            {"calls", calls},
            {"threads", threads},
            {"cross_thread_releases", stats.cross_thread_releases},
            {"requested_bytes", stats.requested_bytes},
            {"peak_live_bytes", stats.peak_live_bytes},
            {"end_live_bytes", stats.live_bytes},
            {"end_live_blocks", stats.live_blocks},
            {"largest_bytes", stats.largest_bytes},
            {"duration_ns", summary.info.timed ? stats.last_time - stats.first_time : 0},
            {"sizes", sizes},
            {"notes", notes}};
}

Result<std::vector<std::string>> convert(const std::filesystem::path& trace,
                                         const std::filesystem::path& output, const ConvertOptions& options) {
    const Exporter* exporter = find_exporter(options.to);
    if (exporter == nullptr) {
        std::string known;
        for (const Exporter& row : exporters()) {
            known += (known.empty() ? "" : ", ") + std::string(row.name);
        }
        return fail(Exit::usage, "--to " + options.to, "no such format", "known are: " + known);
    }
    Result<std::unique_ptr<EventSource>> source = open_trace(trace, OpenOptions{options.recover});
    if (!source) {
        return tl::unexpected(source.error());
    }
    SinkOptions about{(*source)->info().timed, (*source)->info().partial, program_notes_of(**source, trace)};
    about.notes.insert(about.notes.end(), options.notes.begin(), options.notes.end());
    Result<std::unique_ptr<TraceSink>> sink = exporter->create(output, about);
    if (!sink) {
        return tl::unexpected(sink.error());
    }
    const Result<TraceStats> stats = for_each_call(
        **source, [&](const Event& event, const Call& call) { return (*sink)->add(event, call); });
    if (!stats) {
        return tl::unexpected(stats.error());
    }
    if (auto finished = (*sink)->finish(); !finished) {
        return tl::unexpected(finished.error());
    }
    std::vector<std::string> lost = (*source)->info().notes;
    if (exporter->create != create_native) { // which writes every event as it came, whole call or not
        const std::vector<std::string> more = stats->notes();
        lost.insert(lost.end(), more.begin(), more.end());
    }
    const std::vector<std::string> unsaid = (*sink)->notes();
    lost.insert(lost.end(), unsaid.begin(), unsaid.end());
    return lost;
}

Result<std::string> fit_model(const std::filesystem::path& trace, const std::filesystem::path& model,
                              const OpenOptions& options) {
    Result<std::unique_ptr<EventSource>> source = open_trace(trace, options);
    if (!source) {
        return tl::unexpected(source.error());
    }
    const Result<Lives> lives = lives_of(**source);
    if (!lives) {
        return tl::unexpected(lives.error());
    }
    const Model fitted = fit(*lives);
    if (Result<void> written = write_model(fitted, model); !written) {
        return tl::unexpected(written.error());
    }
    const Result<Lives> drawn = lives_of(*generate(fitted));
    if (!drawn) {
        return tl::unexpected(drawn.error());
    }
    const Distance apart = distance(*lives, *drawn);
    std::error_code ignored;
    char text[400];
    std::snprintf(text, sizeof text,
                  "%s: %s bytes for %s allocations\n"
                  "a trace drawn from it, beside the one it was fitted to:\n"
                  "  sizes      %.4f apart (Kolmogorov-Smirnov)\n"
                  "  lifetimes  %.4f apart (Kolmogorov-Smirnov)\n"
                  "  live bytes %+.1f %% at the peak\n"
                  "  released by another thread: %+.2f points\n",
                  model.filename().c_str(), grouped(std::filesystem::file_size(model, ignored)).c_str(),
                  grouped(lives->blocks.size()).c_str(), apart.sizes, apart.lifetimes, 100 * (apart.peak - 1),
                  100 * apart.foreign);
    return std::string(text);
}

Result<void> cat(const std::filesystem::path& trace, const OpenOptions& options, std::FILE* out) {
    Result<std::unique_ptr<EventSource>> source = open_trace(trace, options);
    if (!source) {
        return tl::unexpected(source.error());
    }
    const bool timed = (*source)->info().timed;
    std::fprintf(out, "%14s %8s  %-24s %18s %14s %14s\n", timed ? "ns" : "event", "thread", "call", "block",
                 "bytes", "count or align");
    const Result<TraceStats> stats = for_each_call(**source, [&](const Event& event, const Call&) {
        std::fprintf(out, "%14" PRIu64 " %8" PRIu32 "  %-24s", event.time, event.thread,
                     op_names[static_cast<unsigned>(event.op)]);
        if (allocates(event.op) || releases(event.op)) {
            std::fprintf(out, " %#18" PRIx64, event.pointer);
        }
        if (allocates(event.op)) {
            std::fprintf(out, " %14" PRIu64, event.size);
        }
        if (has_extra(event.op)) {
            std::fprintf(out, allocates(event.op) ? " %14" PRIu64 : " %29" PRIu64, event.extra);
        }
        std::fputc('\n', out);
        return Result<void>();
    });
    if (!stats) {
        return tl::unexpected(stats.error());
    }
    return {};
}

} // namespace faultline::trace
