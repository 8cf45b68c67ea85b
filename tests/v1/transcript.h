// Reading the recordings of a real master in tests/golden/mesos, with as little code as does: this room's
// tests link no HTTP. Bytes that are not as recorded fail the test.
#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace transcript {

inline std::string bytes(const std::string& name) {
  std::ifstream file(std::string(GOLDEN_DIR) + "/" + name, std::ios::binary);
  REQUIRE_MESSAGE(file.good(), "missing recording " << name);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::string body(const std::string& name) {
  const std::string all = bytes(name);
  const auto end = all.find("\r\n\r\n");
  REQUIRE(end != std::string::npos);
  return all.substr(end + 4);
}

inline std::string unchunk(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find("\r\n", at);
    if (end == std::string::npos) break;
    const auto size = std::stoul(text.substr(at, end - at), nullptr, 16);
    out += text.substr(end + 2, size);
    at = end + 2 + size + 2;
  }
  return out;
}

// The RecordIO records of a recorded event stream.
inline std::vector<std::string> records(const std::string& name) {
  const std::string stream = unchunk(body(name));
  std::vector<std::string> list;
  for (std::size_t at = 0; at < stream.size();) {
    const auto end = stream.find('\n', at);
    REQUIRE(end != std::string::npos);
    const auto size = std::stoul(stream.substr(at, end - at));
    list.push_back(stream.substr(end + 1, size));
    at = end + 1 + size;
  }
  REQUIRE(!list.empty());
  return list;
}

}  // namespace transcript
