// The members of one object by name. Built once, in n log n; after that a name costs a logarithm, where
// Value::find walks over all members. For objects that come from outside, which are asked for many names and
// may have as many as the sender likes. Valid as long as the Document. Not thread-safe. Tested in
// tests/json/members_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "json/value.h"

namespace mimas::json {

class Members {
 public:
  explicit Members(const Value& object);  // of anything else: none

  std::optional<Value> find(std::string_view name) const;  // as Value::find: the last of doubled names wins

  // By name, each name once, however often it is given; of those that are doubled, the last.
  struct Member {
    std::string_view name;
    std::size_t place = 0;  // Value::at(place)
    bool doubled = false;
  };
  const std::vector<Member>& all() const { return members_; }
  const Value& object() const { return object_; }

 private:
  Value object_;
  std::vector<Member> members_;
};

// How many members, elements and containers this thread has walked over so far in search of names and of
// pointers. Tests hold by it that what a body costs follows its size, and nothing else.
std::uint64_t nodes_walked();

}  // namespace mimas::json
