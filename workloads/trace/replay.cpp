#include "workloads/trace/replay.hpp"

#include "workloads/engine/arena.hpp"
#include "workloads/engine/parameter.hpp"
#include "workloads/engine/protocol.hpp"
#include "workloads/engine/team.hpp"
#include "workloads/trace/compile_apart.hpp"
#include "workloads/trace/player.hpp"
#include "workloads/trace/program.hpp"

#include <algorithm>
#include <atomic>
#include <optional>

namespace faultline::trace {
namespace {

using namespace engine;

constexpr Parameter parameters[] = {
    path_parameter("trace", "", "a recorded trace in any known format, or one already compiled"),
    choice_parameter(
        "touch", "page", touch_choices,
        "what is written of each block: nothing, a word at its start and a byte of each further page, all"),
    integer_parameter("slack", "4096", 0, 1 << 20, "calls",
                      "how far a free may fall behind its place while the other thread has not allocated its "
                      "block yet; 0: its thread waits"),
    integer_parameter("pace", "0", 0, 10'000, "%",
                      "speed, in percent of the recorded one: 100 keeps to the times of the trace, sleeping "
                      "in between; 0: as "
                      "fast as possible"),
    integer_parameter("repeat", "1", 1, 1'000'000, "times",
                      "how often the whole trace is played, each time from an empty heap"),
};

constexpr Operation timed_operations[] = {
    Operation::malloc,          Operation::calloc,      Operation::realloc,
    Operation::posix_memalign,  Operation::free,        Operation::operator_new,
    Operation::operator_delete, Operation::remote_free, Operation::remote_delete};

Result<Program> load(const std::string& path, bool paced) {
    if (Program::is_program(path)) {
        Result<Program> program = Program::open(path);
        if (program && program->is_paced() != paced) {
            return fail(Exit::data, path,
                        paced ? "was compiled without times" : "was compiled to keep to its times",
                        "give the trace itself");
        }
        return program;
    }
    Result<Fd> compiled = compile_apart(path, paced);
    if (!compiled) {
        return tl::unexpected(compiled.error());
    }
    return Program::open(*std::move(compiled), path);
}

// Between two rounds the leftovers are freed inside of measure().
std::uint64_t operations_of(const ProgramHeader& header, std::uint64_t repeat) {
    return header.operations * repeat + header.live_blocks * (repeat - 1);
}

class Replay final : public Workload {
  public:
    explicit Replay(const Arguments& arguments)
        : path_(arguments.text("trace")), touch_(touch_from(arguments.text("touch"))), seed_(arguments.seed),
          slack_(arguments.integer("slack")), pace_(static_cast<std::uint64_t>(arguments.integer("pace"))),
          repeat_(static_cast<std::uint64_t>(arguments.integer("repeat"))),
          latency_every_(static_cast<std::uint64_t>(arguments.integer("latency_every"))) {}
    ~Replay() override {
        if (has_barrier_) {
            ::pthread_barrier_destroy(&round_end_);
        }
    }

    Result<void> prepare() override {
        Result<Program> loaded = load(path_, pace_ != 0);
        if (!loaded) {
            return tl::unexpected(loaded.error());
        }
        program_.emplace(*std::move(loaded));
        const std::span<const ProgramThread> threads = program_->threads();
        if (threads.size() > max_threads) {
            return fail(Exit::data, path_, "has " + std::to_string(threads.size()) + " threads",
                        "replay takes up to " + std::to_string(max_threads));
        }
        edges_.prepare(program_->header().edges, program_->is_streamed(), arena_);
        lanes_ = arena_.array<Lane>(threads.size());
        ended_ = arena_.array<std::uint32_t>(threads.size());
        for (std::size_t i = 0; i < threads.size(); ++i) {
            Lane& lane = lanes_[i];
            lane.owner = this;
            lane.leftovers = program_->leftovers(threads[i]);
            lane.after = threads[i].after;
            ended_[threads[i].end_rank] = static_cast<std::uint32_t>(i);
            WordFeed words;
            words.prepare(*program_, threads[i], arena_);
            lane.player.prepare(words, arena_.array<void*>(std::max(threads[i].slots, 1u)), edges_, slack_,
                                mix64(seed_ + i), touch_);
            lane.player.pace().prepare(pace_);
            lane.player.recorder().prepare(arena_, latency_every_, timed_operations);
        }
        ::pthread_barrier_init(&round_end_, nullptr, static_cast<unsigned>(lanes_.size()));
        has_barrier_ = true;
        return {};
    }

    // The trace's first thread is played by the main thread, as it was in the program: a process that never
    // made a thread is what allocators treat as such.
    void warmup() override {
        for (Lane& lane : lanes_.subspan(1)) {
            lane.thread = start_thread(lane_main, &lane);
        }
    }

    void measure() override {
        start_.open();
        play(lanes_[0]);
        for (Lane& lane : lanes_.subspan(1)) {
            join_thread(lane.thread);
        }
    }

    void drain() override {
        for (Lane& lane : lanes_) {
            live_bytes_ += lane.player.live_bytes(lane.leftovers);
        }
        if (live_bytes_ != program_->header().live_bytes) {
            die(worker_corrupt, "%llu bytes are live at the end where the trace has %llu",
                static_cast<unsigned long long>(live_bytes_),
                static_cast<unsigned long long>(program_->header().live_bytes));
        }
        for (Lane& lane : lanes_) {
            lane.player.free_leftovers(lane.leftovers);
        }
    }

    std::uint64_t operations() const override { return operations_of(program_->header(), repeat_); }

    std::uint64_t checksum() const override {
        std::uint64_t sum = mix64(seed_) ^ program_->header().checksum;
        for (const Lane& lane : lanes_) {
            sum = mix64(sum + lane.player.sum());
        }
        return sum;
    }

    std::uint64_t mapped_bytes() const override { return program_->resident_bytes(); }

    void collect_latency(LatencyRecorder& all, Arena& arena) const override {
        for (const Lane& lane : lanes_) {
            all.merge(arena, lane.player.recorder());
        }
    }

    std::vector<std::string> notes() const override {
        const ProgramHeader& header = program_->header();
        std::vector<std::string> all;
        const auto later = std::ranges::count_if(lanes_, [](const Lane& lane) { return lane.after != 0; });
        all.push_back("played " + std::to_string(header.threads) + " thread(s) of the trace, " +
                      (later == 0 ? std::string("all at once")
                                  : std::to_string(later) + " of them after others had ended") +
                      ", " + std::to_string(header.edges) + " block(s) handed from one to another");
        if (program_->is_streamed()) {
            all.push_back("the compiled trace of " + std::to_string(header.file_bytes >> 20) +
                          " MiB was read on in pieces while it was played");
        }
        if (pace_ != 0) {
            std::uint64_t most_late_ns = 0;
            for (const Lane& lane : lanes_) {
                most_late_ns = std::max(most_late_ns, lane.player.pace().most_late_ns());
            }
            all.push_back("paced at " + std::to_string(pace_) +
                          " % of the speed that was recorded, in which it took " +
                          std::to_string(header.recorded_ns / 1'000'000) + " ms; no call was more than " +
                          std::to_string(most_late_ns / 1000 + 1) + " us late");
        }
        std::uint64_t late = 0;
        for (const Lane& lane : lanes_) {
            late += lane.player.late_frees();
        }
        all.push_back(
            std::to_string(late) + " free(s) on another thread came before their block was allocated and " +
            (slack_ == 0 ? "waited for it" : "were done up to " + std::to_string(slack_) + " calls later"));
        all.push_back(std::to_string(live_bytes_) + " bytes in " + std::to_string(header.live_blocks) +
                      " blocks were live at the end of measure, as in the trace");
        std::string_view text = program_->notes();
        while (!text.empty()) {
            const std::string_view line = text.substr(0, text.find('\n'));
            all.push_back("trace: " + std::string(line));
            text.remove_prefix(std::min(text.size(), line.size() + 1));
        }
        return all;
    }

  private:
    struct alignas(64) Lane { // one thread of the trace
        Replay* owner = nullptr;
        Player player;
        std::span<const Leftover> leftovers;
        std::uint32_t after = 0;    // so many of ended_ must have played a round before it begins one
        std::atomic<int> rounds{0}; // that it has played
        pthread_t thread{};
    };

    static void* lane_main(void* argument) {
        Lane& lane = *static_cast<Lane*>(argument);
        lane.owner->start_.wait();
        lane.owner->play(lane);
        return nullptr;
    }

    // A round begins when all have ended theirs, since a block must not be handed over twice at the same
    // edge.
    void play(Lane& lane) {
        for (std::uint64_t round = 1; round < repeat_; ++round) {
            play_once(lane);
            lane.player.free_leftovers(lane.leftovers);
            ::pthread_barrier_wait(&round_end_);
        }
        play_once(lane);
    }

    // Threads that came one after the other do so again: were all there at once, so would be what they hold. No deadlock:
    // like those at edges, this wait is for what came earlier in the trace.
    void play_once(Lane& lane) const {
        const int round = lane.rounds.load(std::memory_order_relaxed);
        if (pace_ != 0) {
            lane.player.pace().begin();
        }
        for (const std::uint32_t before : ended_.first(lane.after)) {
            lanes_[before].rounds.wait(round, std::memory_order_acquire);
        }
        lane.player.play();
        lane.rounds.store(round + 1, std::memory_order_release);
        lane.rounds.notify_all();
    }

    std::string path_;
    Touch touch_;
    std::uint64_t seed_;
    std::int64_t slack_;
    std::uint64_t pace_; // percent, or 0
    std::uint64_t repeat_;
    std::uint64_t latency_every_;
    std::optional<Program> program_;
    Arena arena_;
    EdgeTable edges_;
    std::span<Lane> lanes_;
    std::span<std::uint32_t> ended_; // numbers of lanes, in the order of their last calls
    StartFlag start_;
    pthread_barrier_t round_end_{};
    bool has_barrier_ = false;
    std::uint64_t live_bytes_ = 0;
};

// Nothing is known of a trace that cannot be read; prepare() says why.
Cost cost(const Arguments& arguments) {
    const std::string& path = arguments.text("trace");
    const auto pace = static_cast<std::uint64_t>(arguments.integer("pace"));
    ProgramHeader header{};
    if (const Result<ProgramHeader> read = Program::read_header(path)) {
        header = *read;
    } else if (const Result<Program> program = load(path, pace != 0)) {
        header = program->header();
    } else {
        return {};
    }
    const auto repeat = static_cast<std::uint64_t>(arguments.integer("repeat"));
    return {.live_bytes = header.peak_live_bytes,
            .allocated_bytes = header.requested_bytes * repeat,
            .operations = operations_of(header, repeat),
            .least_ns = pace != 0 ? header.recorded_ns / pace * 100 * repeat : 0};
}

std::unique_ptr<Workload> make(const Arguments& arguments) {
    return std::make_unique<Replay>(arguments);
}

} // namespace

constinit const WorkloadSpec replay_spec = {
    .name = "replay",
    .summary = "a recorded program's calls, on its threads, concurrently",
    .citation = "faultline's own; the order between threads as in Lamport, Time, Clocks, and the Ordering of "
                "Events in a "
                "Distributed System, CACM 21(7), 1978",
    .parameters = parameters,
    .threaded = false,
    .micro = false,
    .cost = cost,
    .make = make,
};

} // namespace faultline::trace
