// A trace drawn from a model: the same model always gives the same one.
#pragma once

#include "workloads/trace/importers.hpp"
#include "workloads/trace/model/model.hpp"

#include <memory>

namespace faultline::trace {

std::unique_ptr<EventSource> generate(Model model);

// A model's file; importers.hpp reads one as the trace that it generates. Errors name file and line.
Result<Model> read_model(LineReader& input);

} // namespace faultline::trace
