#include <doctest/doctest.h>
#include "executor/cgroup_tree.h"
namespace mimas::executor {
namespace {
TEST_CASE("a directory that is not there is empty and gone") {
  CHECK(group_empty("/nonexistent/mimas"));
  CHECK(remove_group("/nonexistent/mimas"));
  CHECK(end_group("/nonexistent/mimas", 10));
  kill_group("/nonexistent/mimas");
}
}  // namespace
}  // namespace mimas::executor
