// A line cut into words as a shell cuts it, and nothing else a shell does: blanks part words; '…' is taken as
// it stands; within "…" a backslash quotes " \ $ and `; elsewhere it quotes whatever follows. No variable, no
// pattern, no operator is looked at: a `$` or `*` is a letter. What a docker job's entryPoint goes through
// (docs/executor.md), so that an image needs no shell. Pure. Tested in tests/model/shell_words_test.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mimas {

// Errors: invalid_argument for a quote that is not closed, or a backslash at the end.
Result<std::vector<std::string>> shell_words(std::string_view line);

// The first word of the line that a shell would not hand on as it stands: an operator that stands alone
// (`&&`, `|`,
// `>`, …), a redirection, a `;` at the end, `$NAME`, `$(…)` and backquotes outside '…'. Empty: there is none,
// or the line cannot be cut.
std::string shell_syntax(std::string_view line);

}  // namespace mimas
