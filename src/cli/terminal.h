// What is drawn again and again on a terminal. Colours and movements only where a terminal is; anywhere else
// the same facts come as plain lines. Not thread-safe. Tested through a pty in tests/e2e/cli_test.py;
// cut_rows in tests/cli/facts_test.cc.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace mimas::cli {

bool is_terminal(int fd);

// Asks on the terminal: only "y" or "yes" is a yes. Where stdin or stderr is none, nobody is asked, and the
// answer is no.
bool confirmed(const std::string& question);

// The first `rows` lines; what is left out is counted in the last one.
std::string cut_rows(const std::string& text, std::size_t rows);

// A page on stdout that takes the place of the one before. Where stdout is no terminal: the page whenever it
// differs, after an empty line.
class Page {
 public:
  Page();
  Status show(const std::string& text);

 private:
  bool terminal_;
  bool shown_ = false;
  std::size_t rows_ = 0;  // of what stands there
  std::string last_;
};

// Lines on stderr and, on a terminal, below them one that is written over: how it goes altogether.
class Progress {
 public:
  Progress();
  ~Progress();  // ends the last line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void line(std::string_view text);
  void summary(const std::string& text);

 private:
  bool terminal_;
  std::string summary_;
};

}  // namespace mimas::cli
