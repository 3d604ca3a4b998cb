#include "harness/trial/trial.hpp"
#include "harness/box/host_mode.hpp"

#include "base/layout.hpp"
#include "harness/trial/app.hpp"
#include "harness/trial/occupancy_board.hpp"
#include "harness/trial/validity.hpp"
#include "harness/trial/watch.hpp"
#include "kernel-probes/cross_check.hpp"
#include "kernel-probes/sampler.hpp"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <functional>
#include <sys/mman.h>
#include <sys/socket.h>

namespace faultline::trial {
namespace {

using results::Json;
using results::PhaseResult;
using results::TrialResult;

// The floor's arena is faulted in before the first phase, for all that this row will ever ask of it: what the kernel
// needs to hand out pages that are never given back is not the harness's cost.
process::Variables variables_of(const plan::Row& row, const plan::Arm& arm, const Settings& settings) {
    process::Variables variables = settings.variables;
    if (arm.role == plan::Role::floor) {
        variables.try_emplace("NULLMALLOC_POPULATE", std::to_string(plan::floor_bytes(row.cost) >> 20) + "M");
    }
    return variables;
}

process::Command worker_command(const plan::Plan& plan, const plan::TrialSpec& spec, const Settings& settings,
                                int phase_fd, int report_fd, int occupancy_fd) {
    const plan::Row& row = plan.rows[spec.row];
    const plan::Arm& arm = plan.arms[spec.arm];
    process::Command command;
    command.argv = {layout::worker().string(),
                    "--workload=" + std::string(row.spec->name),
                    "--threads=" + std::to_string(row.arguments.threads),
                    "--seed=" + std::to_string(spec.seed),
                    "--idle-ms=" + std::to_string(plan.idle_ms),
                    "--phase-fd=" + std::to_string(worker_phase_fd),
                    "--report-fd=" + std::to_string(worker_report_fd)};
    for (const auto& [name, value] : row.arguments.values) {
        const auto replaced = row.for_worker.find(name);
        command.argv.push_back("--set");
        command.argv.push_back(name + "=" + (replaced != row.for_worker.end() ? replaced->second : value));
    }
    command.environment = process::worker_environment(
        variables_of(row, arm, settings),
        arm.allocator.preload ? arm.allocator.path : std::filesystem::path(), spec.environment_bytes);
    command.inherit = {{phase_fd, worker_phase_fd}, {report_fd, worker_report_fd}};
    if (occupancy_fd >= 0) {
        command.argv.push_back("--occupancy-fd=" + std::to_string(worker_occupancy_fd));
        command.inherit.emplace_back(occupancy_fd, worker_occupancy_fd);
    }
    return command;
}

std::optional<Json> read_report(int fd) {
    const off_t size = ::lseek(fd, 0, SEEK_END);
    if (size <= 0) {
        return std::nullopt;
    }
    std::string text(static_cast<std::size_t>(size), '\0');
    if (::pread(fd, text.data(), text.size(), 0) != size) {
        return std::nullopt;
    }
    Json report = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!report.is_object()) {
        return std::nullopt;
    }
    return report;
}

template <typename T>
T value_or(const Json& object, const char* key, T fallback) {
    const auto found = object.find(key);
    try {
        return found == object.end() || found->is_null() ? fallback : found->get<T>();
    } catch (const Json::exception&) { // another type than promised
        return fallback;
    }
}

const Json* phase_report(const Json& report, std::string_view name) {
    const auto phases = report.find("phases");
    if (phases != report.end() && phases->is_array()) {
        for (const Json& phase : *phases) {
            if (phase.is_object() && value_or<std::string>(phase, "name", "") == name) {
                return &phase;
            }
        }
    }
    return nullptr;
}

// Rows of [key, figures...], those with the largest first figure first; beyond so many the rest is one row.
constexpr std::size_t most_rows = 48;

Json rows_json(const probes::TableRows& table) {
    using Row = std::pair<std::string, std::vector<std::uint64_t>>;
    std::vector<Row> rows(table.rows.begin(), table.rows.end());
    std::stable_sort(rows.begin(), rows.end(),
                     [](const Row& a, const Row& b) { return a.second.front() > b.second.front(); });
    if (rows.size() > most_rows) {
        Row rest{"(" + std::to_string(rows.size() - most_rows) + " others)",
                 std::vector<std::uint64_t>(table.table->columns.size())};
        for (std::size_t i = most_rows; i < rows.size(); ++i) {
            std::transform(rows[i].second.begin(), rows[i].second.end(), rest.second.begin(),
                           rest.second.begin(), std::plus<>());
        }
        rows.resize(most_rows);
        rows.push_back(std::move(rest));
    }
    Json json = Json::array();
    for (const Row& row : rows) {
        Json line = Json::array({row.first});
        for (const std::uint64_t figure : row.second) {
            line.push_back(figure);
        }
        json.push_back(std::move(line));
    }
    return json;
}

// The phases that the worker's own getrusage covers, added up.
Json checks_json(const std::vector<PhaseResult>& phases) {
    const auto figure = [&](std::string_view name) -> std::optional<std::uint64_t> {
        std::uint64_t sum = 0;
        for (const PhaseResult& phase : phases) {
            if (phase.name == engine::phase_names[0]) {
                continue;
            }
            if (name == "rusage_minor_faults") {
                sum += phase.minor_faults;
            } else if (name == "rusage_major_faults") {
                sum += phase.major_faults;
            } else if (const auto found = phase.kernel.find(std::string(name));
                       found != phase.kernel.end() && found->is_number()) {
                sum += found->get<std::uint64_t>();
            } else {
                return std::nullopt;
            }
        }
        return sum;
    };
    Json json = Json::array();
    for (const probes::CrossCheck& check : probes::cross_check(figure)) {
        json.push_back({{"metrics", check.metrics},
                        {"against", check.against},
                        {"value", check.value},
                        {"other", check.other},
                        {"relation", check.relation},
                        {"tolerance", check.tolerance},
                        {"slack", check.slack},
                        {"trusted", check.trusted}});
    }
    return json;
}

// A real program is a child of the process that probes are attached to. What reads /proc/PID sees that process alone;
// what is inherited sees the program, its children, and the load generator beside a service.
bool is_of_program(const probes::Metric& metric, const apps::Definition* app) {
    return app == nullptr || metric.scope == probes::Scope::host ||
           (metric.layer != "procfs" && !app->service());
}

// Clocks and rusage are the worker's own, read right at the edges of what it did; the marks only place the
// phases.
std::vector<PhaseResult> join_phases(const Watched& seen, const Json& report, const apps::Definition* app) {
    const std::vector<probes::PhaseValue> values = probes::by_phase(seen.snapshots);
    const std::vector<probes::PhaseTable> tables = probes::tables_by_phase(seen.snapshots);
    std::vector<PhaseResult> phases;
    std::uint64_t begin_ns = seen.begin_ns;
    for (unsigned index = 0; index < engine::phase_count && seen.phase_end_ns[index] != 0; ++index) {
        PhaseResult phase;
        phase.name = engine::phase_names[index];
        phase.begin_ns = begin_ns;
        phase.wall_ns = seen.phase_end_ns[index] - begin_ns;
        begin_ns = seen.phase_end_ns[index];
        if (const Json* own = phase_report(report, phase.name)) {
            if (index > 0) { // `start` began with the release, before the worker could look at a clock
                phase.begin_ns = value_or(*own, "begin_ns", phase.begin_ns);
                phase.wall_ns = value_or(*own, "wall_ns", phase.wall_ns);
            }
            phase.cpu_ns = value_or<std::uint64_t>(*own, "cpu_ns", 0);
            phase.user_ns = value_or<std::uint64_t>(*own, "user_ns", 0);
            phase.system_ns = value_or<std::uint64_t>(*own, "system_ns", 0);
            phase.operations = value_or<std::uint64_t>(*own, "operations", 0);
            phase.minor_faults = value_or<std::uint64_t>(*own, "minor_faults", 0);
            phase.major_faults = value_or<std::uint64_t>(*own, "major_faults", 0);
            phase.voluntary_switches = value_or<std::uint64_t>(*own, "voluntary_switches", 0);
            phase.involuntary_switches = value_or<std::uint64_t>(*own, "involuntary_switches", 0);
        }
        if (index == 0) { // the process was a copy of the runner before
            phase.cpu_ns -= std::min(phase.cpu_ns, seen.before_release.cpu_ns);
            phase.minor_faults -= std::min(phase.minor_faults, seen.before_release.minor_faults);
        }
        for (const probes::PhaseValue& value : values) {
            if (static_cast<unsigned>(value.phase) == index) {
                phase.kernel[std::string(value.metric->name)] =
                    value.value && is_of_program(*value.metric, app) ? Json(*value.value) : Json(nullptr);
            }
        }
        for (const probes::PhaseTable& table : tables) {
            const bool mixed = app != nullptr && app->service(); // with its load generator
            if (static_cast<unsigned>(table.phase) == index && !mixed) {
                phase.tables[std::string(table.content.table->name)] = rows_json(table.content);
            }
        }
        phases.push_back(std::move(phase));
    }
    return phases;
}

std::optional<std::uint64_t> less_harness(std::optional<std::uint64_t> bytes, std::uint64_t harness_bytes) {
    if (bytes) {
        *bytes -= std::min(*bytes, harness_bytes);
    }
    return bytes;
}

// A sample taken before the release shows the runner, whose memory the worker has until its exec.
Json series_json(const std::vector<probes::Series>& all, std::uint64_t begin_ns) {
    Json json = Json::array();
    for (const probes::Series& series : all) {
        Json at = Json::array();
        Json values = Json::array();
        for (std::size_t i = 0; i < series.at_ns.size(); ++i) {
            if (series.at_ns[i] > begin_ns) {
                at.push_back(series.at_ns[i]);
                values.push_back(series.values[i]);
            }
        }
        json.push_back({{"name", series.name}, {"at_ns", std::move(at)}, {"values", std::move(values)}});
    }
    return json;
}

void fill_from_report(TrialResult& result, const Watched& seen, const Json& report,
                      const apps::Definition* app) {
    result.checksum = value_or<std::string>(report, "checksum", "");
    result.resolved = value_or<Json>(report, "resolved", Json::object());
    result.harness_bytes = value_or<std::uint64_t>(report, "harness_bytes", 0);
    result.latency = value_or<Json>(report, "latency", Json::array());
    result.notes = value_or<std::vector<std::string>>(report, "notes", {});
    if (const auto found = report.find("occupancy"); found != report.end() && found->is_object()) {
        result.occupancy = *found;
    }
    for (Json& series : value_or<std::vector<Json>>(report, "series", {})) {
        result.series.push_back(std::move(series));
    }
    result.harness_file_bytes = value_or<std::uint64_t>(report, "harness_file_bytes", 0);
    const std::uint64_t own_bytes = result.harness_bytes + result.harness_file_bytes;
    result.process_peak_rss_bytes = seen.peak_rss_bytes;
    result.baseline_rss_bytes = less_harness(seen.baseline_rss_bytes, own_bytes);
    result.peak_rss_bytes = less_harness(seen.peak_rss_bytes, own_bytes);
    result.retained_rss_bytes = less_harness(seen.final_rss_bytes, own_bytes);
    result.phases = join_phases(seen, report, app);
    if (report.contains("phases")) { // a worker that died says nothing to compare with
        result.kernel_checks = checks_json(result.phases);
    }
}

std::optional<std::uint64_t> bytes_of(const Json& report, const char* key) {
    const auto found = report.find(key);
    return found != report.end() && found->is_number_unsigned() ? std::optional(found->get<std::uint64_t>())
                                                                : std::nullopt;
}

// What was seen of the process that was started is faultline-app's. The program's own is in the report; where it is
// not, nothing is known.
void fill_from_app(TrialResult& result, const apps::Definition& app, const Json& report) {
    result.process_peak_rss_bytes = result.peak_rss_bytes = bytes_of(report, "peak_rss_bytes");
    result.retained_rss_bytes = bytes_of(report, "retained_rss_bytes");
    result.baseline_rss_bytes = bytes_of(report, "baseline_rss_bytes");
    result.series = value_or<Json>(report, "series", Json::array());
    result.kernel_checks = Json::array(); // these hold of one process whose own counts are known
    std::erase_if(result.phases,
                  [&](const PhaseResult& phase) { return phase_report(report, phase.name) == nullptr; });
    result.notes.push_back(
        "the process's procfs figures are left out, since they would be faultline-app's; the phases' "
        "own figures are of the program and its children");
    if (app.service()) {
        result.notes.push_back("perf's figures are left out, since they would take in the load generator");
    }
}

Result<void> prepare_page_cache(PageCache wanted, const process::Command& command,
                                const registry::Allocator& allocator) {
    if (wanted == PageCache::dropped) {
        return box::drop_page_cache();
    }
    if (wanted == PageCache::warmed) {
        std::vector<std::filesystem::path> files{allocator.path};
        for (const std::string& word : command.argv) { // the program, and what "--option=FILE" names
            files.emplace_back(word.substr(word.find('=') + 1));
        }
        box::warm_page_cache(files);
    }
    return {};
}

} // namespace

Result<Outcome> run(const plan::Plan& plan, const plan::TrialSpec& spec, const Settings& settings,
                    std::span<const std::unique_ptr<probes::Probe>> probes) {
    const plan::Row& row = plan.rows[spec.row];
    const registry::Allocator& allocator = plan.arms[spec.arm].allocator;
    int sockets[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) {
        return fail_errno(Exit::os, row.label, "cannot make a socket", errno);
    }
    const Fd phase_here(sockets[0]);
    Fd phase_there(sockets[1]);
    const Fd report_fd(::memfd_create("faultline-report", MFD_CLOEXEC));
    if (!report_fd) {
        return fail_errno(Exit::os, row.label, "cannot make a memory file", errno);
    }
    std::optional<WorkFolder> folder;
    if (row.app) {
        auto made = WorkFolder::make();
        if (!made) {
            return tl::unexpected(made.error());
        }
        folder.emplace(std::move(*made));
    }
    std::optional<SharedBoard> board;
    if (settings.occupancy && !row.app) {
        auto made = SharedBoard::make();
        if (!made) {
            return tl::unexpected(made.error());
        }
        board.emplace(std::move(*made));
    }
    const process::Command command =
        folder ? app_command(plan, spec, settings, phase_there.get(), report_fd.get(), folder->path())
               : worker_command(plan, spec, settings, phase_there.get(), report_fd.get(),
                                board ? board->fd() : -1);
    if (auto prepared = prepare_page_cache(settings.page_cache, command, allocator); !prepared) {
        return tl::unexpected(prepared.error());
    }
    auto process = process::Process::start_stopped(command);
    if (!process) {
        return tl::unexpected(process.error());
    }
    phase_there.reset(); // so that the worker's end is the last one
    std::optional<box::Cell> cell;
    if (settings.box != nullptr) {
        auto made = settings.box->cell();
        if (!made) {
            return tl::unexpected(made.error());
        }
        cell.emplace(std::move(*made));
        if (auto taken_in = cell->take_in(process->pid()); !taken_in) {
            return tl::unexpected(taken_in.error());
        }
    }
    for (const auto& probe : probes) {
        if (auto attached = probe->attach({process->pid(), cell ? cell->path() : std::filesystem::path()});
            !attached) {
            return tl::unexpected(attached.error());
        }
    }
    std::optional<probes::Sampler> sampler; // faultline-app samples the program's processes itself
    if (!row.app) {
        auto started = probes::Sampler::start(process->pid(), settings.sample_interval_ns, 256,
                                              board ? board->gauges() : probes::Gauges());
        if (!started) {
            return tl::unexpected(started.error());
        }
        sampler.emplace(std::move(*started));
    }
    const Watched seen =
        watch(*process, phase_here.get(), allocator.path, plan.timeout_s_of(spec.row), settings, probes);
    for (const auto& probe : probes) {
        probe->finish();
    }
    Outcome outcome;
    outcome.stopped = seen.stopped;
    TrialResult& result = outcome.result;
    if (sampler) {
        result.series = series_json(sampler->stop(), seen.begin_ns);
    }
    const process::ExitStatus exit = process->reap();
    result.workload = row.label;
    result.allocator = allocator.name;
    result.allocator_path = allocator.path.string();
    result.allocator_version = allocator.version;
    result.threads = row.threads;
    result.round = spec.round;
    result.position = spec.position;
    result.seed = spec.seed;
    result.begin_ns = seen.begin_ns;
    result.exit = {exit.status, exit.signal, seen.timed_out};

    Observation observation;
    observation.exit = result.exit;
    observation.stderr_tail = seen.output_tail;
    observation.timeout_s = plan.timeout_s_of(spec.row);
    observation.library_mapped = seen.library_mapped;
    observation.report = read_report(report_fd.get());
    if (cell && cell->oom_kills().value_or(0) > 0) {
        observation.out_of_memory_in_bytes = settings.memory_limit_bytes;
    }
    if (seen.memory_exceeded) {
        observation.memory_limit_exceeded_bytes = settings.memory_limit_bytes;
    }
    fill_from_report(result, seen, observation.report.value_or(Json::object()), row.app.get());
    if (row.app) {
        fill_from_app(result, *row.app, observation.report.value_or(Json::object()));
    }
    if (seen.stood_still_ns > 0) {
        result.notes.push_back(
            fmt::format("the harness stood still for {:.1f} s meanwhile (stopped, frozen, or a host without "
                        "time for it): "
                        "elapsed times may have them in, and the time limit did not count them",
                        static_cast<double>(seen.stood_still_ns) / 1e9));
    }
    if (const PhaseResult* measure = result.phase("measure")) {
        observation.measure_wall_ns = measure->wall_ns;
    }
    result.invalid_reason =
        row.app ? why_app_invalid(observation, allocator) : why_invalid(observation, allocator);
    if (!result.valid()) {
        result.stderr_tail = seen.output_tail;
    }
    return outcome;
}

} // namespace faultline::trial
