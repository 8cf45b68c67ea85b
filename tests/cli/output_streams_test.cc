#include "cli/output_streams.h"

#include <doctest/doctest.h>

using mimas::cli::PrefixedLines;

TEST_CASE("lines go out whole, each with its prefix, whatever the pieces they come in") {
  PrefixedLines lines("0-1 | ");
  CHECK(lines.take("he").empty());
  CHECK(lines.take("llo\nwor") == "0-1 | hello\n");
  CHECK(lines.take("ld\n\n") == "0-1 | world\n0-1 | \n");
  CHECK(lines.rest().empty());
}

TEST_CASE("a line that never ends is shown at the end, or cut where it is too long") {
  PrefixedLines lines("> ");
  CHECK(lines.take("left").empty());
  CHECK(lines.rest() == "> left\n");
  const std::string out = lines.take(std::string(200'000, 'x'));
  CHECK(out.size() == 3 * (65'536 + 3));
  CHECK(lines.rest().size() == 200'000 - 3 * 65'536 + 3);
}
