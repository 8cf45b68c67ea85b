#include "server/log_reader.h"

#include <doctest/doctest.h>

#include <functional>
#include <map>

using namespace mimas;
using server::FilePiece;
using server::LogReader;

namespace {

// A sandbox by values, that may change behind the reader's back before any of its calls.
class World : public server::LogSource {
 public:
  mutable std::map<std::string, std::string> files;
  mutable std::function<void(const std::string& call)> before = [](const std::string&) {};
  mutable bool away = false;

  Result<FilePiece> read(std::string_view file, std::int64_t offset, std::int64_t length) const override {
    before("read " + std::string(file));
    if (away) return make_error(Code::unavailable, "away");
    const auto found = files.find(std::string(file));
    if (found == files.end()) return make_error(Code::not_found, "none");
    const auto& bytes = found->second;
    const auto from = std::min<std::size_t>(static_cast<std::size_t>(offset), bytes.size());
    return FilePiece{bytes.substr(from, static_cast<std::size_t>(length)),
                     static_cast<std::int64_t>(bytes.size())};
  }
  Result<std::vector<std::string>> names() const override {
    before("names");
    if (away) return make_error(Code::unavailable, "away");
    std::vector<std::string> all{"data.bin", "stdout.x", "stdout.old"};
    for (const auto& [name, bytes] : files) all.push_back(name);
    return all;
  }

  void rotate(int number) const {
    files["stdout." + std::to_string(number)] = files["stdout"];
    files["stdout"].clear();
  }
  void compress(int number) const {
    files.erase("stdout." + std::to_string(number));
    files["stdout." + std::to_string(number) + ".gz"] = "zipped";
  }
};

std::string read_on(LogReader& reader, std::int64_t most = 1'000'000, bool last = false) {
  std::string text;
  for (int round = 0; round < 1'000; ++round) {
    const auto got = reader.next(most, last);
    if (!got.ok()) return text + "[" + std::string(code_name(got.error().code)) + "]";
    text += got->bytes;
    if (got->at_end) return text;
  }
  return text + "[endless]";
}

TEST_CASE("a log is read on over rotations, nothing lost and nothing twice") {
  World world;
  world.files["stdout"] = "one ";
  LogReader reader(world, "stdout", 0);
  CHECK(read_on(reader) == "one ");
  CHECK(read_on(reader).empty());
  world.files["stdout"] += "two ";
  world.rotate(1);
  world.files["stdout"] = "three ";
  CHECK(read_on(reader) == "two three ");
  world.rotate(2);
  world.files["stdout"] = "four ";
  world.rotate(3);
  world.files["stdout"] = "five, and longer than any of those before";
  CHECK(read_on(reader, 3) == "four five, and longer than any of those before");
}

TEST_CASE("a rotation between any two questions goes unnoticed by the reader") {
  for (int moment = 0; moment < 8; ++moment) {
    CAPTURE(moment);
    World world;
    world.files["stdout"] = "aaaa";
    LogReader reader(world, "stdout", 0);
    CHECK(read_on(reader) == "aaaa");
    world.files["stdout"] += "bbbb";
    int calls = 0;
    world.before = [&](const std::string&) {
      if (calls++ != moment) return;
      world.rotate(1);
      world.files["stdout"] = "cccccccccccc";  // longer than what was read: the size alone tells nothing
    };
    std::string text;
    for (int i = 0; i < 8; ++i) text += read_on(reader, 4);
    CHECK(text == "bbbbcccccccccccc");
  }
}

TEST_CASE("in the instant of a rotation there is no stdout") {
  World world;
  world.files["stdout"] = "aaaa";
  LogReader reader(world, "stdout", 2);
  CHECK(read_on(reader) == "aa");
  world.files["stdout.1"] = world.files["stdout"];
  world.files.erase("stdout");
  CHECK(read_on(reader) == "[not_found]");
  world.files["stdout"] = "bb";
  CHECK(read_on(reader) == "bb");
}

TEST_CASE("reading begins in the present file, however many were rotated before") {
  World world;
  world.files = {{"stdout", "now"}, {"stdout.6.gz", "x"}, {"stdout.7", "before"}};
  LogReader reader(world, "stdout", 1);
  CHECK(read_on(reader) == "ow");
  world.rotate(8);
  world.files["stdout"] = "then";
  CHECK(read_on(reader) == "then");
}

TEST_CASE("a pinned size is that of the generation which is then read, whenever it is rotated") {
  for (int moment = 0; moment < 12; ++moment) {
    for (const bool gone : {false, true}) {  // the instant in which there is no stdout
      CAPTURE(moment);
      CAPTURE(gone);
      World world;
      world.files["stdout"] = "first one";
      LogReader reader(world, "stdout", 0);
      int calls = 0;
      world.before = [&](const std::string&) {
        ++calls;
        if (calls == moment + 1) {
          world.rotate(1);
          world.files["stdout"] = "second";
          if (gone) world.files.erase("stdout");
        }
        if (calls == moment + 2) world.files["stdout"] = "second";
      };
      const auto pinned = reader.pin();
      REQUIRE(pinned.ok());
      const std::string wanted = pinned->generation == 0 ? "first one" : "second";
      CHECK(pinned->size == static_cast<std::int64_t>(wanted.size()));
      std::string text;
      for (int i = 0; i < 8 && static_cast<std::int64_t>(text.size()) < pinned->size; ++i) {
        const auto round = reader.next(pinned->size - static_cast<std::int64_t>(text.size()), true);
        if (round.ok()) text += round->bytes;
      }
      CHECK(text == wanted);
    }
  }
}

TEST_CASE("a file that is not there, and one that is rotated at every look, cannot be pinned") {
  World none;
  none.files["other"] = "x";
  CHECK(LogReader(none, "stdout", 0).pin().error().code == Code::not_found);
  World hasty;
  hasty.files["stdout"] = "x";
  int rotated = 0;
  hasty.before = [&](const std::string& call) {
    if (call != "names") hasty.rotate(++rotated);
  };
  CHECK(LogReader(hasty, "stdout", 0).pin().error().code == Code::unavailable);
  World plain;
  plain.files["data.bin"] = "12345";
  CHECK(LogReader(plain, "data.bin", 0).pin()->size == 5);
}

TEST_CASE("what was compressed or removed before it could be read is told") {
  World world;
  world.files["stdout"] = "aa";
  LogReader reader(world, "stdout", 0);
  CHECK(read_on(reader) == "aa");
  world.files["stdout"] += "bb";
  world.rotate(1);
  world.compress(1);
  world.files["stdout"] = "cc";  // of the size that we have read: no more than the last look finds it
  CHECK(read_on(reader).empty());
  CHECK(read_on(reader, 1'000'000, true) ==
        "mimas: the rest of stdout.1 from byte 2 on is in stdout.1.gz\ncc");
  for (int number = 2; number < 9; ++number) {
    world.rotate(number);
    world.files["stdout"] = "rot" + std::to_string(number);
  }
  for (int number = 2; number < 7; ++number) world.files.erase("stdout." + std::to_string(number));
  CHECK(read_on(reader) ==
        "mimas: output up to stdout.6 was rotated away before it could be read\nrot6rot7rot8");
}

TEST_CASE("where no rotated file is kept, a shrunk file is a new one") {
  World world;
  world.files["stdout"] = "aaaaaa";
  LogReader reader(world, "stdout", 0);
  CHECK(read_on(reader) == "aaaaaa");
  world.files["stdout"] = "bb";
  CHECK(read_on(reader) == "mimas: the log began anew, and what was not read before is gone\nbb");
}

TEST_CASE("an offset beyond the end waits there") {
  World world;
  world.files["stdout"] = "aaaa";
  LogReader reader(world, "stdout", 6);
  CHECK(read_on(reader).empty());
  world.files["stdout"] = "aaaabbbb";
  CHECK(read_on(reader) == "bb");
}

TEST_CASE("who does not follow stops at the end of the file that was there") {
  World world;
  world.files["stdout"] = "aaaa";
  LogReader reader(world, "stdout", 0);
  CHECK(reader.next(2)->bytes == "aa");
  CHECK_FALSE(reader.first_is_over());
  world.rotate(1);
  world.files["stdout"] = "bbbb";
  std::string text;
  while (!reader.first_is_over()) text += reader.next(2)->bytes;
  CHECK(text == "aa");
}

TEST_CASE("an agent that is away is an error that may be asked again, without a loss") {
  World world;
  world.files["stdout"] = "aaaa";
  LogReader reader(world, "stdout", 0);
  for (int moment = 0; moment < 3; ++moment) {
    int calls = 0;
    world.before = [&](const std::string&) { world.away = calls++ == moment; };
    CHECK(read_on(reader) == "[unavailable]");
  }
  world.before = [](const std::string&) {};
  world.away = false;
  CHECK(read_on(reader) == "aaaa");
}

TEST_CASE("other files are read as they are") {
  World world;
  world.files = {{"data.bin", "12345"}, {"stdout.1", "abc"}};
  LogReader data(world, "data.bin", 2), rotated(world, "stdout.1", 0), none(world, "stdout.2", 0);
  CHECK(read_on(data) == "345");
  CHECK(read_on(rotated) == "abc");
  CHECK(read_on(none) == "[not_found]");
}

TEST_CASE("log files are told apart from others") {
  for (const char* name : {"stdout", "stderr", "stdout.1", "stderr.12.gz"}) CHECK(server::is_log_name(name));
  for (const char* name :
       {"stdout.", "stdout.0", "stdout.x", "stdout.1.gz.new", ".stdout.new", "stdin", "stdout1", "stdout.-1"})
    CHECK_FALSE(server::is_log_name(name));
}

}  // namespace
