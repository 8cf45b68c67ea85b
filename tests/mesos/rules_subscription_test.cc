// The subscription, rules 24 to 49 and 130 of the conformance list.
#include <doctest/doctest.h>
