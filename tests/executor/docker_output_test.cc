#include "executor/docker_output.h"

#include <doctest/doctest.h>

namespace mimas::executor {
namespace {

const Instant kAt{1'700'000'000'500};  // 2023-11-14T22:13:20.500Z
const Instant kLater{1'700'000'009'000};

FrameReader::Piece piece(std::string_view bytes, bool error_stream = false, bool begins = true) {
  return {error_stream, begins, bytes};
}
std::string stamped(const char* time, const std::string& text) {
  return "2023-11-14T22:13:" + std::string(time) + " " + text;
}

TEST_CASE("what was delivered is not delivered again, and the rest is") {
  OutputPlace place;
  place.delivered(piece("one\n"), kAt);
  CHECK(place.since() == "1700000000.500");
  place.begin_record();
  CHECK(place.from_record(piece(stamped("20.499999999Z", "one\n")), kLater).empty());
  CHECK(
      place.from_record(piece(stamped("20.519000000Z", "one\n")), kLater).empty());  // stamped a little late
  CHECK(place.from_record(piece(stamped("21.000000000Z", "two\n")), kLater) == "two\n");
  CHECK(place.from_record(piece(stamped("21.000000001Z", "three\n"), true), kLater) == "three\n");
  CHECK(place.since() == "1700000009.000");
}

TEST_CASE("of a line that was cut only the rest is new") {
  OutputPlace place;
  place.delivered(piece("one\nbegin"), kAt);
  place.delivered(piece("ning", true), kAt);
  place.begin_record();
  CHECK(place.from_record(piece(stamped("22.000000000Z", "beginning\n")), kLater) == "ning\n");
  CHECK(place.from_record(piece(stamped("22.000000000Z", "begin again\n")), kLater) == "begin again\n");
  CHECK(place.from_record(piece(stamped("22.000000000Z", "ning\n"), true), kLater) == "\n");
}

TEST_CASE("a Docker that forgot the beginning of a line has only its rest") {
  OutputPlace place;
  place.delivered(piece("begin"), kAt);
  place.begin_record();
  CHECK(place.from_record(piece(stamped("22.000000000Z", "ning\n")), kLater) == "ning\n");
}

TEST_CASE("without anything delivered all of the record is new") {
  OutputPlace place;
  CHECK(place.since() == "0");
  place.begin_record();
  CHECK(place.from_record(piece(stamped("20.000000000Z", "one\n")), kLater) == "one\n");
}

TEST_CASE("a record's frame may come in pieces, even within its stamp") {
  OutputPlace place;
  place.delivered(piece("x\n"), kAt);
  place.begin_record();
  const std::string old_line = stamped("20.000000000Z", "old\n");
  const std::string new_line = stamped("25.000000000Z", "a b\n");
  std::string got;
  for (const std::string& line : {old_line, new_line}) {
    for (std::size_t i = 0; i < line.size(); ++i)
      got += place.from_record(piece(std::string_view(line).substr(i, 1), false, i == 0), kLater);
  }
  CHECK(got == "a b\n");
}

TEST_CASE("long lines are remembered from where Docker's record cuts them") {
  OutputPlace place;
  const std::string flood(kDockerLineMax + 3, 'x');
  place.delivered(piece(flood), kAt);  // the record: 16 KiB, and a second entry that is still open
  place.begin_record();
  CHECK(place.from_record(piece(stamped("22.000000000Z", "xxxy\n")), kLater) == "y\n");
}

}  // namespace
}  // namespace mimas::executor
