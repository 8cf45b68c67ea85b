#include "cli/table.h"

#include <doctest/doctest.h>

namespace mimas::cli {

TEST_CASE("columns are as wide as their widest cell and lines end without blanks") {
  Table table({"ID", "NAME", "NOTE"});
  table.add({{"mimas-1"}, {"a"}, {"x"}});
  table.add({{"m"}, {"longer"}, {}});
  CHECK(table.text(false) ==
        "ID       NAME    NOTE\n"
        "mimas-1  a       x\n"
        "m        longer\n");
}

TEST_CASE("a row with too few or too many cells is fitted to the headings") {
  Table table({"A", "B"});
  table.add({{"1"}});
  table.add({{"1"}, {"2"}, {"3"}});
  CHECK(table.text(false) == "A  B\n1\n1  2\n");
}

TEST_CASE("widths count code points, not bytes") {
  Table table({"A", "B"});
  table.add({{"äöü"}, {"1"}});
  table.add({{"abc"}, {"2"}});
  CHECK(table.text(false) == "A    B\näöü  1\nabc  2\n");
}

TEST_CASE("colour surrounds the text and not the padding") {
  Table table({"STATE", "B"});
  table.add({{"OK", Tone::good}, {"1"}});
  CHECK(table.text(true) == "STATE  B\n\x1b[32mOK\x1b[0m     1\n");
  CHECK(table.text(false) == "STATE  B\nOK     1\n");
}

TEST_CASE("control characters and broken UTF-8 never reach the terminal") {
  CHECK(printable("a\x1b[31mb") == "a?[31mb");
  CHECK(printable("line\nnext\tend\r") == "line next end ");
  CHECK(printable(std::string_view("a\0b", 3)) == "a?b");
  CHECK(printable("\xff\xfe") == "??");
  CHECK(printable("\xc0\xaf") == "??");       // over-long '/'
  CHECK(printable("\xed\xa0\x80") == "???");  // a surrogate
  CHECK(printable("\xc2\x9b") == "?");        // the 8-bit CSI
  CHECK(printable("\xe2\x82") == "??");       // cut short
  CHECK(printable("é€😀") == "é€😀");
  CHECK(printable("\x7f") == "?");
}

}  // namespace mimas::cli
