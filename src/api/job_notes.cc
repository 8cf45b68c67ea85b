#include "api/job_notes.h"

#include <algorithm>
#include <utility>

#include "json/value.h"
#include "model/shell_words.h"

namespace mimas::api {
namespace {

void note_kept_fields(const JobSpec& spec, std::vector<std::string>& notes) {
  if (spec.echoed_json == "{}") return;  // nearly always, and parsing costs
  const auto document = json::parse(spec.echoed_json);
  if (!document.ok() || !document->root().is_object()) return;
  for (std::size_t i = 0; i < document->root().size(); ++i) {
    notes.push_back("`" + std::string(document->root().name(i)) + "` is kept, but has no effect here");
  }
}

// The same line is one of a shell for a process.
void note_shell_syntax(const JobSpec& spec, std::vector<std::string>& notes) {
  if (spec.runtime != Runtime::docker) return;
  const std::string word = shell_syntax(spec.entry_point);
  if (word.empty()) return;
  notes.push_back("`" + word +
                  "` in `entryPoint` goes to the program as it stands: no shell reads the line of a " +
                  "container, write sh -c 'LINE' if one should");
}

// A container of a network of its own has its ports mapped; everything else listens on the host's.
void note_unmapped_ports(const JobSpec& spec, std::vector<std::string>& notes) {
  const std::string& network = spec.container.network;
  const bool process = spec.runtime == Runtime::process;
  const bool bare = network == "host" || network == "none";
  if (spec.container_ports.empty() || (!process && !bare)) return;
  if (!process && network == "none") {
    notes.push_back("`ports` are allocated, but a container without a network cannot be reached at them");
    return;
  }
  const std::int32_t first = spec.container_ports.front();
  if (first == 0) return;
  const std::string port = std::to_string(first);
  notes.push_back("`ports`: nothing is mapped for " +
                  std::string(process ? "a process" : "a container of the host's network") +
                  "; the program must listen on the host port in $PORT_" + port + " ($PORT0), not on " +
                  port + ", and that is where checks ask");
}

}  // namespace

std::vector<std::string> notes_of(const JobSpec& spec) {
  std::vector<std::string> notes;
  note_kept_fields(spec, notes);
  note_shell_syntax(spec, notes);
  note_unmapped_ports(spec, notes);
  return notes;
}

std::vector<std::string> notes_beyond(const std::vector<std::string>& before,
                                      std::vector<std::string> notes) {
  std::erase_if(notes,
                [&](const std::string& note) { return std::ranges::find(before, note) != before.end(); });
  return notes;
}

}  // namespace mimas::api
