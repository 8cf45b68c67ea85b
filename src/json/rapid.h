// The one place that includes RapidJSON (1.1.0). Its assertions become ours; nothing from outside may reach
// them, which is what value.cc's type checks and the limits in parse.cc are for. Private to this room.
#pragma once

#include <cstddef>

#include "base/assert.h"

#define RAPIDJSON_ASSERT(condition) ASSERT(condition)
// Its own rounding is to 4 bytes on 32-bit machines, but a node holds 64-bit numbers and ARMv5 loads those in
// pairs.
#define RAPIDJSON_ALIGN(x) (((x) + std::size_t{7}) & ~std::size_t{7})

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wcast-align"
#pragma GCC diagnostic ignored "-Wshadow"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wclass-memaccess"
#endif
#include <rapidjson/document.h>
#include <rapidjson/internal/dtoa.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#pragma GCC diagnostic pop

namespace mimas::json {

using Pool = rapidjson::MemoryPoolAllocator<>;
using Node = rapidjson::GenericValue<rapidjson::UTF8<>, Pool>;
using Dom = rapidjson::GenericDocument<rapidjson::UTF8<>, Pool, rapidjson::CrtAllocator>;

}  // namespace mimas::json
