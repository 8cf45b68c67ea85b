#include "api/field_reader.h"

#include <algorithm>

namespace mimas::api {
namespace {

bool same_value(const json::Value& a, const json::Value& b) {
  if (a.is_number() && b.is_number()) {
    const auto left = a.number(), right = b.number();
    return left.ok() && right.ok() && !(left.value() < right.value()) && !(right.value() < left.value());
  }
  return a.dump() == b.dump();
}

bool is_zero(const json::Value& value) {
  if (!value.is_integer()) return false;
  const auto number = value.int64();
  return number.ok() && number.value() == 0;
}

std::string range_text(std::int64_t least, std::int64_t most) {
  return std::to_string(least) + ".." + std::to_string(most);
}

}  // namespace

bool is_unset(const json::Value& value) {
  switch (value.kind()) {
    case json::Kind::null: return true;
    case json::Kind::boolean: return !value.boolean().value();
    case json::Kind::number: return is_zero(value);
    case json::Kind::string: return value.string().value().empty();
    case json::Kind::array:
    case json::Kind::object: return value.size() == 0;
  }
  return false;
}

std::string type_fault(std::string_view wanted, const json::Value& found) {
  return "expected " + std::string(wanted) + ", found " + std::string(json::kind_name(found.kind()));
}

std::optional<std::int64_t> whole_number(const json::Value& value, std::int64_t least, std::int64_t most,
                                         Faults& faults) {
  if (!value.is_number()) {
    faults.at(value, type_fault("a whole number", value), range_text(least, most));
    return std::nullopt;
  }
  const bool whole = value.is_integer();
  const std::int64_t number = whole ? value.int64().value() : 0;
  if (whole && number >= least && number <= most) return number;
  faults.at(value, "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most),
            range_text(least, most));
  return std::nullopt;
}

std::optional<std::string> plain_text(const json::Value& value, std::size_t bytes_max, bool any_text,
                                      Faults& faults) {
  if (!value.is_string()) {
    faults.at(value, type_fault("a string", value));
    return std::nullopt;
  }
  const std::string_view text = value.string().value();
  if (text.size() > bytes_max) {
    faults.at(value, "must not be longer than " + std::to_string(bytes_max) + " bytes",
              std::to_string(bytes_max));
    return std::nullopt;
  }
  if (text.find('\0') != std::string_view::npos) {
    faults.at(value, "must not contain the character U+0000");
    return std::nullopt;
  }
  const std::string wrong = any_text ? std::string() : text_fault(text, bytes_max);
  if (!wrong.empty()) {
    faults.at(value, wrong);
    return std::nullopt;
  }
  return std::string(text);
}

std::optional<json::Value> bounded_list(const json::Value& value, std::size_t most, Faults& faults) {
  if (!value.is_array()) {
    faults.at(value, type_fault("an array", value));
    return std::nullopt;
  }
  if (value.size() > most) {
    faults.at(value, "must not have more than " + std::to_string(most) + " elements", std::to_string(most));
    return std::nullopt;
  }
  return value;
}

namespace {

// A member that is there twice: which of the two was meant, nobody can know. As deep as kBodyDepthMax.
void refuse_doubled(const json::Value& value, Faults& faults) {
  for (std::size_t i = 0; i < value.size(); ++i) refuse_doubled(value.at(i), faults);
  const json::Members members(value);
  for (const json::Members::Member& member : members.all()) {
    if (member.doubled) faults.at(value.at(member.place), "is given twice in one object");
  }
}

}  // namespace

std::optional<json::Document> parse_body(std::string_view body, Faults& faults) {
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    faults.add("", "the body is empty, expected a JSON object");
    return std::nullopt;
  }
  auto document = json::parse(body, {.bytes_max = kBodyBytesMax, .depth_max = kBodyDepthMax});
  if (!document.ok()) {
    const Error& error = document.error();
    faults.add("", "the body is not JSON that is accepted here: " + error.message, "",
               error.code == Code::too_large ? std::to_string(kBodyBytesMax) : "");
    return std::nullopt;
  }
  if (!document->root().is_object()) {
    faults.at(document->root(), type_fault("an object", document->root()));
    return std::nullopt;
  }
  refuse_doubled(document->root(), faults);
  return std::move(document).value();
}

std::optional<json::Value> FieldReader::take(std::string_view name) {
  known_.push_back(name);
  auto found = members_.find(name);
  if (!found || found->is_null()) return std::nullopt;
  return found;
}

std::optional<json::Value> FieldReader::take(std::string_view name, std::string_view alias) {
  auto canonical = take(name);
  auto other = take(alias);
  if (!other || (canonical && is_unset(*other))) return canonical;
  if (!canonical || is_unset(*canonical)) return other;
  if (!same_value(*canonical, *other)) {
    faults_.at(*other, "is another word for `" + std::string(name) + "`, but the two differ",
               canonical->dump());
  }
  return canonical;
}

bool FieldReader::has(std::string_view name) const {
  const auto found = members_.find(name);
  return found && !found->is_null();
}

std::string FieldReader::text(std::string_view name, std::size_t bytes_max) {
  const auto found = take(name);
  if (!found) return {};
  return plain_text(*found, bytes_max, false, faults_).value_or("");
}

std::string FieldReader::required_text(std::string_view name, std::size_t bytes_max) {
  const std::size_t before = faults_.count();
  std::string answer = text(name, bytes_max);
  if (answer.empty() && faults_.count() == before) faults_.add("/" + pointer_segment(name), "is required");
  return answer;
}

bool FieldReader::flag(std::string_view name, bool otherwise) {
  const auto found = take(name);
  if (!found) return otherwise;
  if (found->is_bool()) return found->boolean().value();
  faults_.at(*found, type_fault("true or false", *found));
  return otherwise;
}

std::int64_t FieldReader::number(const NumberLimit& limit, std::string_view alias) {
  const auto found = alias.empty() ? take(limit.field) : take(limit.field, alias);
  if (!found || (limit.zero_is_open && is_zero(*found))) return limit.fallback;
  if (limit.least > 0 && is_zero(*found)) {
    std::string text = "must be a whole number from " + std::to_string(limit.least) + " to " +
                       std::to_string(limit.most) + "; left out it is " + std::to_string(limit.fallback);
    if (!limit.instead.empty()) text += ", and " + std::string(limit.instead);
    faults_.at(*found, std::move(text), range_text(limit.least, limit.most));
    return limit.fallback;
  }
  return whole_number(*found, limit.least, limit.most, faults_).value_or(limit.fallback);
}

std::optional<std::int64_t> FieldReader::count(std::string_view name, std::int64_t most) {
  const auto found = take(name);
  if (!found) return std::nullopt;
  return whole_number(*found, 0, most, faults_);
}

void FieldReader::refuse_unknown(bool lenient, std::vector<std::string>& ignored) {
  std::ranges::sort(known_);
  for (const json::Members::Member& member : members_.all()) {
    if (std::ranges::binary_search(known_, member.name)) continue;
    if (!lenient) {
      faults_.at(members_.object().at(member.place), "unknown field" + faults_.guess(member.name, known_));
    } else if (ignored.size() < kFaultsMax) {
      ignored.push_back(cut_text(member.name, kTextBytesMax));
    }
  }
}

std::map<std::string, std::string> read_text_map(FieldReader& in, const MapRule& rule) {
  std::map<std::string, std::string> out;
  const auto found = in.take(rule.field);
  if (!found || (found->is_array() && found->size() == 0)) return out;
  Faults& faults = in.faults();
  if (!found->is_object()) {
    faults.at(*found, type_fault("an object of strings", *found));
    return out;
  }
  if (found->size() > rule.entries_max) {
    faults.at(*found, "must not have more than " + std::to_string(rule.entries_max) + " entries",
              std::to_string(rule.entries_max));
    return out;
  }
  for (std::size_t i = 0; i < found->size(); ++i) {
    const std::string_view name = found->name(i);
    const json::Value value = found->at(i);
    const std::string wrong = name.empty() ? "must not be empty" : text_fault(name, kTextBytesMax);
    if (!wrong.empty()) faults.at(value, "its name " + wrong);
    if (value.is_null()) {
      out[std::string(name)] = "";
    } else if (auto text = plain_text(value, rule.value_bytes_max, rule.any_text, faults)) {
      out[std::string(name)] = std::move(*text);
    }
  }
  return out;
}

}  // namespace mimas::api
