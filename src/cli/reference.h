// The commands and their flags in writing, from the table of commands: the manual page, and the section of
// docs/cli.md. Pure: what a person's environment says is not in it. Tested in tests/cli/reference_test.cc,
// which also holds docs/cli.md to it.
#pragma once

#include <string>

namespace mimas::cli {

std::string manual_page();         // roff, for man(1)
std::string reference_markdown();  // a section for each group of commands, a table for each command

}  // namespace mimas::cli
