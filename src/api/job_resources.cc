// read_scalars of api/job_fields.h: amounts of what agents offer beyond CPUs, memory, disk, GPUs and ports.
#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "api/job_fields.h"

namespace mimas::api {
namespace {

// What has a field of its own, by Mesos's name and ours.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kOwnFields{{
    {"cpus", "cpu"},
    {"cpu", "cpu"},
    {"mem", "memory"},
    {"memory", "memory"},
    {"disk", "disk"},
    {"gpus", "gpu"},
    {"ports", "ports"},
    {"network", "networkMbps"},
}};

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kScalarNameBytesMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                  c == '-' || c == '.';
         });
}

std::optional<std::int64_t> thousandths(const json::Value& value, Faults& faults) {
  if (!value.is_number()) {
    faults.at(value, type_fault("a number", value), "0.001..1000000");
    return std::nullopt;
  }
  const auto number = value.number();
  if (number.ok() && number.value() >= 0 && number.value() <= static_cast<double>(kScalarMost)) {
    return std::llround(number.value() * 1000);
  }
  faults.at(value, "must be a number from 0.001 to " + std::to_string(kScalarMost), "0.001..1000000");
  return std::nullopt;
}

}  // namespace

Scalars read_scalars(FieldReader& in, std::string_view field) {
  Scalars scalars;
  Faults& faults = in.faults();
  const auto found = in.take(field);
  if (!found || is_unset(*found)) return scalars;
  if (!found->is_object()) {
    faults.at(*found, type_fault("an object of names and amounts", *found));
    return scalars;
  }
  if (found->size() > kScalarsMax) {
    faults.at(*found, "must not name more than " + std::to_string(kScalarsMax) + " resources",
              std::to_string(kScalarsMax));
    return scalars;
  }
  for (std::size_t i = 0; i < found->size(); ++i) {
    const std::string_view name = found->name(i);
    const json::Value value = found->at(i);
    const auto own = std::find_if(kOwnFields.begin(), kOwnFields.end(),
                                  [&](const auto& one) { return one.first == name; });
    if (own != kOwnFields.end()) {
      faults.at(value, "has a field of its own: `" + std::string(own->second) + "`");
    } else if (!is_name(name)) {
      faults.at(value, "must be named in letters, digits, `_`, `-` and `.`, at most 64 of them");
    } else if (const auto amount = thousandths(value, faults)) {
      add_scalars(scalars, {{std::string(name), *amount}});
    }
  }
  return scalars;
}

}  // namespace mimas::api
