// Slurm: the shards are the tasks of a job array, each on a node of its own. sbatch, squeue and scancel are all it uses,
// so no accounting is needed.
#pragma once

#include "harness/engines/engine.hpp"
#include "harness/engines/job.hpp"

#include <map>

namespace faultline::engines {

struct SlurmOptions {
    std::string partition;           // empty: the cluster's default
    std::vector<std::string> sbatch; // more arguments of sbatch, after faultline's own, which they override
};

class Slurm final : public Engine {
  public:
    Slurm(Job job, SlurmOptions options) : job_(std::move(job)), options_(std::move(options)) {}
    Result<void> submit(const std::vector<unsigned>& shards) override;
    Result<std::vector<State>> states() override;
    Result<void> cancel() override;

  private:
    Job job_;
    SlurmOptions options_;
    std::map<unsigned, std::string> array_of_; // shard -> the array that it was last submitted in
};

} // namespace faultline::engines
