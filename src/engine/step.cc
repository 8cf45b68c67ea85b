#include "engine/step.h"

#include "engine/parts.h"
#include "engine/reconcile.h"

namespace mimas::engine {

Step step(State& state, const Input& input, Instant now) {
  Step out;
  Turn turn(state.data(), now, out);
  std::visit([&](const auto& one) { on_input(turn, one); }, input);
  reconcile_touched(turn);
  ask_doubtful(turn);
  turn.finish();
  return out;
}

}  // namespace mimas::engine
