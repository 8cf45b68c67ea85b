// The executor, rules 77 to 95 of the conformance list.
#include <doctest/doctest.h>
