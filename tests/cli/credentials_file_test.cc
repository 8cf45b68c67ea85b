#include "cli/credentials_file.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

using namespace mimas;
using namespace mimas::cli;

namespace {

using Pairs = std::vector<wire::Credentials>;

// A file in /tmp that goes with the test.
class TextFile {
 public:
  TextFile(const std::string& text, mode_t mode) {
    char path[] = "/tmp/mimas-credentials-XXXXXX";
    const int fd = ::mkstemp(path);
    REQUIRE(fd >= 0);
    ::close(fd);
    path_ = path;
    std::ofstream(path_) << text;
    REQUIRE(::chmod(path, mode) == 0);
  }
  ~TextFile() { ::unlink(path_.c_str()); }
  TextFile(const TextFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

TEST_CASE("credentials are Mesos's JSON, for one or many, or lines") {
  const Pairs one{{"fw", "swordfish"}};
  CHECK(parse_credentials(R"({"principal": "fw", "secret": "swordfish"})").value() == one);
  CHECK(parse_credentials(R"({"credentials": [{"principal": "fw", "secret": "swordfish"}]})").value() == one);
  CHECK(parse_credentials("fw swordfish").value() == one);
  CHECK(parse_credentials("\nfw \t swordfish\r\n\nb c d\n").value() ==
        Pairs{{"fw", "swordfish"}, {"b", "c d"}});
}

TEST_CASE("what cannot be meant is refused, without its secret in the text") {
  for (const char* text :
       {"", " \n", "swordfish", "{", R"({"principal":"p"})", R"({"principal":"p","secret":5})",
        R"({"credentials":[]})", R"({"credentials":{"swordfish":1}})", "p:q swordfish",
        "p swordfish:", "p swordfish\np swordfish", R"({"principal":"p\r\nX: y","secret":"swordfish"})",
        R"({"principal":"p","secret":"swordfish\n"})", R"({"principal": swordfish})"}) {
    CAPTURE(text);
    const auto parsed = parse_credentials(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().text().find("swordfish") == std::string::npos);
  }
}

TEST_CASE("a file that others may read is refused unless that is asked for") {
  const TextFile safe("fw s", 0600);
  CHECK(read_credentials(safe.path(), false));
  for (const mode_t mode : {0640u, 0604u, 0620u}) {
    const TextFile open("fw s", mode);
    const auto refused = read_credentials(open.path(), false);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().where == open.path());
    CHECK(refused.error().hint == "chmod 600 " + open.path());
    CHECK(read_credentials(open.path(), true));
  }
}

TEST_CASE("a file that is none, is missing or is far too large is named") {
  CHECK(read_credentials("/nowhere/x", false).error().where == "/nowhere/x");
  CHECK(read_credentials("/tmp", true).error().where == "/tmp");
  const TextFile large(std::string(2u << 20, 'x'), 0600);
  CHECK(read_credentials(large.path(), false).error().code == Code::too_large);
}
