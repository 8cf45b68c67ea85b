// The text of the file that --scaling-rules names:
//
//   {"groups": [
//     {"name": "small", "attribute": "pool", "value": "small",
//      "minIdle": 1, "maxIdle": 2, "minSize": 1, "maxSize": 10, "coolDown": "5mins",
//      "agent": {"cpu": 4, "memory": 4096, "disk": 20000, "gpu": 0, "attributes": {"arch": "arm"}}}]}
//
// Durations as Mesos writes them ("90secs"). "agent" may be left out where the group is never empty: it is
// learned then. Members that nobody knows are refused, for a misspelt "maxSize" must not mean none. Pure,
// thread-safe. Bounds: model/scaling.h. Tested in tests/server/scaling_rules_test.cc.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/scaling.h"

namespace mimas::server {

inline constexpr std::size_t kScalingRulesBytesMax = 1u << 20;
inline constexpr std::size_t kScalingTextBytesMax = 255;  // of any name and value

// Errors: invalid_argument, `where` names the group and the field.
Result<std::vector<ScalingRule>> parse_scaling_rules(std::string_view text);

}  // namespace mimas::server
