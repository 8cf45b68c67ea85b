#include "server/log_query.h"

#include <doctest/doctest.h>

using namespace mimas;
using server::FilePiece;

namespace {

http::Request asking(std::vector<http::QueryParameter> query) {
  http::Request request;
  request.query = std::move(query);
  return request;
}

class OneFile : public server::LogSource {
 public:
  explicit OneFile(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<FilePiece> read(std::string_view, std::int64_t offset, std::int64_t length) const override {
    const auto from = std::min(static_cast<std::size_t>(offset), bytes_.size());
    return FilePiece{bytes_.substr(from, static_cast<std::size_t>(length)),
                     static_cast<std::int64_t>(bytes_.size())};
  }
  Result<std::vector<std::string>> names() const override { return std::vector<std::string>{"stdout"}; }

 private:
  std::string bytes_;
};

std::string tail(const std::string& bytes, std::int64_t lines) {
  const auto begin =
      server::find_tail(OneFile(bytes), "stdout", static_cast<std::int64_t>(bytes.size()), lines);
  REQUIRE(begin.ok());
  return bytes.substr(static_cast<std::size_t>(*begin));
}

TEST_CASE("a query says which part of a log is wanted, and all its faults are named") {
  const auto none = server::parse_log_query(asking({}));
  REQUIRE(none.ok());
  CHECK_FALSE(none.value.any);
  const auto good = server::parse_log_query(asking({{"offset", "-5"}, {"length", "3"}, {"follow", "true"}}));
  REQUIRE(good.ok());
  CHECK(good.value.any);
  CHECK(good.value.offset == -5);
  CHECK(good.value.length == 3);
  CHECK(good.value.follow);
  CHECK(server::parse_log_query(asking({{"tail", "10000"}})).value.tail == 10'000);
  const auto bad = server::parse_log_query(
      asking({{"offset", "1.5"}, {"length", "-1"}, {"follow", "yes"}, {"tail", "10001"}, {"lines", "5"}}));
  std::vector<std::string> named;
  for (const auto& fault : bad.faults) named.push_back(fault.pointer);
  CHECK(named == std::vector<std::string>{"offset", "length", "follow", "tail", "lines", "tail"});
  for (const char* text : {"", "0", "-1", "x", "99999999999999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(server::parse_log_query(asking({{"tail", text}})).ok());
  }
  CHECK_FALSE(server::parse_log_query(asking({{"tail", "5"}, {"offset", "0"}})).ok());
}

TEST_CASE("the tail of a file begins at a line, whether or not its last one has ended") {
  CHECK(tail("a\nb\nc\n", 1) == "c\n");
  CHECK(tail("a\nb\nc\n", 2) == "b\nc\n");
  CHECK(tail("a\nb\nc", 1) == "c");
  CHECK(tail("a\nb\nc", 2) == "b\nc");
  CHECK(tail("a\nb\nc\n", 3) == "a\nb\nc\n");
  CHECK(tail("a\nb\nc\n", 99) == "a\nb\nc\n");
  CHECK(tail("\n\n\n", 2) == "\n\n");
  CHECK(tail("\n", 1) == "\n");
  CHECK(tail("", 5).empty());
  std::string many;
  for (int i = 0; i < 50'000; ++i) many += "line " + std::to_string(i) + "\n";
  CHECK(tail(many, 10'000).starts_with("line 40000\n"));
  // A line longer than what is looked through is cut at its front.
  CHECK(tail("x\n" + std::string(3 << 20, 'y'), 1).size() == std::size_t{server::kTailBytesMax});
}

TEST_CASE("a file that has become shorter has no tail beyond its end") {
  const auto begin = server::find_tail(OneFile("a\n"), "stdout", 200'000, 1);
  REQUIRE(begin.ok());
  CHECK(*begin == 200'000);
}

}  // namespace
