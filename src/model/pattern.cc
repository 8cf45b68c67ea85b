#include "model/pattern.h"

namespace mimas {
namespace {

// The master's defaults (mesos-protocol §2.2): 100 instructions, 4096 bytes.
constexpr int kMasterProgramMax = 100 / 2;
constexpr std::int64_t kMasterMemoryBytes = 4096;

re2::RE2::Options options(std::int64_t memory_bytes) {
  re2::RE2::Options options;
  options.set_log_errors(false);  // a pure room prints nothing, whatever is asked of it
  options.set_max_mem(memory_bytes);
  options.set_never_capture(true);
  return options;
}

re2::StringPiece piece(std::string_view text) { return re2::StringPiece(text.data(), text.size()); }

}  // namespace

Pattern::Pattern(std::string_view expression) : compiled_(piece(expression), options(kPatternMemoryBytes)) {
  if (!compiled_.ok() || compiled_.ProgramSize() > kMasterProgramMax) return;
  fit_for_masters_ = re2::RE2(piece(expression), options(kMasterMemoryBytes)).ok();
}

Result<std::shared_ptr<const Pattern>> Pattern::compile(std::string_view expression) {
  std::shared_ptr<const Pattern> pattern(new Pattern(expression));
  if (!pattern->compiled_.ok()) return make_error(Code::invalid_argument, pattern->compiled_.error());
  return pattern;
}

bool Pattern::matches(std::string_view text) const { return re2::RE2::FullMatch(piece(text), compiled_); }

}  // namespace mimas
