// The counter behind nodes_walked() (json/members.h). Private to this room.
#pragma once

#include <cstdint>

namespace mimas::json {

extern constinit thread_local std::uint64_t walked;

}  // namespace mimas::json
