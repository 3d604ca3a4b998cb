#include "harness/engines/slurm.hpp"

#include "harness/process/capture.hpp"
#include "harness/process/observe.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>
#include <sstream>

namespace faultline::engines {
namespace {

const std::string remedy = "is this a host that may submit to the cluster? `sinfo` tells";

// States of a job that is over, squeue(1), JOB STATE CODES.
Stage stage_of(std::string_view state) {
    if (state == "COMPLETED") {
        return Stage::done;
    }
    if (state == "CANCELLED") {
        return Stage::cancelled;
    }
    for (const char* failed : {"BOOT_FAIL", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED",
                               "REVOKED", "TIMEOUT"}) {
        if (state == failed) {
            return Stage::failed;
        }
    }
    return state == "RUNNING" || state == "COMPLETING" ? Stage::running : Stage::waiting;
}

Result<std::string> slurm(const std::vector<std::string>& argv) {
    auto captured = process::capture(argv);
    if (!captured) {
        Error error = captured.error();
        error.remedy = "--engine slurm needs Slurm's commands";
        return tl::unexpected(error);
    }
    if (!captured->ok()) {
        return fail(Exit::unavailable, argv.front(), process::last_line(captured->text), remedy);
    }
    return captured->text;
}

// sbatch --parsable prints "ID" or "ID;CLUSTER", among what it may have to warn of.
std::string array_id(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::string id = line.substr(0, line.find(';'));
        if (!id.empty() && std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; })) {
            return id;
        }
    }
    return "";
}

} // namespace

Result<void> Slurm::submit(const std::vector<unsigned>& shards) {
    std::vector<std::string> argv = {"sbatch",
                                     "--parsable",
                                     "--job-name=faultline",
                                     fmt::format("--array={}", fmt::join(shards, ",")),
                                     "--nodes=1",
                                     "--ntasks=1",
                                     "--exclusive", // one trial at a time on a node, and nobody else's work
                                     "--mem=0",     // all of the node's
                                     "--requeue",   // when its node fails
                                     "--open-mode=append",
                                     "--output=" + (job_.folder / "shard-%a.log").string()};
    if (!options_.partition.empty()) {
        argv.push_back("--partition=" + options_.partition);
    }
    argv.insert(argv.end(), options_.sbatch.begin(), options_.sbatch.end());
    argv.push_back("--wrap=exec " + shell_quoted(job_.script().string()) + " \"$SLURM_ARRAY_TASK_ID\"");
    const auto text = slurm(argv);
    if (!text) {
        return tl::unexpected(text.error());
    }
    const std::string id = array_id(*text);
    if (id.empty()) {
        return fail(Exit::unavailable, "sbatch", "named no job: " + process::last_line(*text), remedy);
    }
    for (const unsigned shard : shards) {
        array_of_[shard] = id;
    }
    return {};
}

Result<std::vector<State>> Slurm::states() {
    std::set<std::string> arrays;
    std::map<unsigned, State> states;
    for (const auto& [shard, array] : array_of_) {
        arrays.insert(array);
        states[shard] = {shard, Stage::done, "", ""}; // until squeue knows it: it forgets after MinJobAge
    }
    if (arrays.empty()) {
        return std::vector<State>();
    }
    const auto text =
        slurm({"squeue", "--noheader", "--array", "--states=all",
               fmt::format("--jobs={}", fmt::join(arrays, ",")), "--format=task|%F|%K|%T|%N|%r"});
    if (!text && text.error().what.find("Invalid job id") == std::string::npos) {
        return tl::unexpected(text.error());
    }
    std::istringstream lines(text.value_or(""));
    for (std::string line; std::getline(lines, line);) {
        std::vector<std::string> fields;
        std::istringstream row(line);
        for (std::string field; std::getline(row, field, '|');) {
            fields.push_back(field);
        }
        unsigned shard = 0;
        if (fields.size() < 5 || fields[0] != "task" ||
            std::from_chars(fields[2].data(), fields[2].data() + fields[2].size(), shard).ec != std::errc()) {
            continue;
        }
        const auto found = array_of_.find(shard);
        if (found == array_of_.end() || found->second != fields[1]) {
            continue; // an earlier attempt
        }
        const Stage stage = stage_of(fields[3]);
        const std::string& why = fields.size() > 5 ? fields[5] : "";
        const bool told_by_state = stage == Stage::failed || stage == Stage::cancelled;
        states[shard] = {shard, stage, fields[4], told_by_state ? fields[3] : why == "None" ? "" : why};
    }
    std::vector<State> listed;
    listed.reserve(states.size());
    for (auto& [shard, state] : states) {
        listed.push_back(std::move(state));
    }
    return listed;
}

Result<void> Slurm::cancel() {
    std::vector<std::string> argv = {"scancel", "--quiet"};
    argv.reserve(argv.size() + array_of_.size());
    for (const auto& [shard, array] : array_of_) {
        argv.push_back(fmt::format("{}_{}", array, shard));
    }
    if (array_of_.empty()) {
        return {};
    }
    const auto text = slurm(argv);
    return text ? Result<void>() : tl::unexpected(text.error());
}

} // namespace faultline::engines
