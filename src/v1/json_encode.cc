#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/message.h>
#include <google/protobuf/unknown_field_set.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/base64.h"
#include "v1/json_mapping.h"

namespace mimas::v1 {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

void write_double(double value, json::Writer& writer) {
  if (std::isinf(value)) {
    writer.string(value > 0 ? "Infinity" : "-Infinity");
  } else if (std::isnan(value)) {
    writer.null();
  } else {
    writer.number(value);
  }
}

void write_text(const FieldDescriptor* field, const std::string& text, json::Writer& writer) {
  if (field->type() == FieldDescriptor::TYPE_BYTES) {
    writer.string(base64_encode(text));
  } else {
    writer.string(text);
  }
}

// A singular field: its value, or its default when unset.
void write_one(const Message& message, const FieldDescriptor* field, json::Writer& writer) {
  const Reflection* reflection = message.GetReflection();
  std::string scratch;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32: writer.int64(reflection->GetInt32(message, field)); break;
    case FieldDescriptor::CPPTYPE_INT64: writer.int64(reflection->GetInt64(message, field)); break;
    case FieldDescriptor::CPPTYPE_UINT32: writer.uint64(reflection->GetUInt32(message, field)); break;
    case FieldDescriptor::CPPTYPE_UINT64: writer.uint64(reflection->GetUInt64(message, field)); break;
    case FieldDescriptor::CPPTYPE_DOUBLE: write_double(reflection->GetDouble(message, field), writer); break;
    case FieldDescriptor::CPPTYPE_FLOAT:
      write_double(static_cast<double>(reflection->GetFloat(message, field)), writer);
      break;
    case FieldDescriptor::CPPTYPE_BOOL: writer.boolean(reflection->GetBool(message, field)); break;
    case FieldDescriptor::CPPTYPE_ENUM: writer.string(reflection->GetEnum(message, field)->name()); break;
    case FieldDescriptor::CPPTYPE_STRING:
      write_text(field, reflection->GetStringReference(message, field, &scratch), writer);
      break;
    case FieldDescriptor::CPPTYPE_MESSAGE: write_json(reflection->GetMessage(message, field), writer); break;
  }
}

void write_element(const Message& message, const FieldDescriptor* field, int i, json::Writer& writer) {
  const Reflection* reflection = message.GetReflection();
  std::string scratch;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32: writer.int64(reflection->GetRepeatedInt32(message, field, i)); break;
    case FieldDescriptor::CPPTYPE_INT64: writer.int64(reflection->GetRepeatedInt64(message, field, i)); break;
    case FieldDescriptor::CPPTYPE_UINT32:
      writer.uint64(reflection->GetRepeatedUInt32(message, field, i));
      break;
    case FieldDescriptor::CPPTYPE_UINT64:
      writer.uint64(reflection->GetRepeatedUInt64(message, field, i));
      break;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      write_double(reflection->GetRepeatedDouble(message, field, i), writer);
      break;
    case FieldDescriptor::CPPTYPE_FLOAT:
      write_double(static_cast<double>(reflection->GetRepeatedFloat(message, field, i)), writer);
      break;
    case FieldDescriptor::CPPTYPE_BOOL: writer.boolean(reflection->GetRepeatedBool(message, field, i)); break;
    case FieldDescriptor::CPPTYPE_ENUM:
      writer.string(reflection->GetRepeatedEnum(message, field, i)->name());
      break;
    case FieldDescriptor::CPPTYPE_STRING:
      write_text(field, reflection->GetRepeatedStringReference(message, field, i, &scratch), writer);
      break;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      write_json(reflection->GetRepeatedMessage(message, field, i), writer);
      break;
  }
}

// A map is an object; by key, because a protobuf map has no order of its own. The schema has string keys
// only.
void write_map(const Message& message, const FieldDescriptor* field, json::Writer& writer) {
  const Reflection* reflection = message.GetReflection();
  const FieldDescriptor* key = field->message_type()->map_key();
  const FieldDescriptor* value = field->message_type()->map_value();
  ASSERT(key->cpp_type() == FieldDescriptor::CPPTYPE_STRING);
  std::vector<std::pair<std::string, const Message*>> entries;
  for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
    const Message& entry = reflection->GetRepeatedMessage(message, field, i);
    entries.emplace_back(entry.GetReflection()->GetString(entry, key), &entry);
  }
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  writer.begin_object();
  for (const auto& [name, entry] : entries) {
    writer.key(name);
    write_one(*entry, value, writer);
  }
  writer.end_object();
}

bool is_nan(const Message& message, const FieldDescriptor* field) {
  return field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE &&
         std::isnan(message.GetReflection()->GetDouble(message, field));
}

// The name of an enum value that decode_tolerant() kept because nobody here knows it: what an offer says goes
// back as it came.
const std::string* unplaced_name(const Message& message, const FieldDescriptor* field) {
  if (field->cpp_type() != FieldDescriptor::CPPTYPE_ENUM) return nullptr;
  const Reflection* reflection = message.GetReflection();
  const auto& unknown = reflection->GetUnknownFields(message);
  if (unknown.empty() || reflection->HasField(message, field)) return nullptr;
  for (int i = unknown.field_count(); i-- > 0;) {
    const auto& kept = unknown.field(i);
    if (kept.number() == field->number() &&
        kept.type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) {
      return &kept.length_delimited();
    }
  }
  return nullptr;
}

}  // namespace

void write_json(const Message& message, json::Writer& writer) {
  const auto* descriptor = message.GetDescriptor();
  const Reflection* reflection = message.GetReflection();
  writer.begin_object();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const FieldDescriptor* field = descriptor->field(i);
    if (field->is_repeated()) {
      const int size = reflection->FieldSize(message, field);
      if (size == 0) continue;
      writer.key(field->name());
      if (field->is_map()) {
        write_map(message, field, writer);
        continue;
      }
      writer.begin_array();
      for (int k = 0; k < size; ++k) write_element(message, field, k, writer);
      writer.end_array();
      continue;
    }
    const bool default_shown = field->has_default_value() && !field->options().deprecated();
    if (const std::string* name = unplaced_name(message, field)) {
      writer.key(field->name()).string(*name);
      continue;
    }
    if (!reflection->HasField(message, field) && !default_shown) continue;
    if (is_nan(message, field)) continue;
    writer.key(field->name());
    write_one(message, field, writer);
  }
  writer.end_object();
}

}  // namespace mimas::v1
