#include "v1/codec.h"

#include <google/protobuf/message.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/unknown_field_set.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "json/value.h"
#include "json/writer.h"
#include "v1/json_mapping.h"

namespace mimas::v1 {
namespace {

// What was wrong with a body stands in Error::where, so that refusal_text() can choose Mesos's prefix.
constexpr std::string_view kSyntax = "JSON";
constexpr std::string_view kFields = "fields";
constexpr std::string_view kBinary = "protobuf";

Error refuse(std::string_view kind, std::string message) {
  return make_error(Code::invalid_argument, std::move(message), std::string(kind));
}

std::size_t number_after(std::string_view text, std::string_view word) {
  const auto at = text.find(word);
  std::size_t number = 0;
  if (at != std::string_view::npos) {
    const char* first = text.data() + at + word.size();
    std::from_chars(first, text.data() + text.size(), number);
  }
  return number;
}

// Mesos says "syntax error at line 1 near: " and what was left of the text when its parser gave up.
std::string syntax_text(std::string_view bytes, const Error& error) {
  const std::size_t line = std::max<std::size_t>(1, number_after(error.message, "line "));
  const std::size_t column = number_after(error.message, "column ");
  std::size_t at = 0;
  for (std::size_t i = 1; i < line && at < bytes.size(); ++i) {
    const auto end = bytes.find('\n', at);
    at = end == std::string_view::npos ? bytes.size() : end + 1;
  }
  at = std::min(bytes.size(), at + (column > 0 ? column - 1 : 0));
  constexpr std::size_t kNear = 64;
  return "syntax error at line " + std::to_string(line) + " near: " + std::string(bytes.substr(at, kNear));
}

Status from_json(std::string_view bytes, Tolerance tolerance, google::protobuf::Message* into) {
  json::ParseLimits limits;
  limits.bytes_max = kMessageBytesMax;
  limits.replace_bad_utf8 = true;
  const auto parsed = json::parse(bytes, limits);
  if (!parsed.ok()) {
    if (parsed.error().code == Code::too_large) return parsed.error();
    return refuse(kSyntax, syntax_text(bytes, parsed.error()));
  }
  if (Status status = read_json(parsed->root(), tolerance, into); !status.ok()) {
    return refuse(kFields, status.error().message);
  }
  if (tolerance == Tolerance::as_mesos && !into->IsInitialized()) {
    return refuse(kFields, "Missing required fields: " + into->InitializationErrorString());
  }
  return Done{};
}

// It writes a line to stderr for every string that is not UTF-8: a peer must not fill our log so.
void silence_protobuf() {
  [[maybe_unused]] static const bool once = (google::protobuf::SetLogHandler(nullptr), true);
}

Status from_protobuf(std::string_view bytes, Tolerance tolerance, google::protobuf::Message* into) {
  silence_protobuf();
  const int size = static_cast<int>(bytes.size());
  if (!into->ParsePartialFromArray(bytes.data(), size)) {
    return refuse(kBinary, "Failed to parse body into Call protobuf");
  }
  // Asked for here and not inside the parser, which would write a log line of its own.
  if (tolerance == Tolerance::as_mesos && !into->IsInitialized()) {
    return refuse(kBinary, "Failed to parse body into Call protobuf");
  }
  return Done{};
}

Status decode_as(std::string_view bytes, MediaType type, Tolerance tolerance,
                 google::protobuf::Message* into) {
  into->Clear();
  if (bytes.size() > kMessageBytesMax) {
    return make_error(Code::too_large, "message of " + std::to_string(bytes.size()) +
                                           " bytes is over the limit of " + std::to_string(kMessageBytesMax));
  }
  return type == MediaType::json ? from_json(bytes, tolerance, into) : from_protobuf(bytes, tolerance, into);
}

}  // namespace

std::string_view media_type_text(MediaType type) {
  return type == MediaType::json ? "application/json" : "application/x-protobuf";
}

std::string encode(const google::protobuf::Message& message, MediaType type) {
  if (type == MediaType::protobuf) {
    silence_protobuf();
    return message.SerializePartialAsString();
  }
  json::Writer writer;
  write_json(message, writer);
  return writer.take();
}

Status decode(std::string_view bytes, MediaType type, google::protobuf::Message* into) {
  return decode_as(bytes, type, Tolerance::as_mesos, into);
}

Status decode_tolerant(std::string_view bytes, MediaType type, google::protobuf::Message* into) {
  return decode_as(bytes, type, Tolerance::tolerant, into);
}

std::string refusal_text(const Error& error) {
  if (error.where == kSyntax) return "Failed to parse body into JSON: " + error.message;
  if (error.where == kFields) return "Failed to convert JSON into Call protobuf: " + error.message;
  return error.message;
}

std::string unknown_enum(const google::protobuf::Message& message, int field_number) {
  const auto& unknown = message.GetReflection()->GetUnknownFields(message);
  for (int i = unknown.field_count(); i-- > 0;) {
    const auto& field = unknown.field(i);
    if (field.number() != field_number) continue;
    if (field.type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED)
      return field.length_delimited();
    if (field.type() == google::protobuf::UnknownField::TYPE_VARINT) return std::to_string(field.varint());
  }
  return {};
}

}  // namespace mimas::v1
