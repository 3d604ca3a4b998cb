// What runs the shards of a plan on the nodes of a cluster: somebody else's scheduler, behind this face.
#pragma once

#include "base/error.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace faultline::engines {

enum class Stage {
    waiting,
    running,
    done,      // or no longer known: its document tells
    failed,    // worth another attempt: the node, the limits or the program
    cancelled, // by somebody: not attempted again
};

struct State {
    unsigned shard = 0;
    Stage stage = Stage::waiting;
    std::string node;   // where it runs or ran; may be empty
    std::string reason; // in the scheduler's words; may be empty
};

class Engine {
  public:
    virtual ~Engine() = default;
    // Each of them to a node that it has for itself. What was submitted of these shards before is over.
    virtual Result<void> submit(const std::vector<unsigned>& shards) = 0;
    // Of every shard that was submitted, the last time. An Error may pass: ask again.
    virtual Result<std::vector<State>> states() = 0;
    // Ends all that was submitted; states() tells when it is over.
    virtual Result<void> cancel() = 0;
};

} // namespace faultline::engines
