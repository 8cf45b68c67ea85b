// The recordings of a real master (tests/golden/mesos) as responses and event records.
#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "wire/http.h"
#include "wire/recordio.h"

namespace recording {

inline std::string bytes(const std::string& name) {
  std::ifstream file(std::string(GOLDEN_DIR) + "/" + name, std::ios::binary);
  REQUIRE_MESSAGE(file.good(), "missing recording " << name);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Answer {
  mimas::wire::ResponseHead head;
  std::string body;
};

inline Answer answer(const std::string& name) {
  mimas::wire::ResponseParser parser;
  Answer out;
  REQUIRE(parser.feed(bytes(name), out.body).ok());
  REQUIRE(parser.head_complete());
  out.head = parser.head();
  return out;
}

inline std::vector<std::string> records(const std::string& name) {
  mimas::wire::RecordReader reader;
  std::vector<std::string> list;
  REQUIRE(reader.feed(answer(name).body, list).ok());
  REQUIRE(!list.empty());
  return list;
}

inline std::string request_body(const std::string& name) {
  const std::string all = bytes(name);
  return all.substr(all.find("\r\n\r\n") + 4);
}

}  // namespace recording
