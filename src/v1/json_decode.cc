#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/unknown_field_set.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/base64.h"
#include "v1/json_mapping.h"

namespace mimas::v1 {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

Error refused(const std::string& what, const FieldDescriptor* field) {
  return make_error(Code::invalid_argument, what + " for field '" + field->name() + "'");
}

// Sets a singular field or appends to a repeated one.
template <class T, class Set, class Add>
Status store(Message* into, const FieldDescriptor* field, T value, Set set, Add add) {
  const Reflection* reflection = into->GetReflection();
  if (field->is_repeated()) {
    (reflection->*add)(into, field, std::move(value));
  } else {
    (reflection->*set)(into, field, std::move(value));
  }
  return Done{};
}

template <class T>
std::optional<T> whole(json::Value value) {
  if constexpr (std::is_signed_v<T>) {
    const auto number = value.int64();
    if (!number.ok() || *number < std::numeric_limits<T>::min() || *number > std::numeric_limits<T>::max())
      return {};
    return static_cast<T>(*number);
  } else {
    const auto number = value.uint64();
    if (!number.ok() || *number > std::numeric_limits<T>::max()) return {};
    return static_cast<T>(*number);
  }
}

Status read_number(json::Value value, const FieldDescriptor* field, Message* into) {
  const auto out_of_range = [field] { return refused("Expecting an integer in range", field); };
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      if (const auto n = whole<std::int32_t>(value)) {
        return store(into, field, *n, &Reflection::SetInt32, &Reflection::AddInt32);
      }
      return out_of_range();
    case FieldDescriptor::CPPTYPE_INT64:
      if (const auto n = whole<std::int64_t>(value)) {
        return store(into, field, *n, &Reflection::SetInt64, &Reflection::AddInt64);
      }
      return out_of_range();
    case FieldDescriptor::CPPTYPE_UINT32:
      if (const auto n = whole<std::uint32_t>(value)) {
        return store(into, field, *n, &Reflection::SetUInt32, &Reflection::AddUInt32);
      }
      return out_of_range();
    case FieldDescriptor::CPPTYPE_UINT64:
      if (const auto n = whole<std::uint64_t>(value)) {
        return store(into, field, *n, &Reflection::SetUInt64, &Reflection::AddUInt64);
      }
      return out_of_range();
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      const auto number = value.number();
      if (!number.ok()) return refused("Expecting a number", field);
      return store(into, field, *number, &Reflection::SetDouble, &Reflection::AddDouble);
    }
    default: return refused("Not expecting a JSON number", field);
  }
}

bool is_numeric(const FieldDescriptor* field) {
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64:
    case FieldDescriptor::CPPTYPE_DOUBLE: return true;
    default: return false;
  }
}

// "5" for a number field.
Status read_number_text(std::string_view text, const FieldDescriptor* field, Message* into) {
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE && (text == "Infinity" || text == "-Infinity")) {
    const double infinity = std::numeric_limits<double>::infinity();
    return store(into, field, text.front() == '-' ? -infinity : infinity, &Reflection::SetDouble,
                 &Reflection::AddDouble);
  }
  json::ParseLimits limits;
  limits.bytes_max = 64;
  const auto parsed = json::parse(text, limits);
  if (!parsed.ok() || !parsed->root().is_number()) {
    return refused("Failed to parse '" + std::string(text.substr(0, 64)) + "' as a JSON number", field);
  }
  return read_number(parsed->root(), field, into);
}

class Reader {
 public:
  explicit Reader(Tolerance tolerance) : tolerant_(tolerance == Tolerance::tolerant) {}

  Status object(json::Value value, Message* into) const {
    if (!value.is_object()) return make_error(Code::invalid_argument, "Expecting a JSON object");
    const auto* descriptor = into->GetDescriptor();
    for (int i = 0; i < descriptor->field_count(); ++i) {
      const FieldDescriptor* field = descriptor->field(i);
      const auto member = value.find(field->name());
      if (!member || member->is_null()) continue;
      if (Status status = this->field(*member, field, into); !status.ok()) return status;
    }
    return Done{};
  }

 private:
  Status field(json::Value value, const FieldDescriptor* field, Message* into) const {
    switch (value.kind()) {
      case json::Kind::null: return make_error(Code::invalid_argument, "Not expecting a JSON null");
      case json::Kind::boolean: return boolean(*value.boolean(), field, into);
      case json::Kind::number: return read_number(value, field, into);
      case json::Kind::string: return text(*value.string(), field, into);
      case json::Kind::object: return nested(value, field, into);
      case json::Kind::array: break;
    }
    if (!field->is_repeated()) return refused("Not expecting a JSON array", field);
    for (std::size_t i = 0; i < value.size(); ++i) {
      // An array within an array has no meaning for any field.
      if (value.at(i).is_array()) return refused("Not expecting a JSON array", field);
      if (Status status = this->field(value.at(i), field, into); !status.ok()) return status;
    }
    return Done{};
  }

  Status boolean(bool value, const FieldDescriptor* field, Message* into) const {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_BOOL)
      return refused("Not expecting a JSON boolean", field);
    return store(into, field, value, &Reflection::SetBool, &Reflection::AddBool);
  }

  Status text(std::string_view value, const FieldDescriptor* field, Message* into) const {
    if (is_numeric(field)) return read_number_text(value, field, into);
    switch (field->type()) {
      case FieldDescriptor::TYPE_STRING:
        return store(into, field, std::string(value), &Reflection::SetString, &Reflection::AddString);
      case FieldDescriptor::TYPE_BYTES: return bytes(value, field, into);
      case FieldDescriptor::TYPE_ENUM: return enumerator(value, field, into);
      case FieldDescriptor::TYPE_BOOL:
        if (value == "true" || value == "false") return boolean(value == "true", field, into);
        return refused("Failed to parse '" + std::string(value.substr(0, 64)) + "' as a JSON boolean", field);
      default: return refused("Not expecting a JSON string", field);
    }
  }

  static Status bytes(std::string_view value, const FieldDescriptor* field, Message* into) {
    auto decoded = base64_decode(value);
    if (!decoded.ok()) {
      return make_error(Code::invalid_argument, "Failed to base64 decode bytes field '" + field->name() +
                                                    "': " + decoded.error().message);
    }
    return store(into, field, *std::move(decoded), &Reflection::SetString, &Reflection::AddString);
  }

  Status enumerator(std::string_view value, const FieldDescriptor* field, Message* into) const {
    const auto* found = field->enum_type()->FindValueByName(std::string(value));
    if (found != nullptr) return store(into, field, found, &Reflection::SetEnum, &Reflection::AddEnum);
    if (tolerant_) {
      // Kept where protobuf keeps an unknown number; the wire type tells the two apart.
      into->GetReflection()->MutableUnknownFields(into)->AddLengthDelimited(field->number(),
                                                                            std::string(value));
    } else if (field->is_required()) {
      return make_error(Code::invalid_argument,
                        "Failed to find enum for '" + std::string(value.substr(0, 64)) + "'");
    }
    return Done{};
  }

  Status nested(json::Value value, const FieldDescriptor* field, Message* into) const {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE)
      return refused("Not expecting a JSON object", field);
    const Reflection* reflection = into->GetReflection();
    if (field->is_map()) return map(value, field, into);
    if (field->is_repeated()) return object(value, reflection->AddMessage(into, field));
    return object(value, reflection->MutableMessage(into, field));
  }

  Status map(json::Value value, const FieldDescriptor* field, Message* into) const {
    const FieldDescriptor* key = field->message_type()->map_key();
    ASSERT(key->cpp_type() == FieldDescriptor::CPPTYPE_STRING);
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (value.at(i).is_null()) continue;
      Message* entry = into->GetReflection()->AddMessage(into, field);
      entry->GetReflection()->SetString(entry, key, std::string(value.name(i)));
      const Status status = this->field(value.at(i), field->message_type()->map_value(), entry);
      if (!status.ok()) return status;
    }
    return Done{};
  }

  bool tolerant_;
};

}  // namespace

Status read_json(json::Value value, Tolerance tolerance, Message* into) {
  return Reader(tolerance).object(value, into);
}

}  // namespace mimas::v1
