#include "base/text.h"

#include <doctest/doctest.h>

namespace mimas {

TEST_CASE("text is cut between characters") {
  CHECK(cut_text("abc", 3) == "abc");
  CHECK(cut_text("abcd", 3) == "abc");
  CHECK(cut_text("aäb", 2) == "a");
  CHECK(cut_text("aäb", 3) == "aä");
  CHECK(cut_text("€€", 5) == "€");
  CHECK(cut_text("€", 0) == "");
  CHECK(cut_text("\x80\x80\x80", 2) == "");
}

}  // namespace mimas
