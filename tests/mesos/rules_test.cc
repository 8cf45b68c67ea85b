// Framing and HTTP, rules 1 to 23 of the conformance list.
#include <doctest/doctest.h>
