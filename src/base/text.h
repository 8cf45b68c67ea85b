// UTF-8 text within a bound. Pure. Tested in tests/base/text_test.cc.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mimas {

// At most `bytes` of UTF-8 text, cut between characters. Whatever keeps or shows a part of somebody else's
// text cuts it by this: half a character is no UTF-8, and who reads it later replaces it or refuses the whole
// text.
std::string cut_text(std::string_view text, std::size_t bytes);

}  // namespace mimas
