// Well-formed UTF-8 (Unicode 15, table 3-7): no overlong forms, no surrogates, nothing above U+10FFFF. Pure
// functions; tested in tests/json/writer_test.cc.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mimas::json {

// How many bytes from the start are well-formed; text.size() when all are.
std::size_t valid_utf8_prefix(std::string_view text);

// Appends `text` to `out`, each ill-formed sequence (its longest well-begun part) as one U+FFFD.
void append_replacing_bad_utf8(std::string_view text, std::string& out);

}  // namespace mimas::json
