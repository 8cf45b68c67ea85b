// The only door to RapidJSON (which aborts the process when asked for the wrong type; hence the door).
// Parsing is iterative with limits on size and depth; a Value is a read-only view into a Document and answers
// every question with a Result whose `where` is a JSON pointer (RFC 6901). Compiles without exceptions: the
// executor carries it. Tested in tests/json.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mimas::json {

struct ParseLimits {
  std::size_t bytes_max = 8u << 20;
  int depth_max = 200;            // Mesos's own nesting limit (mesos-protocol §0.3)
  bool replace_bad_utf8 = false;  // true: invalid UTF-8 becomes U+FFFD (bytes from a peer); false: an error
};

enum class Kind { null, boolean, number, string, array, object };
std::string_view kind_name(Kind kind);  // "an object", "a string", … for error texts

class Document;

// A node of a Document. Cheap to copy; valid as long as its Document lives. Navigation costs no allocation:
// the pointer in an Error is found in an index of the tree, which the first failed getter makes and pays for;
// so a document whose getters may fail belongs to one thread.
class Value {
 public:
  Kind kind() const;
  bool is_null() const { return kind() == Kind::null; }
  bool is_object() const { return kind() == Kind::object; }
  bool is_array() const { return kind() == Kind::array; }
  bool is_string() const { return kind() == Kind::string; }
  bool is_number() const { return kind() == Kind::number; }
  bool is_bool() const { return kind() == Kind::boolean; }
  bool is_integer() const;  // a number that fits int64 without loss ("5", "5.0"), never 5.5

  std::string pointer() const;  // "/tasks/0/name"; "" for the root

  // Containers. size() is 0 for scalars. For objects `at(i)`/`name(i)` go in the order of the text.
  std::size_t size() const;
  Value at(std::size_t index) const;               // ASSERTs index < size()
  std::string_view name(std::size_t index) const;  // objects only
  // The last one wins among duplicates; nullopt if absent or not an object. Walks over the members: whoever
  // asks an object from outside for many names does so by json::Members.
  std::optional<Value> find(std::string_view name) const;

  // Typed getters: an Error with Code::invalid_argument, our pointer, and "expected a string, found a
  // number".
  Result<std::string_view> string() const;
  Result<bool> boolean() const;
  Result<std::int64_t> int64() const;
  Result<std::uint64_t> uint64() const;
  Result<double> number() const;
  Result<Value> array() const;                        // itself, if it is an array
  Result<Value> object() const;                       // itself, if it is an object
  Result<Value> member(std::string_view name) const;  // required member: "missing required field"

  // Lenient twins for peers' messages: absent, null or of another type answers the default.
  std::string_view string_or(std::string_view name, std::string_view otherwise) const;
  std::int64_t int64_or(std::string_view name, std::int64_t otherwise) const;
  double number_or(std::string_view name, double otherwise) const;
  bool bool_or(std::string_view name, bool otherwise) const;

  std::string dump() const;  // compact text of this subtree

 private:
  friend class Document;
  Value(const void* node, const void* tree) : node_(node), tree_(tree) {}
  Error mismatch(std::string_view expected) const;
  const void* node_;
  const void* tree_;
};

class Document {
 public:
  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  ~Document();

  Value root() const;

 private:
  friend class Value;
  friend Result<Document> parse(std::string_view text, const ParseLimits& limits);
  struct Tree;
  explicit Document(std::unique_ptr<Tree> tree);
  std::unique_ptr<Tree> tree_;
};

// Errors: too_large over bytes_max; invalid_argument with "line L, column C: …" for syntax, depth,
// NUL-in-key, trailing text. Never recurses, never throws, accepts any bytes.
Result<Document> parse(std::string_view text, const ParseLimits& limits = {});

}  // namespace mimas::json
