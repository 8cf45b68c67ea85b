#include "api/projection.h"

#include <map>

#include "json/value.h"
#include "json/writer.h"

namespace mimas::api {
namespace {

constexpr int kSegmentsMax = 4;

// What to keep of an object, by member; a member without members of its own is kept whole.
struct Kept {
  std::map<std::string, Kept, std::less<>> members;
  bool whole = false;
};

void add_path(Kept& root, std::string_view path) {
  Kept* at = &root;
  for (int depth = 0; depth < kSegmentsMax; ++depth) {
    const std::size_t dot = path.find('.');
    at = &at->members[std::string(path.substr(0, dot))];
    if (dot == std::string_view::npos) break;
    path.remove_prefix(dot + 1);
  }
  at->whole = true;
}

// Recursion is as deep as the longest path, kSegmentsMax, plus one for each array on the way.
void write_kept(json::Writer& out, const json::Value& value, const Kept& kept) {
  if (kept.whole || (!value.is_object() && !value.is_array())) {
    out.raw(value.dump());
  } else if (value.is_array()) {
    out.begin_array();
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (value.at(i).is_object()) write_kept(out, value.at(i), kept);
    }
    out.end_array();
  } else {
    out.begin_object();
    for (std::size_t i = 0; i < value.size(); ++i) {
      const auto member = kept.members.find(value.name(i));
      if (member == kept.members.end()) continue;
      out.key(value.name(i));
      write_kept(out, value.at(i), member->second);
    }
    out.end_object();
  }
}

}  // namespace

std::string project_fields(std::string_view text, const std::vector<std::string>& paths) {
  const auto document = json::parse(text, {.bytes_max = SIZE_MAX});
  ASSERT(document.ok());
  Kept root;
  root.members["id"].whole = true;
  for (const std::string& path : paths) add_path(root, path);
  json::Writer out;
  write_kept(out, document->root(), root);
  return out.take();
}

}  // namespace mimas::api
