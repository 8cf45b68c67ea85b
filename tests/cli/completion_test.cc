#include "cli/completion.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace mimas::cli {
namespace {

using Words = std::vector<std::string>;

Words offered(const Words& typed) {
  Words words;
  for (const Candidate& one : complete_words(typed).candidates) words.push_back(one.word);
  return words;
}

bool offers(const Words& typed, const std::string& word) {
  const Words all = offered(typed);
  return std::find(all.begin(), all.end(), word) != all.end();
}

}  // namespace

TEST_CASE("the first word is a command") {
  CHECK(offers({""}, "run"));
  CHECK(offers({""}, "completion"));
  CHECK(offered({"vers"}) == Words{"versions", "version"});
  CHECK(offered({"nonsense"}).empty());
  CHECK_FALSE(offers({""}, "__complete"));
  CHECK(offers({"--h"}, "--help"));
}

TEST_CASE("a word that begins with a dash is a flag of the command") {
  CHECK(offers({"kill", "--"}, "--shrink"));
  CHECK(offered({"kill", "--shr"}) == Words{"--shrink"});
  CHECK(offers({"submit", "--dry"}, "--dry-run"));
  CHECK_FALSE(offers({"jobs", "--"}, "--shrink"));
  CHECK_FALSE(offers({"run", "--", "sh", "--"}, "--name"));
}

TEST_CASE("where a flag takes one of some words, those are offered, also in one word with it") {
  CHECK(offered({"jobs", "--output", ""}) == Words{"table", "wide", "name", "json"});
  CHECK(offered({"jobs", "-o", "w"}) == Words{"wide"});
  CHECK(offered({"jobs", "--output=w"}) == Words{"--output=wide"});
  CHECK(offered({"jobs", "--output", "=", "w"}) == Words{"wide"});  // as bash takes it apart
  CHECK(offered({"jobs", "--output", "="}) == Words{"table", "wide", "name", "json"});
  CHECK(offered({"orphans", "a"}) == Words{"adopt"});
  CHECK(offered({"completion", ""}) == Words{"bash", "zsh"});
  CHECK(offers({"tasks", "--state", ""}, "RUNNING"));
}

TEST_CASE("ids are asked from the server that the words before name") {
  const Completions job = complete_words({"job", "mimas-"});
  CHECK(job.ids == Subject::jobs);
  CHECK(job.prefix == "mimas-");
  CHECK(job.connection.empty());
  const Completions task =
      complete_words({"task", "--server", "h:1", "--token-file=/t", "--color", "never", "mimas-7-w"});
  CHECK(task.ids == Subject::tasks);
  CHECK(task.connection == Words{"--server", "h:1", "--token-file", "/t"});
  CHECK(complete_words({"kill", "mimas-1", ""}).ids == Subject::jobs_and_tasks);
  CHECK(complete_words({"agent", ""}).ids == Subject::agents);
  const Completions flag = complete_words({"tasks", "--job=mim"});
  CHECK(flag.ids == Subject::jobs);
  CHECK(flag.before == "--job=");
  CHECK(flag.prefix == "mim");
  CHECK(complete_words({"job", "mimas-1", ""}).ids == Subject::words);
}

TEST_CASE("files and directories are left to the shell") {
  CHECK(complete_words({"run", "-f", ""}).kind == Completions::Kind::files);
  CHECK(complete_words({"run", "--", "/bi"}).kind == Completions::Kind::files);
  CHECK(complete_words({"serve", "--data", ""}).kind == Completions::Kind::directories);
  CHECK(complete_words({"jobs", "--app", ""}).kind == Completions::Kind::words);
}

TEST_CASE("no words are answered with nothing, and there are scripts for two shells") {
  CHECK(complete_words({}).candidates.empty());
  CHECK(complete_words({"job", "--server"}).candidates.size() == 1);
  CHECK(completion_script("bash")->find("complete -F _mimas mimas") != std::string::npos);
  CHECK(completion_script("zsh")->starts_with("#compdef mimas"));
  CHECK_FALSE(completion_script("fish").ok());
}

}  // namespace mimas::cli
