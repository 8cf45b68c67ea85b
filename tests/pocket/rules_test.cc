// The embedded master, rules 96 to 116 of the conformance list.
#include <doctest/doctest.h>
