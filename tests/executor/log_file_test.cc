#include "executor/log_file.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <csignal>

#include "log_support.h"

namespace mimas::executor {
namespace {

constexpr std::int64_t kRotate = 65'536;
const LogRules kRules{kRotate, 3, false};
constexpr Instant kNow{1'000'000};

std::string all_of(const TestFolder& folder, const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += folder.read(name);
  return text;
}

// What a pipe takes at once, until everything has gone through it.
void pass(LogFile& file, const TestPipe& pipe, std::string_view bytes, Instant now = kNow) {
  while (!bytes.empty()) {
    const std::string piece(bytes.substr(0, 50'000));
    REQUIRE(pipe.say(piece));
    bytes.remove_prefix(piece.size());
    while (file.take(pipe.reading, 20'000, now) == LogFile::Pipe::more) {
    }
  }
}

TEST_CASE("lines go through a pipe into numbered files, cut at newlines, and none is lost") {
  const TestFolder folder;
  const TestPipe pipe;
  LogFile file(folder.root(), "stdout", kRules, -1);
  REQUIRE(file.open());
  const std::string text = numbered_lines(200'000);
  pass(file, pipe, text);
  CHECK(folder.names() == std::vector<std::string>{"stdout", "stdout.1", "stdout.2", "stdout.3"});
  CHECK(all_of(folder, {"stdout.1", "stdout.2", "stdout.3", "stdout"}) == text);
  for (const char* name : {"stdout.1", "stdout.2", "stdout.3"}) {
    const std::string bytes = folder.read(name);
    CHECK(bytes.back() == '\n');
    CHECK(bytes.size() <= kRotate);
    CHECK(bytes.size() > kRotate - 4096);
  }
  CHECK(file.bytes() == 200'000);
}

TEST_CASE("without a newline a file is cut where it is full, to the byte") {
  const TestFolder folder;
  const TestPipe pipe;
  LogFile file(folder.root(), "stdout", kRules, -1);
  REQUIRE(file.open());
  std::string text;
  for (int i = 0; i < 3 * kRotate + 5; ++i) text += static_cast<char>('a' + i % 23);
  SUBCASE("from a pipe") { pass(file, pipe, text); }
  SUBCASE("handed over") { file.write(text, kNow); }
  for (const char* name : {"stdout.1", "stdout.2", "stdout.3"}) CHECK(folder.read(name).size() == kRotate);
  CHECK(all_of(folder, {"stdout.1", "stdout.2", "stdout.3", "stdout"}) == text);
}

TEST_CASE("a full file is rotated when the next byte comes, so the last lines stay where people look") {
  const TestFolder folder;
  LogFile file(folder.root(), "stderr", kRules, -1);
  REQUIRE(file.open());
  file.write(std::string(kRotate, 'x'), kNow);
  CHECK(folder.names() == std::vector<std::string>{"stderr"});
  file.write("y", kNow);
  CHECK(folder.names() == std::vector<std::string>{"stderr", "stderr.1"});
  CHECK(folder.read("stderr") == "y");
}

TEST_CASE("the newest stay, the numbers go on, and both are told") {
  const TestFolder folder;
  LogFile file(folder.root(), "stdout", {kRotate, 2, false}, -1);
  REQUIRE(file.open());
  for (char c = 'a'; c <= 'e'; ++c) file.write(std::string(kRotate, c), kNow);
  CHECK(folder.names() == std::vector<std::string>{"stdout", "stdout.3", "stdout.4"});
  CHECK(folder.read("stdout.3") == std::string(kRotate, 'c'));
  std::string told;
  for (const auto& change : file.take_changes())
    told += (change.removed ? "-" : "+") + std::to_string(change.number);
  CHECK(told == "+1+2+3-1+4-2");
  CHECK(file.take_changes().empty());
}

TEST_CASE("keeping none leaves the one file") {
  const TestFolder folder;
  LogFile file(folder.root(), "stdout", {kRotate, 0, false}, -1);
  REQUIRE(file.open());
  file.write(std::string(kRotate, 'a') + "b", kNow);
  CHECK(folder.names() == std::vector<std::string>{"stdout"});
  CHECK(folder.read("stdout") == "b");
}

TEST_CASE("what others append is counted, and what an earlier task has left is not written over") {
  const TestFolder folder;
  folder.write("stdout", "from the fetcher\n");
  folder.write("stdout.4.gz", "an earlier task's");
  LogFile file(folder.root(), "stdout", kRules, -1);
  REQUIRE(file.open());
  file.write("one\n", kNow);
  std::ofstream(folder / "stdout", std::ios::app) << "ours\n";
  file.write("two\n", kNow);
  CHECK(folder.read("stdout") == "from the fetcher\none\nours\ntwo\n");
  file.write(std::string(kRotate, 'x'), kNow);
  CHECK(folder.names() == std::vector<std::string>{"stdout", "stdout.4.gz", "stdout.5"});
}

TEST_CASE("a descriptor of ours that the agent has opened on the file moves on with it") {
  const TestFolder folder;
  const int own = ::open((folder / "stderr").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  REQUIRE(own >= 0);
  LogFile file(folder.root(), "stderr", kRules, own);
  REQUIRE(file.open());
  file.write(std::string(kRotate, 'x') + "new ", kNow);
  REQUIRE(::write(own, "ours ", 5) == 5);
  file.write("more", kNow);
  CHECK(folder.read("stderr") == "new ours more");
  CHECK(folder.read("stderr.1").size() == kRotate);
  ::close(own);
}

TEST_CASE("a link that the task has put in the way is not followed") {
  const TestFolder folder, outside;
  outside.write("precious", "precious");
  REQUIRE(::symlink((outside / "precious").c_str(), (folder / "stdout").c_str()) == 0);
  LogFile linked(folder.root(), "stdout", kRules, -1);
  CHECK_FALSE(linked.open());
  LogFile file(folder.root(), "stderr", kRules, -1);
  REQUIRE(file.open());
  REQUIRE(::symlink((outside / "precious").c_str(), (folder / ".stderr.new").c_str()) == 0);
  file.write(std::string(kRotate, 'x') + "y", kNow);
  CHECK(folder.read("stderr") == "y");
  CHECK(outside.read("precious") == "precious");
}

// A limit on file sizes stands for the full disk: both make write() and splice() fail.
TEST_CASE("when no more can be written, output is dropped, counted and told, and the writer is not held up") {
  const TestFolder folder;
  const TestPipe pipe;
  LogFile file(folder.root(), "stdout", kRules, -1);
  REQUIRE(file.open());
  (void)::signal(SIGXFSZ, SIG_IGN);
  struct rlimit before {};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const struct rlimit small { 10'000, before.rlim_max };
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string text = numbered_lines(300'000);
  pass(file, pipe, text);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  CHECK(file.bytes() == 300'000);
  CHECK(file.dropped() == 290'000);
  pass(file, pipe, "dropped as well: the second is not over\n", kNow + 500);
  pass(file, pipe, "back again\n", kNow + 1'000);
  CHECK(folder.read("stdout") ==
        text.substr(0, 10'000) +
            "mimas-executor: 290040 bytes of output are missing here: File too large\n"
            "back again\n");
}

TEST_CASE("what was dropped at the very end is told when the file is finished") {
  const TestFolder folder;
  LogFile file(folder.root(), "stdout", kRules, -1);
  REQUIRE(file.open());
  file.write(std::string(kRotate, 'x'), kNow);
  std::filesystem::create_directory(folder / ".stdout.new");  // no new file can be made
  std::filesystem::create_directory(folder / ".stdout.new/full");
  file.write("lost", kNow);
  std::filesystem::remove_all(folder / ".stdout.new");
  file.finish(kNow);
  CHECK(folder.read("stdout.1") == std::string(kRotate, 'x'));
  CHECK(folder.read("stdout").starts_with("mimas-executor: 4 bytes of output are missing here: "));
}

TEST_CASE("the end of a pipe is told apart from its being empty") {
  const TestFolder folder;
  TestPipe pipe;
  LogFile file(folder.root(), "stdout", kRules, -1);
  REQUIRE(file.open());
  CHECK(file.take(pipe.reading, 100, kNow) == LogFile::Pipe::empty);
  REQUIRE(pipe.say("last words"));
  pipe.close_writing();
  CHECK(file.take(pipe.reading, 4, kNow) == LogFile::Pipe::more);
  CHECK(file.take(pipe.reading, 100, kNow) == LogFile::Pipe::closed);
  CHECK(folder.read("stdout") == "last words");
}

}  // namespace
}  // namespace mimas::executor
