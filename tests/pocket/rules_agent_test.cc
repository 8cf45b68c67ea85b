// The embedded agent, rules 117 to 125 and 134 of the conformance list.
#include <doctest/doctest.h>
