// Runs one target without libFuzzer: the recordings of a real Mesos and what else is given as a start,
// changed at random from a seed, so many times. The same arguments try the same bytes.
//   TARGET [--runs N] [--seed N] [--bytes N] [FILE or FOLDER…]
// A crash or a failed ASSERT ends it, and leaves its input in fuzz-<target>.input.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/prng.h"
#include "door.h"

namespace {

using mimas::Prng;

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A recording is more than one input: the whole, its body, and the lines and records in it.
void take_apart(const std::string& bytes, std::vector<std::string>& into) {
  into.push_back(bytes);
  const auto end = bytes.find("\r\n\r\n");
  if (end == std::string::npos) return;
  const std::string body = bytes.substr(end + 4);
  into.push_back(body);
  if (bytes.find("Transfer-Encoding: chunked\r\n") == std::string::npos) return;
  // One record in a chunk, as recorded: "size CRLF length LF record CRLF".
  for (std::size_t at = 0; at < body.size();) {
    std::size_t size = 0;
    const auto [stop, fault] = std::from_chars(body.data() + at, body.data() + body.size(), size, 16);
    if (fault != std::errc{} || size == 0) break;
    const std::size_t begin = static_cast<std::size_t>(stop - body.data()) + 2;
    if (begin + size > body.size()) break;
    const std::string chunk = body.substr(begin, size);
    into.push_back(chunk);
    into.push_back(chunk.substr(std::min(chunk.size(), chunk.find('\n') + 1)));
    at = begin + size + 2;
  }
}

constexpr std::string_view kWords[] = {"{",
                                       "}",
                                       "[",
                                       "]",
                                       "\"",
                                       "null",
                                       "true",
                                       "-1",
                                       "0",
                                       "1e308",
                                       "NaN",
                                       "\"\\ud800\"",
                                       "\\u0000",
                                       "\r\n",
                                       "\n",
                                       "0\r\n\r\n",
                                       ":",
                                       ",",
                                       "\"type\"",
                                       "\"value\"",
                                       "=",
                                       "\xff",
                                       "\xc3\xa9",
                                       "9223372036854775808",
                                       "../",
                                       "Content-Length: ",
                                       "Transfer-Encoding: chunked\r\n",
                                       "info_0000000000"};

void change(std::string& bytes, const std::vector<std::string>& corpus, Prng& prng) {
  const std::size_t at = prng.below(bytes.size() + 1);
  switch (prng.below(7)) {
    case 0: bytes.insert(at, 1, static_cast<char>(prng.next())); break;
    case 1: bytes.erase(at, prng.below(8) + 1); break;
    case 2: bytes.insert(at, kWords[prng.below(std::size(kWords))]); break;
    case 3: bytes.resize(at); break;
    case 4:
      if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << prng.below(8)));
      break;
    case 5: {
      const std::string& other = corpus[prng.below(corpus.size())];
      bytes = bytes.substr(0, at) + other.substr(prng.below(other.size() + 1));
      break;
    }
    default:
      if (at < bytes.size()) bytes.insert(at, bytes.substr(at, prng.below(64) + 1));
  }
}

std::string current;  // the input being tried
std::string kept;     // where it goes when it was the last

void keep_input(int signal) {
  const int file = ::open(kept.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0644);
  if (file >= 0 && ::write(file, current.data(), current.size()) >= 0) ::close(file);
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

std::uint64_t number(const char* text) {
  std::uint64_t value = 0;
  const auto [end, fault] = std::from_chars(text, text + std::strlen(text), value);
  if (fault == std::errc{} && *end == '\0') return value;
  std::fprintf(stderr, "'%s' is not a number\n", text);
  std::exit(2);
}

}  // namespace

int main(int count, char** arguments) {
  std::uint64_t runs = 1'000, seed = 1, bytes_max = 4'096;
  std::vector<std::string> corpus = {"", "{}", "0\n", "1\nx"};
  for (int i = 1; i < count; ++i) {
    const std::string_view word = arguments[i];
    const bool valued = i + 1 < count;
    if (word == "--runs" && valued) {
      runs = number(arguments[++i]);
    } else if (word == "--seed" && valued) {
      seed = number(arguments[++i]);
    } else if (word == "--bytes" && valued) {
      bytes_max = number(arguments[++i]);
    } else if (std::filesystem::is_directory(word)) {
      std::vector<std::filesystem::path> files;
      for (const auto& entry : std::filesystem::recursive_directory_iterator(word))
        if (entry.is_regular_file()) files.push_back(entry.path());
      std::sort(files.begin(), files.end());
      for (const auto& file : files) take_apart(read_file(file), corpus);
    } else {
      take_apart(read_file(word), corpus);
    }
  }
  std::erase_if(corpus, [&](const std::string& bytes) { return bytes.size() > bytes_max; });
  std::set<std::string> known;
  std::erase_if(corpus, [&](const std::string& bytes) { return !known.insert(bytes).second; });
  kept = "fuzz-" + std::filesystem::path(arguments[0]).filename().string() + ".input";
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) ::signal(signal, keep_input);
  Prng prng(seed);
  std::uint64_t run = 0;
  for (; run < runs; ++run) {
    // First everything as it is.
    std::string bytes = corpus[run < corpus.size() ? run : prng.below(corpus.size())];
    if (run >= corpus.size())
      for (auto n = prng.below(4) + 1; n > 0; --n) change(bytes, corpus, prng);
    if (bytes.size() > bytes_max) bytes.resize(bytes_max);
    current = bytes;
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  }
  std::printf("%llu inputs from %zu recordings and seed %llu\n1 passed, 0 failed\n",
              static_cast<unsigned long long>(run), corpus.size(), static_cast<unsigned long long>(seed));
  return 0;
}
