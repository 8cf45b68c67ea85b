// Bytes recorded from Apache Mesos 1.12, through both decoders: whole, byte by byte, and cut in two in many
// places.
#include <doctest/doctest.h>
#include <fstream>
#include <iterator>

#include "wire/endpoint.h"
#include "wire/http.h"
#include "wire/recordio.h"

using namespace mimas;
using namespace mimas::wire;

namespace {

std::string recorded(const std::string& name) {
  std::ifstream file(std::string(MIMAS_GOLDEN_MESOS) + "/" + name, std::ios::binary);
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Stream {
  ResponseParser parser;
  RecordReader reader;
  std::vector<std::string> records;

  void feed(std::string_view bytes) {
    std::string body;
    auto used = parser.feed(bytes, body);
    REQUIRE(used.ok());
    REQUIRE(*used == bytes.size());
    REQUIRE(reader.feed(body, records).ok());
  }
};

}  // namespace

TEST_CASE("recorded streams give the same records however they are cut") {
  struct {
    const char* name;
    const char* first;
  } const cases[] = {
      {"s01-subscribe-and-stream.resp", "{\"type\":\"SUBSCRIBED\""},
      {"x00-exec-stream.resp", "{\"type\":\"SUBSCRIBED\""},
      {"p01-pb-subscribe.resp", ""},
  };
  for (const auto& one : cases) {
    const std::string bytes = recorded(one.name);
    CAPTURE(one.name);
    Stream whole;
    whole.feed(bytes);
    CHECK(whole.parser.head().status == 200);
    CHECK(whole.reader.at_boundary());
    REQUIRE(whole.records.size() > 3);
    CHECK(whole.records.front().starts_with(one.first));
    Stream bytewise;
    for (char byte : bytes) bytewise.feed({&byte, 1});
    CHECK(bytewise.records == whole.records);
    CHECK(bytewise.parser.complete() == whole.parser.complete());
    for (std::size_t cut = 1; cut<bytes.size(); cut += bytes.size()> 4'000 ? 37 : 1) {
      Stream halves;
      halves.feed(std::string_view(bytes).substr(0, cut));
      halves.feed(std::string_view(bytes).substr(cut));
      REQUIRE(halves.records == whole.records);
    }
  }
}

TEST_CASE("the recorded answers to calls are read as they were meant") {
  std::string body;
  ResponseParser accepted;
  REQUIRE(accepted.feed(recorded("s23-decline.resp"), body).ok());
  CHECK(accepted.complete());
  CHECK(accepted.head().status == 202);
  CHECK(body.empty());
  ResponseParser refused;
  REQUIRE(refused.feed(recorded("s02-no-stream-id.resp"), body).ok());
  CHECK(refused.complete());
  CHECK(refused.head().status == 400);
  CHECK_FALSE(body.empty());
}

TEST_CASE("the recorded redirect of a standby names the leader") {
  std::string body;
  ResponseParser parser;
  REQUIRE(parser.feed(recorded("z3-failover-5050-307.resp"), body).ok());
  REQUIRE(parser.head_complete());
  CHECK(parser.head().status == 307);
  const auto leader = parse_redirect(find_header(parser.head().headers, "Location"));
  REQUIRE(leader.ok());
  CHECK(leader->port != 0);
}
