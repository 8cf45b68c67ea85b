#include "model/shell_words.h"

#include <doctest/doctest.h>

namespace mimas {
namespace {

using Words = std::vector<std::string>;

TEST_CASE("a line is cut at blanks, and quotes hold words together") {
  const struct {
    const char* line;
    Words words;
  } cases[] = {
      {"", {}},
      {" \t\n", {}},
      {"/bin/server", {"/bin/server"}},
      {" a  b\tc\n", {"a", "b", "c"}},
      {"a 'b c' d", {"a", "b c", "d"}},
      {"a'b c'd", {"ab cd"}},
      {"'' \"\"", {"", ""}},
      {R"(sh -c "echo \"$HOME\" \a")", {"sh", "-c", R"(echo "$HOME" \a)"}},
      {R"("\$x \` \\")", {"$x ` \\"}},
      {R"('\n' a\ b \'c)", {"\\n", "a b", "'c"}},
      {"$HOME *.txt ~ a;b && c # d", {"$HOME", "*.txt", "~", "a;b", "&&", "c", "#", "d"}},
      {"größe \"日 本\"", {"größe", "日 本"}},
  };
  for (const auto& one : cases) {
    CAPTURE(one.line);
    const auto words = shell_words(one.line);
    REQUIRE(words.ok());
    CHECK(*words == one.words);
  }
}

TEST_CASE("what is not closed is an error") {
  for (const char* line : {"a 'b", "a \"b", "\"a\\\"", "a\\", "'a\\'b'"}) {
    CAPTURE(line);
    const auto words = shell_words(line);
    REQUIRE_FALSE(words.ok());
    CHECK(words.error().code == Code::invalid_argument);
  }
}

TEST_CASE("what only a shell would understand is found, outside quotes") {
  struct Case {
    const char *line, *found;
  };
  for (const Case& one : std::initializer_list<Case>{
           {"echo hi && sleep 1", "&&"},
           {"a | b", "|"},
           {"a || b", "||"},
           {"a; b", "a;"},
           {"a ; b", ";"},
           {"a & b", "&"},
           {"a > file", ">"},
           {"a >> file", ">>"},
           {"a >file", ">file"},
           {"a < file", "<"},
           {"a 2>&1", "2>&1"},
           {"a &> f", "&>"},
           {"run --port $PORT0", "$PORT0"},
           {"run --port=${PORT0}", "--port=${PORT0}"},
           {"run \"$HOME/x\"", "$HOME/x"},
           {"run $(date)", "$(date)"},
           {"run `date`", "`date`"},
           {"run", ""},
           {"", ""},
           {"sh -c 'echo $X && sleep 1 > f; true'", ""},
           {"sh -c \"echo && sleep > f; true\"", ""},
           {"echo \\$X \\&\\& '|' \";\" \"\\$X\"", ""},
           {"curl http://h/?a=1&b=2 a>b price=5$ $ 2 1", ""},
           {"a 'b", ""},
       }) {
    CAPTURE(std::string(one.line));
    CHECK(shell_syntax(one.line) == one.found);
  }
}

}  // namespace
}  // namespace mimas
