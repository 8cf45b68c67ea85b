// Groups of agents that grow and shrink, as JSON: for readers of GET /v2/scaling, and for whoever carries a
// decision out (docs/scaling.md). Pure. Tested in tests/api/render_scaling_test.cc and
// tests/e2e/scaling_test.py.
#pragma once

#include <string>

#include "engine/effect.h"
#include "engine/view.h"
#include "json/writer.h"

namespace mimas::api {

// One group, with its rule and its last decisions.
void write_scaling_group(json::Writer& out, const ScalingGroup& group);

// {"groups": […]}: rules, how each group stands, and its last decisions, newest first.
std::string render_scaling(const engine::View& view);

// What a provider is told: one decision, and what an added agent should be.
std::string render_scale_agents(const engine::ScaleAgents& order);

}  // namespace mimas::api
