// What `mimas token` makes of a credentials file, by values.
#include "cli/token_command.h"

#include <doctest/doctest.h>

#include "server/password_hash.h"

namespace mimas::cli {
namespace {

server::AccessEntry entry(const std::string& name) {
  static const std::string hash = server::hash_secret("x").value();
  return {name, server::Role::operator_, {"shop"}, "", "", hash, "", parse_rfc3339("2027-01-31T00:00:00Z")};
}

TEST_CASE("an entry is added to what is there, and the first one makes the file") {
  const auto one = with_entry("", entry("ci"));
  REQUIRE(one.ok());
  const auto two = with_entry(*one, entry("ann"));
  REQUIRE(two.ok());
  const auto entries = server::parse_access(*two);
  REQUIRE(entries.ok());
  CHECK(*entries == std::vector<server::AccessEntry>{entry("ci"), entry("ann")});
}

TEST_CASE("a name that is taken, an entry that is wrong, and a file that is wrong change nothing") {
  const std::string one = with_entry("", entry("ci")).value();
  CHECK(with_entry(one, entry("ci")).error().code == Code::conflict);
  CHECK(with_entry(one, entry("c i")).error().code == Code::invalid_argument);
  CHECK(with_entry("{}", entry("ann")).error().code == Code::invalid_argument);
  CHECK(without_entry("{}", "ci").error().code == Code::invalid_argument);
  CHECK(without_entry(one, "ann").error().code == Code::not_found);
  CHECK(without_entry("", "ann").error().code == Code::not_found);
}

TEST_CASE("whoever is revoked is gone, the last one too") {
  const std::string two = with_entry(with_entry("", entry("ci")).value(), entry("ann")).value();
  const std::string one = without_entry(two, "ci").value();
  CHECK(server::parse_access(one).value() == std::vector<server::AccessEntry>{entry("ann")});
  CHECK(server::parse_access(without_entry(one, "ann").value())->empty());
}

TEST_CASE("the table shows who, what and until when, and no hash") {
  server::AccessEntry gate{"gate", server::Role::viewer, {}, "", "", "", "gate.example", {}};
  const Instant after = *parse_rfc3339("2027-02-01T00:00:00Z");
  const std::string text = token_table({entry("ci"), gate}, after);
  CHECK(text ==
        "NAME  ROLE      APPS  LIMITS                     BY           UNTIL\n"
        "ci    operator  shop  priority<=0 no-production  password     2027-01-31T00:00:00.000Z (over)\n"
        "gate  viewer    *     -                          certificate  -\n");
  server::AccessEntry more = entry("ci");
  more.grants = {{{"batch", "web"}}, {{"ci-"}}, 20, true};
  CHECK(token_table({more}, after).find("groups=batch,web secrets=ci- priority<=20 production") !=
        std::string::npos);
  CHECK(token_table({entry("ci")}, Instant{0}).find("over") == std::string::npos);
}

}  // namespace
}  // namespace mimas::cli
