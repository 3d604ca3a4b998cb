// One plan on several nodes: each runs a shard of it, and `faultline merge` makes the whole of their documents.
//
// What is given away is a round of a workload, all arms of it, so that what is compared is measured on one node. The
// rounds of the plan stand in a line, workload after workload, as long as they are taken to cost, and the line is cut
// into equal pieces (McNaughton's wrap-around rule, 1959): no node has more than the average and one round, and all but
// as many workloads as there are cuts stay on one node whole. The cuts depend on nothing but rows, arms and rounds.
#pragma once

#include "harness/plan/plan.hpp"

#include <string_view>

namespace faultline::plan {

// "2/4": the second of four shards, counted from 1. `parts` is empty.
Result<Shard> parse_shard(std::string_view text);

// The plan keeps its rows and arms, and runs of them what falls to this shard. Call it once rows, arms and rounds are
// there. Fails where the plan has fewer rounds of workloads than there are shards.
Result<void> take_shard(Plan& plan, Shard shard);

} // namespace faultline::plan
