// Offers and launches, rules 50 to 56 and 72 to 76 of the conformance list.
#include <doctest/doctest.h>
