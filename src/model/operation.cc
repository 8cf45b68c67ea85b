#include "model/operation.h"

#include <array>
#include <charconv>

namespace mimas {
namespace {

// Part of the REST contract and of the database: never change one.
constexpr std::array<std::string_view, 4> kTypeNames = {"reserve", "unreserve", "create", "destroy"};
constexpr std::array<std::string_view, kOperationStates> kStateNames = {
    "WAITING", "SENT",  "PENDING", "RECOVERING", "UNREACHABLE", "FINISHED",
    "FAILED",  "ERROR", "DROPPED", "GONE",       "EXPIRED",     "UNCONFIRMED"};

constexpr std::string_view kIdPrefix = "mimas-op-";

template <class Enum, std::size_t Size>
std::optional<Enum> find_name(const std::array<std::string_view, Size>& names, std::string_view name) {
  for (std::size_t i = 0; i < Size; ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

std::int64_t parse_count(std::string_view text) {
  std::int64_t number = -1;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || end != text.data() + text.size() || number < 0) return -1;
  return std::to_string(number) == text ? number : -1;
}

}  // namespace

std::string_view operation_type_name(OperationType type) {
  return kTypeNames[static_cast<std::size_t>(type)];
}

std::optional<OperationType> parse_operation_type(std::string_view name) {
  return find_name<OperationType>(kTypeNames, name);
}

std::string_view operation_state_name(OperationState state) {
  return kStateNames[static_cast<std::size_t>(state)];
}

std::optional<OperationState> parse_operation_state(std::string_view name) {
  return find_name<OperationState>(kStateNames, name);
}

bool is_terminal(OperationState state) { return state >= OperationState::finished; }

OperationId make_operation_id(std::int64_t number) {
  return OperationId(std::string(kIdPrefix) + std::to_string(number));
}

std::int64_t parse_operation_number(std::string_view id) {
  return id.starts_with(kIdPrefix) ? parse_count(id.substr(kIdPrefix.size())) : -1;
}

OperationId wire_operation_id(const Operation& operation) {
  return OperationId(operation.id.value + "." + std::to_string(operation.attempt));
}

WireOperation parse_wire_operation_id(std::string_view id) {
  const auto dot = id.rfind('.');
  if (dot == std::string_view::npos) return {};
  const std::int64_t number = parse_operation_number(id.substr(0, dot));
  const std::int64_t attempt = parse_count(id.substr(dot + 1));
  return number < 0 || attempt < 0 ? WireOperation{} : WireOperation{number, attempt};
}

}  // namespace mimas
