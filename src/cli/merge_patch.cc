// `mimas change --set`: members by their dotted names → a merge patch (RFC 7396).
#include <map>
#include <utility>
#include <vector>

#include "cli/client_commands.h"
#include "json/value.h"
#include "json/writer.h"

namespace mimas::cli {
namespace {

// A member that is set, or holds members that are.
struct Node {
  std::string name;
  std::string json;  // empty: an object of `members`
  std::vector<Node> members;
  std::map<std::string, std::size_t> places;  // of the members, by name: there may be as many as a line holds
};

Node* member_of(Node& of, const std::string& name) {
  const auto [place, is_new] = of.places.emplace(name, of.members.size());
  if (is_new) of.members.push_back({name, "", {}, {}});
  return &of.members[place->second];
}

std::string as_json(const std::string& value) {
  if (json::parse(value).ok()) return value;
  json::Writer text;
  text.string(value);
  return text.take();
}

void write(json::Writer& out, const std::vector<Node>& members) {
  out.begin_object();
  for (const Node& one : members) {
    out.key(one.name);
    if (one.json.empty()) {
      write(out, one.members);
    } else {
      out.raw(one.json);
    }
  }
  out.end_object();
}

Error wrong(const std::string& set, const char* why) {
  return make_error(Code::invalid_argument, why, "--set " + set, "as in retries=3 or labels.team=web");
}

}  // namespace

Result<std::string> merge_patch(const std::vector<std::string>& sets) {
  Node root;
  for (const std::string& set : sets) {
    const std::size_t equals = set.find('=');
    if (equals == std::string::npos) return wrong(set, "is not NAME=VALUE");
    Node* node = &root;
    for (std::size_t at = 0; at <= equals;) {
      const std::size_t end = std::min(set.find('.', at), equals);
      if (end == at) return wrong(set, "has an empty name");
      if (!node->json.empty()) return wrong(set, "goes into what another --set has given a value");
      node = member_of(*node, set.substr(at, end - at));
      at = end + 1;
    }
    if (!node->json.empty() || !node->members.empty()) return wrong(set, "is set twice");
    node->json = as_json(set.substr(equals + 1));
  }
  json::Writer out;
  write(out, root.members);
  return out.take();
}

}  // namespace mimas::cli
