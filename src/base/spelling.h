// What somebody probably meant by a word that is none of those there are. Pure. Tested in
// tests/base/spelling_test.cc.
#pragma once

#include <string_view>
#include <vector>

namespace mimas {

// The candidate at most two edits away, whatever the case of letters; empty when none is near. Words above 40
// bytes have none: the price is bounded by theirs and the candidates' lengths.
std::string_view nearest_word(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace mimas
