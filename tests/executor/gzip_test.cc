#include "executor/gzip.h"

#include <doctest/doctest.h>

#include "base/prng.h"
#include "log_support.h"

namespace mimas::executor {
namespace {

void check_round_trip(const std::string& text, std::size_t most) {
  const TestFolder folder;
  folder.write("plain", text);
  const int in = ::open((folder / "plain").c_str(), O_RDONLY);
  const int out = ::open((folder / "made.gz").c_str(), O_WRONLY | O_CREAT, 0644);
  CHECK(gzip(in, out).ok());
  ::close(in);
  ::close(out);
  CHECK(folder.unzipped("made.gz") == text);
  CHECK(folder.read("made.gz").size() <= most);
}

TEST_CASE("gzip itself reads back what it was given") {
  check_round_trip("", 40);
  check_round_trip("a", 120);
  check_round_trip("abc", 120);
  check_round_trip(std::string(1'000'000, '\0'), 2'000);
  check_round_trip(numbered_lines(3'000'000), 700'000);
  std::string every;
  for (int i = 0; i < 256 * 300; ++i) every += static_cast<char>(i);
  check_round_trip(every, 2'000);
}

TEST_CASE("sizes around a block and the window, far repetitions and noise") {
  Prng prng(7);
  std::string noise;
  for (int i = 0; i < 300'000; ++i) noise += static_cast<char>(prng.next());
  check_round_trip(noise, 303'000);
  for (const std::size_t size : {32'767u, 32'768u, 32'769u, 65'535u, 65'536u, 65'537u, 131'072u})
    check_round_trip(noise.substr(0, size), size + 2'000);
  check_round_trip(noise.substr(0, 32'000) + noise.substr(0, 32'000) + noise.substr(0, 32'000), 34'000);
  std::string few;  // words of very different frequency: the longest codes
  for (int i = 0; i < 400'000; ++i) {
    int symbol = 0;
    while (symbol < 40 && prng.below(2) == 0) ++symbol;
    few += static_cast<char>('A' + symbol);
  }
  check_round_trip(few, 145'000);
}

TEST_CASE("a disk that takes no more is an error") {
  const TestFolder folder;
  folder.write("plain", numbered_lines(100'000));
  const int in = ::open((folder / "plain").c_str(), O_RDONLY);
  const int full = ::open("/dev/full", O_WRONLY);
  CHECK_FALSE(gzip(in, full).ok());
  ::close(in);
  ::close(full);
}

TEST_CASE("a file that is longer than it may be is an error soon, however long it is") {
  const TestFolder folder;
  folder.write("plain", numbered_lines(1'000));
  const int in = ::open((folder / "plain").c_str(), O_RDONLY);
  const int out = ::open("/dev/null", O_WRONLY);
  CHECK(gzip(in, out, 1'000).ok());
  std::filesystem::resize_file(folder / "plain", std::uintmax_t{1} << 40);  // nothing of it is on the disk
  CHECK(::lseek(in, 0, SEEK_SET) == 0);
  CHECK(gzip(in, out, 1'000).error().code == Code::too_large);
  ::close(in);
  ::close(out);
}

}  // namespace
}  // namespace mimas::executor
