// The plan of a run: which workloads with which arguments, on which allocators, in what order. Plain values;
// the same plan and seed give the same order and the same operation streams.
#pragma once

#include "allocators/registry/registry.hpp"
#include "workloads/apps/definition.hpp"
#include "workloads/engine/workload.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace faultline::plan {

struct Row {
    std::string label; // unique in the plan: "larson2", "pair:size=64", "trace:lua"
    const engine::WorkloadSpec* spec = nullptr;
    apps::Shared app; // of a real program, which is run in place of a worker; `spec` is in it. Else nullptr
    engine::Arguments arguments; // as the user gave them, complete; the seed is a trial's
    std::map<std::string, std::string, std::less<>> given; // the parameters that are not defaults
    std::map<std::string, std::string, std::less<>>
        for_worker;       // replaces arguments: a trace's compiled program
    unsigned threads = 1; // that a trial runs: the arguments', or those a trace recorded
    engine::Cost cost;
};

enum class Role {
    subject, // compared and ranked
    floor,   // the null allocator: what the harness itself costs
    kernel,  // no allocator: where rows run that have none in what they measure
};

struct Arm {
    registry::Allocator allocator;
    Role role = Role::subject;
};

struct Skip {
    std::size_t row;
    std::size_t arm;
    std::string reason;
    bool by_design = false; // nobody expects this pair to run
};

// Rounds of a row.
struct Part {
    std::size_t row = 0;
    unsigned first_round = 0;
    unsigned rounds = 0;
};

// What one of several nodes runs of a plan; see shard.hpp.
struct Shard {
    unsigned index = 1; // from 1
    unsigned of = 1;
    std::vector<Part> parts; // one a row, in the rows' order; no part: nothing of that row
};

struct Plan {
    std::string suite; // name of the suite, or the words of the command line
    std::uint64_t seed = 1;
    unsigned rounds = 5;
    unsigned first_round = 0; // a later slice of a plan draws the rounds that the whole plan would have drawn
    std::uint64_t idle_ms = 200;
    std::uint64_t timeout_s = 60;
    std::vector<Row> rows;
    std::vector<Arm> arms;
    std::vector<Skip> skips;    // pairs that are not run, with the reason
    std::optional<Shard> shard; // that is run here; nullopt: the whole

    bool skipped(std::size_t row, std::size_t arm) const;
    std::size_t arms_of(std::size_t row) const; // that are not skipped
    Part part_of(std::size_t row) const;        // that is run here; may have no rounds
    bool runs(std::size_t row, unsigned round) const;
    std::size_t trials() const; // of all rounds that are run here
    std::size_t trials(unsigned round) const;
    std::uint64_t
    timeout_s_of(std::size_t row) const; // of a trial: a row that sleeps may take so much longer
};

struct TrialSpec {
    std::size_t row = 0;
    std::size_t arm = 0;
    unsigned round = 0;
    unsigned position = 0; // within the round, from 0
    std::uint64_t seed =
        0; // of the operation stream: the same for every arm of a row in a round, and for the
           // row's label in any other plan of the same seed
    unsigned environment_bytes = 0; // padding of the environment, so that no stack layout is favoured
};

// One round: every pair that is not skipped and is run here, once, in the order and with the positions of the whole. Workloads come in random order, and the arms of one
// workload stand next to each other in random order, so that what is compared is measured close in time.
// Round 2k+1 runs each workload's arms in the reverse of round 2k: over two rounds each arm was as often
// before another as after it. Sources: Mytkowicz et al. 2009 (environment size), Kalibera and Jones 2013
// (randomised, paired order).
std::vector<TrialSpec> draw_round(const Plan& plan, unsigned round);

// What follows the rounds of a plan that begins with the first: trials of their own, one for each pair.
struct Extras {
    bool counts = false;    // with the probes that slow a trial down
    bool occupancy = false; // with what live blocks occupy; see draw_occupancy
};
// Of the first round, the pairs whose blocks the worker itself makes, and one day frees.
std::vector<TrialSpec> draw_occupancy(const Plan& plan);

// Rows that have no allocator in what they measure get an arm of their own, `none`, which is the C library's malloc
// under another name, and run on no other; rows that have one do not run there. Nothing where every row has one.
Result<void> add_kernel_arm(Plan& plan);

// Skips on every arm what this host cannot run, with the reason. Fails with the reason where it is a plan's only row.
Result<void> fit_to_means(Plan& plan, const engine::Means& means);

// What the null allocator needs to keep all that a trial ever asks of it: each block with a header and rounding of at
// most 24 bytes (half of the operations allocate, and warm-up adds some), and the unused ends of its chunks.
std::uint64_t floor_bytes(const engine::Cost& cost);

// The floor tells what the harness costs an operation. Where never freeing makes the kernel hand out more than this,
// its trial would take many times as long as the others.
inline constexpr std::uint64_t floor_limit_bytes = std::uint64_t{2} << 30;

// What a run will take, before it starts. Nothing was measured for it: operations are known, and taken to cost
// guessed_ns_an_operation each, beside each trial's start and its idle time.
inline constexpr std::uint64_t guessed_ns_an_operation = 30;
double trial_seconds(const Plan& plan, std::size_t row);
struct Estimate {
    double seconds = 0;
    std::size_t extra_trials = 0; // that follow the rounds
    std::uint64_t live_bytes = 0; // the most that a trial asks for at a time; allocators need more
    std::string live_row;         // which row that is
};
Estimate estimate(const Plan& plan, Extras extras);

// Skips real programs that are not installed or do not fit, on every arm; the floor under real programs, whose own work
// is what costs; and the floor where it needs more than that or than `memory_bytes`. Fails where a row's live bytes alone
// need more memory than there is: with the row, what it needs and what there is; and where nothing is left to run.
Result<void> fit_to_memory(Plan& plan, std::uint64_t memory_bytes);

} // namespace faultline::plan
