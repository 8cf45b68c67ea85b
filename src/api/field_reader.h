// One JSON object of a request body, read field by field. Every getter notes the name as known, reports what
// is wrong into the shared Faults and then answers the default, so that reading goes on and all faults are
// found. null always reads as absent, and so does the empty value of the wanted type ("", [], {}, 0 where it
// is not in range). What reading costs follows the size of the object: its names are put in order once. Not
// thread-safe; valid as long as the Document behind the object. Tested in tests/api/field_reader_test.cc.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/faults.h"
#include "api/job_limits.h"
#include "json/members.h"
#include "json/value.h"

namespace mimas::api {

class FieldReader {
 public:
  FieldReader(const json::Value& object, Faults& faults) : members_(object), faults_(faults) {}

  // The raw member, null read as absent. With an alias: if both are set and differ, that is a fault of the
  // alias.
  std::optional<json::Value> take(std::string_view name);
  std::optional<json::Value> take(std::string_view name, std::string_view alias);
  // As it stands there, null too; does not make the name known.
  std::optional<json::Value> find(std::string_view name) const { return members_.find(name); }
  bool has(std::string_view name) const;  // present and not null; does not make the name known

  std::string text(std::string_view name, std::size_t bytes_max = kTextBytesMax);
  std::string required_text(std::string_view name, std::size_t bytes_max = kTextBytesMax);
  bool flag(std::string_view name, bool otherwise);
  std::int64_t number(const NumberLimit& limit, std::string_view alias = {});
  // A count where 0 is a value of its own; nullopt if absent or faulty.
  std::optional<std::int64_t> count(std::string_view name, std::int64_t most);

  // After all getters: every other member is a fault with a guess at what was meant, or, if lenient, only
  // listed.
  void refuse_unknown(bool lenient, std::vector<std::string>& ignored);

  Faults& faults() { return faults_; }

 private:
  json::Members members_;
  Faults& faults_;
  std::vector<std::string_view> known_;
};

// A request body as an object, or one fault about the whole of it.
std::optional<json::Document> parse_body(std::string_view body, Faults& faults);

// null, false, 0, "", [], {}: what an unset field may look like (titus-api §1).
bool is_unset(const json::Value& value);

// Whole number within [least, most], or nullopt with a fault.
std::optional<std::int64_t> whole_number(const json::Value& value, std::int64_t least, std::int64_t most,
                                         Faults& faults);
// Text of a value, or nullopt with a fault. Control characters are refused unless `any_text` (a shell line
// may have line breaks); NUL never passes.
std::optional<std::string> plain_text(const json::Value& value, std::size_t bytes_max, bool any_text,
                                      Faults& faults);
// An array of at most `most` elements, or nullopt with a fault.
std::optional<json::Value> bounded_list(const json::Value& value, std::size_t most, Faults& faults);

// A member that maps names to texts, null values read as "" (titus §1.2).
struct MapRule {
  std::string_view field;
  std::size_t entries_max;
  std::size_t value_bytes_max;
  bool any_text;  // values may hold line breaks
};
std::map<std::string, std::string> read_text_map(FieldReader& in, const MapRule& rule);

std::string type_fault(std::string_view wanted,
                       const json::Value& found);  // "expected a string, found a number"

}  // namespace mimas::api
