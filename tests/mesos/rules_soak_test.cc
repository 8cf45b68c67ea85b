// Adversity, rules 126 to 128 and 131 to 133 of the conformance list.
#include <doctest/doctest.h>
