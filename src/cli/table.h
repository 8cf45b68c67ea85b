// Plain text tables for people: columns as wide as their widest cell, two blanks between, nothing trailing.
// Cells may come from peers, so control characters never reach the terminal. Widths count code points.
// Tested in tests/cli/table_test.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mimas::cli {

enum class Tone { plain, good, bad, waiting };

struct Cell {
  std::string text;
  Tone tone = Tone::plain;
};

// The text with every control character and invalid UTF-8 byte shown as '?'; newlines and tabs become blanks.
std::string printable(std::string_view text);

// The text between the escapes that give it its colour.
std::string toned(const std::string& text, Tone tone);

class Table {
 public:
  explicit Table(std::vector<std::string> headings);
  void add(std::vector<Cell> row);  // missing cells are empty, surplus ones are dropped
  std::string text(bool colour) const;

 private:
  std::vector<std::string> headings_;
  std::vector<std::vector<Cell>> rows_;
};

// True when stdout is a terminal and NO_COLOR (https://no-color.org) is unset or empty.
bool colour_wanted();

}  // namespace mimas::cli
