// Completion of command lines, from the table of commands. The shells' scripts (`mimas completion bash`) are
// small: they hand the words to `mimas __complete`, which answers what may stand there, so that shells and
// program cannot disagree. complete_words is pure but for the environment, which CLI11's defaults do not
// touch here. Tested in tests/cli/completion_test.cc and, by a real bash, in tests/e2e/cli_test.py.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/commands.h"
#include "cli/hints.h"

namespace mimas::cli {

struct Candidate {
  std::string word;
  std::string what;  // a description; may be empty
  bool operator==(const Candidate&) const = default;
};

// What may stand in the place of the last word.
struct Completions {
  enum class Kind { words, files, directories } kind = Kind::words;
  std::vector<Candidate> candidates;    // all of them begin with what is typed already
  Subject ids = Subject::words;         // other than words: the server's ids, too
  std::string prefix;                   // what those must begin with
  std::string before;                   // to be written before each of them: "--job=" where it is one word
  std::vector<std::string> connection;  // the flags that say which server to ask, as they were typed
};
Completions complete_words(const std::vector<std::string>& words);

Result<std::string> completion_script(const std::string& shell);  // "bash" or "zsh"

// Prints "words", "files" or "directories", then a line "word<TAB>description" each. Ids are asked from the
// server, briefly: a server that does not answer has none.
Result<int> print_completions(const Complete& command);

}  // namespace mimas::cli
