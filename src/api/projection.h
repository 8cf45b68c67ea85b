// `fields=name,tasks.id`: keeps some members of a rendered JSON object. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mimas::api {

// `text` is JSON we wrote ourselves, an object or an array of them. A path names a member, or by dots a
// member of what is inside; arrays are looked through. `id` of an outermost object always stays. Paths that
// lead nowhere are ignored; at most four segments of a path are followed, the member that the fourth names is
// kept whole.
std::string project_fields(std::string_view text, const std::vector<std::string>& paths);

}  // namespace mimas::api
