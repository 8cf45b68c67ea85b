#include "cli/leave.h"

#include <unistd.h>

#include <array>
#include <cctype>
#include <csignal>

#include "cli/print.h"
#include "cli/terminal.h"

namespace mimas::cli {
namespace {

constexpr std::int64_t kShutdownGraceMs = 5'000;

std::string tasks_text(int tasks) { return std::to_string(tasks) + (tasks == 1 ? " task" : " tasks"); }

// Somebody pressed Ctrl-C and can answer: in the background reading from the terminal would only stop us.
bool somebody_is_there(const Leaving& how) {
  return how.signal == SIGINT && is_terminal(STDIN_FILENO) && is_terminal(STDERR_FILENO) &&
         ::tcgetpgrp(STDIN_FILENO) == ::getpgrp();
}

// A second Ctrl-C ends us here, and keeps the tasks.
bool told_to_end(int tasks) {
  complain_raw(tasks_text(tasks) + (tasks == 1 ? " runs" : " run") + ". End " + (tasks == 1 ? "it" : "them") +
               "? [y/N] ");
  std::array<char, 64> answer{};
  const ssize_t got = ::read(STDIN_FILENO, answer.data(), answer.size());
  return got > 0 && is_yes(std::string(answer.data(), static_cast<std::size_t>(got)));
}

}  // namespace

std::string period_text(std::int64_t ms) {
  struct Unit {
    std::int64_t ms;
    const char *one, *many;
  };
  for (const Unit& unit : {Unit{86'400'000, "a day", " days"}, Unit{3'600'000, "an hour", " hours"},
                           Unit{60'000, "a minute", " minutes"}, Unit{1'000, "a second", " seconds"}}) {
    if (ms == unit.ms) return unit.one;
    if (ms > unit.ms && ms % unit.ms == 0) return std::to_string(ms / unit.ms) + unit.many;
  }
  return std::to_string(ms) + " ms";
}

std::string kept_text(int tasks, const Leaving& how) {
  const std::string command = std::string("`mimas ") + how.command;
  const std::string data = " --data " + how.data + "`";
  return tasks_text(tasks) + (tasks == 1 ? " goes" : " go") + " on running, without mimas for " +
         period_text(how.recovery_ms) + " at most: " + command + data + " with the same flags finds " +
         (tasks == 1 ? "it" : "them") + " again, " + command + " --purge" + data + " ends " +
         (tasks == 1 ? "it" : "them") + " when it is stopped";
}

bool is_yes(const std::string& answer) {
  std::string word;
  for (const char c : answer) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0) continue;
    word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return word == "y" || word == "yes";
}

void leave(pocket::Pocket& cluster, const Leaving& how) {
  const int tasks = how.purge ? 0 : cluster.tasks();
  if (how.purge || (tasks > 0 && somebody_is_there(how) && told_to_end(tasks))) {
    cluster.shutdown(kShutdownGraceMs);
    return;
  }
  if (tasks > 0) complain(kept_text(tasks, how));
  cluster.stop();
}

}  // namespace mimas::cli
