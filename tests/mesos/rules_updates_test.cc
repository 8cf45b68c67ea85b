// Updates and reconciliation, rules 57 to 71 of the conformance list.
#include <doctest/doctest.h>
