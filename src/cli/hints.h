// What may stand where an option or argument takes a value, beside what CLI11 knows of it: for the completion
// of command lines. Private to the room.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace CLI {
class Option;
}

namespace mimas::cli {

enum class Subject { words, jobs, tasks, jobs_and_tasks, agents };

struct Hint {
  Subject subject = Subject::words;
  std::vector<std::string> words;  // of Subject::words
};

using Hints = std::map<const CLI::Option*, Hint>;

// The option takes one of these words alone.
CLI::Option* one_of(CLI::Option* option, std::vector<std::string> words, Hints& hints);
// The option takes an id that the server knows.
CLI::Option* id_of(CLI::Option* option, Subject subject, Hints& hints);
// The option takes a whole number between these.
CLI::Option* within(CLI::Option* option, std::int64_t least, std::int64_t most);

}  // namespace mimas::cli
