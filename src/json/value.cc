#include "json/value.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

#include "json/rapid.h"
#include "json/tree.h"
#include "json/walked.h"
#include "json/writer.h"

namespace mimas::json {
namespace {

const Node& as_node(const void* node) { return *static_cast<const Node*>(node); }

std::string_view text_of(const Node& node) { return {node.GetString(), node.GetStringLength()}; }

std::size_t children(const Node& node) {
  return node.IsArray() ? node.Size() : node.IsObject() ? node.MemberCount() : 0;
}

const Node& child(const Node& node, std::size_t index) {
  if (node.IsArray()) return node.Begin()[index];
  return (node.MemberBegin() + static_cast<std::ptrdiff_t>(index))->value;
}

std::string_view member_name(const Node& node, std::size_t index) {
  return text_of((node.MemberBegin() + static_cast<std::ptrdiff_t>(index))->name);
}

// One level of a walk over the tree: `next` is the child to visit next.
struct Level {
  const Node* node;
  std::size_t next;
};

// RFC 6901 §3.
void append_pointer_token(std::string_view name, std::string& out) {
  out += '/';
  for (char c : name) {
    if (c == '~') out += "~0";
    else if (c == '/') out += "~1";
    else out += c;
  }
}

void write_scalar(const Node& node, Writer& out) {
  switch (node.GetType()) {
    case rapidjson::kNullType: out.null(); return;
    case rapidjson::kFalseType: out.boolean(false); return;
    case rapidjson::kTrueType: out.boolean(true); return;
    case rapidjson::kStringType: out.string(text_of(node)); return;
    case rapidjson::kNumberType:
      if (node.IsInt64()) out.int64(node.GetInt64());
      else if (node.IsUint64()) out.uint64(node.GetUint64());
      else out.number(node.GetDouble());
      return;
    case rapidjson::kObjectType:
    case rapidjson::kArrayType: return;
  }
}

// A double that is a whole number, in [low, high) (both exact as doubles).
bool is_whole_between(const Node& node, double low, double high) {
  if (!node.IsDouble()) return false;
  const double value = node.GetDouble();
  return value >= low && value < high && value == __builtin_trunc(value);
}

constexpr double kTwo63 = 9223372036854775808.0;
constexpr double kTwo64 = 18446744073709551616.0;

}  // namespace

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::null: return "null";
    case Kind::boolean: return "a boolean";
    case Kind::number: return "a number";
    case Kind::string: return "a string";
    case Kind::array: return "an array";
    case Kind::object: return "an object";
  }
  return "a value";
}

Kind Value::kind() const {
  switch (as_node(node_).GetType()) {
    case rapidjson::kNullType: return Kind::null;
    case rapidjson::kFalseType:
    case rapidjson::kTrueType: return Kind::boolean;
    case rapidjson::kObjectType: return Kind::object;
    case rapidjson::kArrayType: return Kind::array;
    case rapidjson::kStringType: return Kind::string;
    case rapidjson::kNumberType: return Kind::number;
  }
  return Kind::null;
}

bool Value::is_integer() const {
  const Node& node = as_node(node_);
  return node.IsInt64() || is_whole_between(node, -kTwo63, kTwo63);
}

namespace {

std::uintptr_t address(const void* node) { return reinterpret_cast<std::uintptr_t>(node); }

// What container the node is a child of; past the end of the nests for the root.
template <class Nests>
auto nest_of(const Nests& nests, const Node* node) {
  const auto after = std::upper_bound(nests.begin(), nests.end(), address(node),
                                      [](std::uintptr_t at, const auto& nest) { return at < nest.begin; });
  if (after == nests.begin()) return nests.end();
  return address(node) < std::prev(after)->end ? std::prev(after) : nests.end();
}

template <class Nests>
void make_nests(const Node& root, Nests& nests) {
  std::vector<Level> path{{&root, 0}};
  while (!path.empty()) {
    Level& level = path.back();
    const std::size_t count = children(*level.node);
    if (level.next == 0 && count > 0) {
      const void* const begin = level.node->IsArray() ? static_cast<const void*>(level.node->Begin())
                                                      : static_cast<const void*>(&*level.node->MemberBegin());
      const std::size_t stride = level.node->IsArray() ? sizeof(Node) : sizeof(*level.node->MemberBegin());
      nests.push_back({address(begin), address(begin) + count * stride, level.node});
    }
    ++walked;
    while (level.next < count && children(child(*level.node, level.next)) == 0) ++level.next, ++walked;
    if (level.next == count) {
      path.pop_back();
    } else {
      path.push_back({&child(*level.node, level.next++), 0});
    }
  }
  std::sort(nests.begin(), nests.end(), [](const auto& a, const auto& b) { return a.begin < b.begin; });
}

}  // namespace

std::string Value::pointer() const {
  auto& tree = *static_cast<Document::Tree*>(const_cast<void*>(tree_));
  if (tree.nests.empty()) make_nests(tree.dom, tree.nests);
  std::vector<std::string> steps;
  const Node* node = &as_node(node_);
  for (auto nest = nest_of(tree.nests, node); nest != tree.nests.end(); nest = nest_of(tree.nests, node)) {
    const bool list = nest->container->IsArray();
    const std::size_t stride = list ? sizeof(Node) : sizeof(*nest->container->MemberBegin());
    const std::size_t index = (address(node) - nest->begin) / stride;
    steps.emplace_back();
    append_pointer_token(list ? std::to_string(index) : std::string(member_name(*nest->container, index)),
                         steps.back());
    node = nest->container;
  }
  std::string out;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) out += *step;
  return out;
}

std::size_t Value::size() const { return children(as_node(node_)); }

Value Value::at(std::size_t index) const {
  ASSERT(index < size());
  return Value(&child(as_node(node_), index), tree_);
}

std::string_view Value::name(std::size_t index) const {
  ASSERT(is_object() && index < size());
  return member_name(as_node(node_), index);
}

std::optional<Value> Value::find(std::string_view wanted) const {
  if (!is_object()) return std::nullopt;
  const Node& node = as_node(node_);
  const std::size_t count = node.MemberCount();
  for (std::size_t i = count; i-- > 0;) {
    if (member_name(node, i) != wanted) continue;
    walked += count - i;
    return Value(&child(node, i), tree_);
  }
  walked += count;
  return std::nullopt;
}

Error Value::mismatch(std::string_view expected) const {
  const Node& node = as_node(node_);
  std::string found(kind_name(kind()));
  // For numbers the value says more: "expected an integer, found 5.5".
  if (node.IsNumber() && expected.find("integer") != std::string_view::npos) found = dump();
  return make_error(Code::invalid_argument, "expected " + std::string(expected) + ", found " + found,
                    pointer());
}

Result<std::string_view> Value::string() const {
  if (!is_string()) return mismatch("a string");
  return text_of(as_node(node_));
}

Result<bool> Value::boolean() const {
  if (!is_bool()) return mismatch("a boolean");
  return as_node(node_).GetBool();
}

Result<std::int64_t> Value::int64() const {
  const Node& node = as_node(node_);
  if (node.IsInt64()) return node.GetInt64();
  if (is_whole_between(node, -kTwo63, kTwo63)) return static_cast<std::int64_t>(node.GetDouble());
  return mismatch("a 64-bit integer");
}

Result<std::uint64_t> Value::uint64() const {
  const Node& node = as_node(node_);
  if (node.IsUint64()) return node.GetUint64();
  if (is_whole_between(node, 0.0, kTwo64)) return static_cast<std::uint64_t>(node.GetDouble());
  return mismatch("a non-negative 64-bit integer");
}

Result<double> Value::number() const {
  if (!is_number()) return mismatch("a number");
  return as_node(node_).GetDouble();
}

Result<Value> Value::array() const {
  if (!is_array()) return mismatch("an array");
  return *this;
}

Result<Value> Value::object() const {
  if (!is_object()) return mismatch("an object");
  return *this;
}

Result<Value> Value::member(std::string_view wanted) const {
  if (!is_object()) return mismatch("an object");
  if (auto found = find(wanted)) return *found;
  std::string where = pointer();
  append_pointer_token(wanted, where);
  return make_error(Code::invalid_argument, "missing required field", std::move(where));
}

std::string_view Value::string_or(std::string_view wanted, std::string_view otherwise) const {
  const auto found = find(wanted);
  return found && found->is_string() ? text_of(as_node(found->node_)) : otherwise;
}

std::int64_t Value::int64_or(std::string_view wanted, std::int64_t otherwise) const {
  const auto found = find(wanted);
  return found && found->is_integer() ? *found->int64() : otherwise;
}

double Value::number_or(std::string_view wanted, double otherwise) const {
  const auto found = find(wanted);
  return found && found->is_number() ? as_node(found->node_).GetDouble() : otherwise;
}

bool Value::bool_or(std::string_view wanted, bool otherwise) const {
  const auto found = find(wanted);
  return found && found->is_bool() ? as_node(found->node_).GetBool() : otherwise;
}

std::string Value::dump() const {
  Writer out;
  std::vector<Level> path;
  const auto open = [&](const Node& node) {
    if (node.IsObject()) out.begin_object();
    else if (node.IsArray()) out.begin_array();
    else return write_scalar(node, out);
    path.push_back({&node, 0});
  };
  open(as_node(node_));
  while (!path.empty()) {
    Level& level = path.back();
    if (level.next == children(*level.node)) {
      if (level.node->IsObject()) out.end_object();
      else out.end_array();
      path.pop_back();
      continue;
    }
    const std::size_t index = level.next++;
    if (level.node->IsObject()) out.key(member_name(*level.node, index));
    open(child(*level.node, index));
  }
  return out.take();
}

Document::Document(std::unique_ptr<Tree> tree) : tree_(std::move(tree)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

Value Document::root() const {
  const Node* node = &tree_->dom;
  return Value(node, tree_.get());
}

}  // namespace mimas::json
