// Why a demand found no place, counted by cells: what it costs does not grow with the number of agents that
// look alike. Private to the room. Tested in tests/placement/explanation_test.cc.
#pragma once

#include "placement/search.h"

namespace mimas::placement {

// As the hosts stand now; `tasks`: how many of the demand were not placed. The want has been refreshed.
ExplanationPtr explain(const Search& search, const Hosts& hosts, const Wanted& want, std::int64_t tasks);

// "constraint arch=arm", "cpu", … as in Explanation::reasons.
std::string reason_text(const Want& want, const Reason& reason);

}  // namespace mimas::placement
