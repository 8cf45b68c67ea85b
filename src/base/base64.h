// Standard base64 with padding, as Mesos writes `bytes` fields (mesos-protocol §1.11).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace mimas {

std::string base64_encode(std::string_view bytes);

// As Mesos's decoder: white space is skipped, decoding stops at the first '=', padding may be missing; '-',
// '_' and every other character are refused.
Result<std::string> base64_decode(std::string_view text);

}  // namespace mimas
