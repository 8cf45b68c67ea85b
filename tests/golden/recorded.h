// The recorded bytes of a real Mesos in tests/golden/mesos: requests as they were sent, answers as they came,
// and what is known to differ in ours (the table in tests/golden/README.md).
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wire/http.h"
#include "wire/recordio.h"

namespace recorded {

inline std::string path_of(const std::string& name) { return std::string(GOLDEN_DIR) + "/mesos/" + name; }
inline bool exists(const std::string& name) { return std::filesystem::exists(path_of(name)); }

inline std::string bytes(const std::string& name) {
  std::ifstream file(path_of(name), std::ios::binary);
  REQUIRE_MESSAGE(file.good(), "missing recording " << name);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The names without `.req` that begin so, in order.
inline std::vector<std::string> requests(const std::string& prefix) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(GOLDEN_DIR) + "/mesos")) {
    const std::string name = entry.path().stem().string();
    if (entry.path().extension() == ".req" && name.starts_with(prefix)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

struct Answer {
  mimas::wire::ResponseHead head;
  std::string body;  // decoded; of a stream as far as it went
  bool stream() const { return !mimas::wire::find_header(head.headers, "Transfer-Encoding").empty(); }
  std::string_view header(std::string_view name) const {
    return mimas::wire::find_header(head.headers, name);
  }
  std::vector<std::string> records() const {
    mimas::wire::RecordReader reader;
    std::vector<std::string> list;
    REQUIRE(reader.feed(body, list).ok());
    return list;
  }
};

// The answers in these bytes: one, but for pipelined requests.
inline std::vector<Answer> answers(std::string_view text) {
  std::vector<Answer> list;
  while (!text.empty()) {
    // The parser refuses encodings nobody asked for; here somebody had.
    std::string plain(text);
    if (const auto at = plain.find("Content-Encoding: gzip\r\n"); at != std::string::npos)
      plain.replace(at, 24, "Content-Was-In: gzip  \r\n");
    mimas::wire::ResponseParser parser;
    Answer& answer = list.emplace_back();
    const auto used = parser.feed(plain, answer.body);
    REQUIRE(used.ok());
    REQUIRE(parser.head_complete());
    answer.head = parser.head();
    text.remove_prefix(*used);
  }
  return list;
}

// Answers that were the same bytes as another's are kept under its name.
inline std::string kept_as(const std::string& name) {
  static const std::map<std::string, std::string> same = {
      {"a02-wrong-password", "a01-no-credentials"},
      {"a03-unknown-user", "a01-no-credentials"},
      {"a04-not-basic", "a01-no-credentials"},
      {"a05-garbled", "a01-no-credentials"},
      {"e28-gzip-request", "e27-chunked-request"},
      {"xa-executor-err-no-content-type", "xa-executor-err-bad-content-type"},
      {"xa-executor-err-no-token", "xa-executor-err-bad-content-type"},
      {"z0-elected-not-recovered-revive", "z0-elected-not-recovered-subscribe"},
      {"z0-elected-not-recovered-revive-sid", "z0-elected-not-recovered-subscribe"},
      {"z1-standby-revive", "z1-standby-subscribe"},
      {"z1-standby-revive-sid", "z1-standby-subscribe"},
      {"z5-no-leader-revive", "z5-no-leader-subscribe"},
      {"z5-no-leader_redirect", "z5-no-leader-revive-sid"},
      {"z5-no-leader_slaves", "z5-no-leader-revive-sid"},
      {"z5-no-leader_state", "z5-no-leader-revive-sid"},
  };
  const auto found = same.find(name);
  return found == same.end() ? name : found->second;
}

// Of the others only a 202 without a body is not kept: it is always the same.
inline std::vector<Answer> answers_of(const std::string& asked) {
  const std::string name = kept_as(asked);
  if (exists(name + ".resp")) return answers(bytes(name + ".resp"));
  return answers("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
}

// Rows "| `recording` | part | reason |" of the table. A part or recording may end in `*`.
class Differences {
 public:
  Differences() {
    std::ifstream file(std::string(GOLDEN_DIR) + "/README.md");
    REQUIRE(file.good());
    bool begun = false;
    for (std::string line; std::getline(file, line);) {
      begun = begun || line == "## What differs in ours";
      if (!begun || !line.starts_with("| `")) continue;
      const auto name_end = line.find('`', 3);
      const auto part = line.find("| ", name_end) + 2;
      const auto reason = line.find(" | ", part);
      REQUIRE_MESSAGE(reason != std::string::npos, "a row without a reason: " << line);
      rows_.push_back({line.substr(3, name_end - 3), line.substr(part, reason - part), false});
    }
  }
  bool listed(const std::string& recording, const std::string& part) {
    bool found = false;
    for (Row& row : rows_) {
      if (matches(row.recording, recording) && matches(row.part, part)) found = row.seen = true;
    }
    return found;
  }
  // Rows that nothing needed: of recordings whose names begin with one of these.
  std::vector<std::string> unused(const std::vector<std::string>& prefixes) const {
    std::vector<std::string> list;
    for (const Row& row : rows_) {
      const bool ours = std::any_of(prefixes.begin(), prefixes.end(),
                                    [&](const auto& prefix) { return row.recording.starts_with(prefix); });
      if (ours && !row.seen) list.push_back(row.recording + ": " + row.part);
    }
    return list;
  }

 private:
  struct Row {
    std::string recording;
    std::string part;
    bool seen;
  };
  static bool matches(const std::string& pattern, const std::string& text) {
    if (!pattern.ends_with("*")) return pattern == text;
    return text.starts_with(pattern.substr(0, pattern.size() - 1));
  }
  std::vector<Row> rows_;
};

}  // namespace recorded
