#include "cli/completion.h"

#include <algorithm>

#include "cli/command_line.h"
#include "cli/command_table.h"
#include "cli/exit.h"
#include "cli/facts.h"
#include "cli/print.h"
#include "cli/rest.h"
#include "cli/table.h"

namespace mimas::cli {
namespace {

constexpr net::Timeouts kBrief{500, 1'500};  // a person waits
constexpr std::size_t kIdsMax = 200;

// Shared by every client command.
constexpr const char* kConnectionFlags[] = {"--server", "--token",       "--token-file", "--login-file",
                                            "--ca",     "--client-cert", "--client-key"};

bool is_flag(const std::string& word) { return word.size() > 1 && word.front() == '-'; }
bool takes_value(const CLI::Option& option) {
  return option.get_type_size() > 0 && option.get_items_expected_max() > 0;
}

// "--output" and "-o" → the option; nullptr: none.
const CLI::Option* find_flag(const CLI::App& app, const std::string& name) {
  const auto options = app.get_options([](const CLI::Option* one) { return !one->get_positional(); });
  const auto found = std::find_if(options.begin(), options.end(),
                                  [&](const CLI::Option* one) { return one->check_name(name); });
  return found == options.end() ? nullptr : *found;
}

void add_flags(const CLI::App& app, const std::string& prefix, Completions& into) {
  for (const CLI::Option* option :
       app.get_options([](const CLI::Option* one) { return !one->get_positional(); })) {
    for (const std::string& name : option->get_lnames()) {
      if (("--" + name).starts_with(prefix))
        into.candidates.push_back({"--" + name, option->get_description()});
    }
    for (const std::string& name : option->get_snames()) {
      if (prefix.size() < 2) into.candidates.push_back({"-" + name, option->get_description()});
    }
  }
}

void add_value(const CLI::Option& option, const Hints& hints, const std::string& prefix, Completions& into) {
  const auto hint = hints.find(&option);
  if (hint != hints.end()) {
    into.ids = hint->second.subject;
    into.prefix = prefix;
    for (const std::string& word : hint->second.words) {
      if (word.starts_with(prefix)) into.candidates.push_back({into.before + word, ""});
    }
    return;
  }
  const std::string type = option.get_type_name();
  if (type.find("FILE") != std::string::npos) into.kind = Completions::Kind::files;
  if (type.find("DIR") != std::string::npos) into.kind = Completions::Kind::directories;
}

// The words before the one that is typed: which arguments are there, and whether a flag waits for its value.
struct Typed {
  const CLI::Option* waiting = nullptr;
  std::size_t arguments = 0;
  bool rest_is_command = false;  // after "--"
};

Typed read_words(const CLI::App& app, const std::vector<std::string>& words, Completions& into) {
  Typed typed;
  const CLI::Option* waiting = nullptr;
  std::string flag;
  const auto take_value = [&](const std::string& value) {
    const bool connection = std::find(std::begin(kConnectionFlags), std::end(kConnectionFlags), flag) !=
                            std::end(kConnectionFlags);
    if (connection) into.connection.insert(into.connection.end(), {flag, value});
    waiting = nullptr;
  };
  for (std::size_t i = 1; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (waiting != nullptr) {
      if (word != "=") take_value(word);  // bash takes "--output=json" apart at the "="
      continue;
    }
    if (word == "--") {
      typed.rest_is_command = true;
      return typed;
    }
    if (!is_flag(word)) {
      ++typed.arguments;
      continue;
    }
    const std::size_t equals = word.find('=');
    flag = word.substr(0, equals);
    const CLI::Option* option = find_flag(app, flag);
    if (option == nullptr || !takes_value(*option)) continue;
    waiting = option;
    if (equals != std::string::npos) take_value(word.substr(equals + 1));
  }
  typed.waiting = waiting;
  return typed;
}

const CLI::Option* argument(const CLI::App& app, std::size_t index) {
  const auto all = app.get_options([](const CLI::Option* one) { return one->get_positional(); });
  if (all.empty()) return nullptr;
  if (index < all.size()) return all[index];
  return all.back()->get_items_expected_max() > 1 ? all.back() : nullptr;
}

void complete_in(const CLI::App& app, const Hints& hints, const std::vector<std::string>& words,
                 Completions& into) {
  const Typed typed = read_words(app, words, into);
  std::string last = words.back();
  if (typed.rest_is_command) {
    into.kind = Completions::Kind::files;
    return;
  }
  if (typed.waiting != nullptr) {
    add_value(*typed.waiting, hints, last == "=" ? "" : last, into);
    return;
  }
  const std::size_t equals = last.find('=');
  if (last.starts_with("--") && equals != std::string::npos) {
    const CLI::Option* option = find_flag(app, last.substr(0, equals));
    into.before = last.substr(0, equals + 1);
    if (option != nullptr && takes_value(*option)) add_value(*option, hints, last.substr(equals + 1), into);
    return;
  }
  if (last.starts_with("-")) {
    add_flags(app, last, into);
    return;
  }
  if (const CLI::Option* option = argument(app, typed.arguments)) add_value(*option, hints, last, into);
}

const char* kBash = R"(# Completion of mimas in bash: source <(mimas completion bash)
_mimas() {
  local cur="${COMP_WORDS[COMP_CWORD]}" program="${COMP_WORDS[0]/#\~/$HOME}" line
  local -a lines=()
  while IFS= read -r line; do lines+=("$line"); done \
    < <("$program" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  COMPREPLY=()
  case "${lines[0]}" in
    files)
      compopt -o filenames 2>/dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "${cur#=}")
      ;;
    directories)
      compopt -o filenames 2>/dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -d -- "${cur#=}")
      ;;
    words)
      for line in "${lines[@]:1}"; do COMPREPLY+=("${line%%$'\t'*}"); done
      ;;
  esac
}
complete -F _mimas mimas
)";

const char* kZsh = R"(#compdef mimas
# Completion of mimas in zsh: put this as _mimas into a directory of $fpath, or source <(mimas completion zsh)
_mimas() {
  local -a lines described
  local line word
  lines=("${(@f)$("${words[1]/#\~/$HOME}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  case "${lines[1]}" in
    files) _files ;;
    directories) _files -/ ;;
    words)
      for line in "${(@)lines[2,-1]}"; do
        word="${line%%$'\t'*}"
        described+=("${word//:/\\:}:${line#*$'\t'}")
      done
      (( ${#described} )) && _describe mimas described
      ;;
  esac
}
if [ "$funcstack[1]" = "_mimas" ]; then _mimas "$@"; else compdef _mimas mimas; fi
)";

// The ids that the server knows now.
std::vector<Candidate> ids_of(const Completions& wanted) {
  std::vector<Candidate> found;
  std::vector<std::string> words{"status"};
  words.insert(words.end(), wanted.connection.begin(), wanted.connection.end());
  const CommandLine line = parse_command_line(words);
  const auto* page = line.command ? std::get_if<ShowPage>(&*line.command) : nullptr;
  if (page == nullptr) return found;
  Result<Rest> rest = Rest::open(page->client, kBrief);
  if (!rest.ok()) return found;
  const auto add = [&](const std::string& target, const char* what) {
    const Result<std::string> body = rest->get(target);
    const Result<json::Document> parsed =
        body.ok() ? parse_answer(*body) : Result<json::Document>(body.error());
    if (!parsed.ok()) return;
    const json::Value list = parsed->root();
    for (std::size_t i = 0; list.is_array() && i < list.size() && found.size() < kIdsMax; ++i) {
      const std::string id = printable(field(list.at(i), "id"));
      if (!id.empty() && id.starts_with(wanted.prefix))
        found.push_back({wanted.before + id, printable(field(list.at(i), what))});
    }
  };
  const bool both = wanted.ids == Subject::jobs_and_tasks;
  if (wanted.ids == Subject::jobs || both) add("/v2/jobs?fields=id,name", "name");
  if (wanted.ids == Subject::tasks || both) add("/v2/tasks?fields=id,state", "state");
  if (wanted.ids == Subject::agents) add("/v2/agents", "hostname");
  return found;
}

}  // namespace

Completions complete_words(const std::vector<std::string>& words) {
  Completions found;
  if (words.empty()) return found;
  Flags flags;
  const std::unique_ptr<CLI::App> app = make_app(flags, nullptr);
  if (words.size() == 1) {
    for (const SubCommand& command : sub_commands()) {
      if (std::string_view(command.name).starts_with(words[0]) && !is_flag(words[0]))
        found.candidates.push_back({command.name, command.what});
    }
    if (is_flag(words[0])) add_flags(*app, words[0], found);
    return found;
  }
  const SubCommand* chosen = find_sub_command(words[0]);
  if (chosen == nullptr) return found;
  complete_in(*app->get_subcommand(chosen->name), flags.hints, words, found);
  return found;
}

Result<std::string> completion_script(const std::string& shell) {
  if (shell == "bash") return std::string(kBash);
  if (shell == "zsh") return std::string(kZsh);
  return make_error(Code::invalid_argument, "completion is there for bash and zsh", shell);
}

Result<int> print_completions(const Complete& command) {
  Completions found = complete_words(command.words);
  if (found.ids != Subject::words) {
    const std::vector<Candidate> ids = ids_of(found);
    found.candidates.insert(found.candidates.end(), ids.begin(), ids.end());
  }
  std::string text = found.kind == Completions::Kind::files         ? "files\n"
                     : found.kind == Completions::Kind::directories ? "directories\n"
                                                                    : "words\n";
  for (const Candidate& one : found.candidates) text += one.word + "\t" + one.what + "\n";
  const Status printed = print(text);
  if (!printed.ok()) return printed.error();
  return kExitOk;
}

}  // namespace mimas::cli
