// GET /v2/cluster: how much there is, how much of it is left and in what pieces, who gets work, and what
// waits. Amounts are sums over agents that the master can reach; "free" is what an agent was ever seen to
// have less what our own tasks hold, so what other frameworks hold counts as free until an offer tells. Pure.
// Tested in tests/api/render_why_test.cc.
#pragma once

#include <string>

#include "engine/view.h"

namespace mimas::api {

std::string render_summary(const engine::View& view);

}  // namespace mimas::api
