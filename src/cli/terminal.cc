#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "cli/print.h"

namespace mimas::cli {
namespace {

constexpr std::string_view kNoWrap = "\x1b[?7l";
constexpr std::string_view kWrap = "\x1b[?7h";
constexpr std::size_t kRowsOtherwise = 24;

std::size_t terminal_rows(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_row == 0) return kRowsOtherwise;
  return size.ws_row;
}

}  // namespace

bool is_terminal(int fd) { return ::isatty(fd) == 1; }

bool confirmed(const std::string& question) {
  if (!is_terminal(STDIN_FILENO) || !is_terminal(STDERR_FILENO)) return false;
  complain_raw(question + " [y/N] ");
  std::string answer;
  for (int c = std::getchar(); c != EOF && c != '\n' && answer.size() < 16; c = std::getchar())
    answer += static_cast<char>(c);
  return answer == "y" || answer == "yes" || answer == "Y";
}

std::string cut_rows(const std::string& text, std::size_t rows) {
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  if (lines <= rows || rows == 0) return text;
  std::size_t at = 0;
  for (std::size_t i = 0; i + 1 < rows; ++i) at = text.find('\n', at) + 1;
  return text.substr(0, at) + "… " + std::to_string(lines - rows + 1) + " more lines\n";
}

Page::Page() : terminal_(is_terminal(STDOUT_FILENO)) {}

Status Page::show(const std::string& text) {
  if (!terminal_) {
    if (shown_ && text == last_) return Done{};
    const std::string separator = shown_ ? "\n" : "";
    shown_ = true;
    last_ = text;
    return print(separator + text);
  }
  const std::string cut = cut_rows(text, terminal_rows(STDOUT_FILENO) - 1);
  std::string out;
  if (rows_ > 0) out += "\x1b[" + std::to_string(rows_) + "A\r";
  out += "\x1b[J";
  out += kNoWrap;
  out += cut;
  out += kWrap;
  rows_ = static_cast<std::size_t>(std::count(cut.begin(), cut.end(), '\n'));
  return print(out);
}

Progress::Progress() : terminal_(is_terminal(STDERR_FILENO)) {}

Progress::~Progress() {
  if (terminal_ && !summary_.empty()) complain_raw("\n");
}

void Progress::line(std::string_view text) {
  std::string out = terminal_ && !summary_.empty() ? "\r\x1b[K" : "";
  out.append(text).append("\n");
  complain_raw(out);
  const std::string again = std::move(summary_);
  summary_.clear();
  if (!again.empty()) summary(again);
}

void Progress::summary(const std::string& text) {
  if (!terminal_ || text == summary_) return;
  summary_ = text;
  std::string out = "\r\x1b[K";
  out += kNoWrap;
  out += text;
  out += kWrap;
  complain_raw(out);
}

}  // namespace mimas::cli
