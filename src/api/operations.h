// Operations on agents' resources: request body → command, record → JSON. Pure. Amounts have the form and the
// units of `offered` in GET /v2/agents. Tested in tests/api/operations_test.cc.
#pragma once

#include <string>
#include <string_view>

#include "api/problem.h"
#include "engine/input.h"
#include "engine/view.h"

namespace mimas::api {

inline constexpr std::size_t kPortRangesMax = 100;
inline constexpr std::size_t kVolumePathBytesMax = 255;

// POST /v2/operations. `resources` belongs to reserve and unreserve, `volume` to create and destroy.
Checked<engine::RequestOperation> parse_operation(std::string_view body);

std::string render_operation(const Operation& operation);
std::string render_operations(const engine::View& view);       // an array, by number
std::string render_operation_accepted(const OperationId& id);  // {"operationId": …, "operationUri": …}
std::string operation_uri(const OperationId& id);              // "/api/v2/operations/mimas-op-7"

}  // namespace mimas::api
