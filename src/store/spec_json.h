// The JSON text of the values that have no columns of their own: JobSpec and Resources. This is the form on
// disk, not that of the REST API: one member per field under its C++ name, enumerations by name, in a fixed
// order. parse∘render is the identity for valid UTF-8 (a property test says so). Reading ignores unknown
// members, so that a newer version may have added some, and takes the default for absent ones. Pure. Tested
// in tests/store/spec_json_test.cc.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/job.h"
#include "model/resources.h"

namespace mimas::store {

std::string render_spec(const JobSpec& spec);
Result<JobSpec> parse_spec(std::string_view text);  // errors: invalid_argument with a JSON pointer in `where`

std::string render_request(const ResourceRequest& request);
Result<ResourceRequest> parse_request(std::string_view text);
std::string render_resources(const Resources& resources);
Result<Resources> parse_resources(std::string_view text);

}  // namespace mimas::store
