// Credentials and hostile peers, rules 129, 135 and 136 of the conformance list.
#include <doctest/doctest.h>
