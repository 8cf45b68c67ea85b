// Constraints as other schedulers write them: Marathon's `hostname:UNIQUE`, Mesos's `rack:r1`, Nomad's
// `distinct_hosts`. Each would read as the name of an attribute that no agent has, and never hold. Pure.
// Tested in tests/model/constraint_test.cc.
#pragma once

#include <string>
#include <string_view>

namespace mimas {

// What is most likely meant, in our words; empty: it is written in none of those ways. Of a text that has
// already been read as a constraint it says nothing about those of jobs on record: asked at the border alone.
std::string guess_constraint(std::string_view text);

}  // namespace mimas
