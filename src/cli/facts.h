// JSON of any shape for people: an object as lines "name  value", lists of objects as tables below. Pure.
// Bounds: 100,000 rows, 40 columns, five levels. Tested in tests/cli/facts_test.cc.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "json/value.h"

namespace mimas::cli {

std::string facts_text(json::Value value, bool colour);

// The ids of a list of objects, one on each line; of a single object its id.
std::string ids_text(json::Value list);

// Scalars as people write them; everything else is a blank.
std::string scalar(const std::optional<json::Value>& value);
std::string field(json::Value object, std::string_view name);
// "2026-11-21T07:00:00.123Z" → "2026-11-21 08:00:00+01:00": enough for people, in the zone of whoever reads
// (TZ).
std::string moment(json::Value object, std::string_view name);
// How long after that it is, or was: "12s", "5m", "3h", "12d"; "" without a time.
std::string age_since(json::Value object, std::string_view name, Instant now);
// A line "name        value" of a page; nothing without a value.
void add_fact(std::string& page, std::string_view name, const std::string& value);

}  // namespace mimas::cli
