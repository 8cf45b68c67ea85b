// What of an answer a client could tell apart: the status, the headers that matter, the text of a body, the
// members of a JSON body and of the first two events of a stream. Ids and addresses are compared after they
// were translated.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "json/value.h"
#include "recorded.h"

namespace recorded {

// Replaces recorded ids by ours in what is sent, and the other way round in what comes back.
class Names {
 public:
  void learn(const std::string& recorded, const std::string& ours) {
    if (!recorded.empty() && !ours.empty()) ours_[recorded] = ours;
  }
  // Only names of the same length within protobuf: it counts bytes.
  std::string to_ours(std::string text, bool same_length_only) const {
    for (const auto& [recorded, ours] : ours_) {
      if (!same_length_only || recorded.size() == ours.size()) replace(text, recorded, ours);
    }
    return text;
  }
  std::string to_recorded(std::string text) const {
    for (const auto& [recorded, ours] : ours_) replace(text, ours, recorded);
    return text;
  }

 private:
  static void replace(std::string& text, const std::string& from, const std::string& to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
      text.replace(at, from.size(), to);
  }
  std::map<std::string, std::string> ours_;
};

// Members of `was` that `is` lacks or has as another kind of value. Lists are compared by their first
// elements, and an empty list says as much as none: Mesos writes some of its answers by hand and prints it.
inline void missing_members(const mimas::json::Value& was, const mimas::json::Value& is,
                            const std::string& path, std::vector<std::string>& into) {
  if (was.kind() != is.kind()) return into.push_back("member " + path + " of another kind");
  if (was.is_array()) {
    if (was.size() > 0 && is.size() > 0) missing_members(was.at(0), is.at(0), path + "[]", into);
    return;
  }
  for (std::size_t i = 0; was.is_object() && i < was.size(); ++i) {
    const std::string name = (path.empty() ? "" : path + ".") + std::string(was.name(i));
    const auto member = is.find(was.name(i));
    if (member) missing_members(was.at(i), *member, name, into);
    else if (!was.at(i).is_array() || was.at(i).size() > 0) into.push_back("member " + name);
  }
}

inline void compare_text(const std::string& was, const std::string& is, const std::string& what,
                         std::vector<std::string>& into) {
  const auto before = mimas::json::parse(was), now = mimas::json::parse(is);
  const bool event = before.ok() && before->root().is_object();
  if (!event || before->root().string_or("type", "") == "ERROR" || !now.ok()) {
    if (was != is) into.push_back(what);
    return;
  }
  missing_members(before->root(), now->root(), "", into);
}

inline std::vector<std::string> differences(const Answer& was, const Answer& is, const Names& names) {
  std::vector<std::string> list;
  if (was.head.status != is.head.status) {
    list.push_back("status " + std::to_string(is.head.status));
    return list;
  }
  for (const auto& header : was.head.headers) {
    if (header.name == "Date" || header.name == "Content-Length") continue;
    std::string ours(is.header(header.name));
    bool same = ours == header.value;
    if (header.name == "Mesos-Stream-Id") same = ours.size() == header.value.size();
    if (header.name == "Location") same = ours == names.to_ours(header.value, false);
    if (!same) list.push_back("header " + header.name);
  }
  for (const char* name : {"Allow", "WWW-Authenticate", "Location", "Mesos-Stream-Id", "Content-Encoding"}) {
    if (was.header(name).empty() && !is.header(name).empty()) list.push_back(std::string("header ") + name);
  }
  if (!was.stream()) {
    compare_text(was.body, names.to_recorded(is.body), "body", list);
    return list;
  }
  if (was.header("Content-Type") != "application/json") return list;  // protobuf: see the streams
  // Which of HEARTBEAT and OFFERS comes second is chance.
  const auto before = was.records(), now = is.records();
  if (before.empty() != now.empty()) list.push_back("event 1");
  if (!before.empty() && !now.empty()) compare_text(before[0], names.to_recorded(now[0]), "event 1", list);
  return list;
}

}  // namespace recorded
