// with(…) and apart(…) from job names to agents: who is meant, and what a wish is.
#include "play.h"

namespace mimas::engine {
namespace {

std::shared_ptr<JobSpec> named(const std::string& name, const char* hard = nullptr,
                               const char* soft = nullptr) {
  auto spec = batch_spec();
  spec->name = name;
  if (hard != nullptr) spec->hard_constraints.push_back(*parse_constraint(hard));
  if (soft != nullptr) spec->soft_constraints.push_back(*parse_constraint(soft));
  return spec;
}

// The database runs on a1; the other job comes, and a1 offers room for it.
TaskState beside_database(std::shared_ptr<const JobSpec> other) {
  Play play;
  play.running(named("db"));
  const JobId id = play.submit(std::move(other));
  play.settle();
  play.offer_and_settle("a1");
  return play.task(make_task_id(id, 0, 0).value).state;
}

TEST_CASE("a job that insists on being apart waits, one that would rather be does not") {
  CHECK(beside_database(named("web", "apart(job:db)")) == TaskState::queued);
  CHECK(beside_database(named("web", nullptr, "apart(job:db)")) == TaskState::dispatched);
}

TEST_CASE("a job that insists on company has it, and one that wishes for it does without") {
  CHECK(beside_database(named("web", "with(job:db)")) == TaskState::dispatched);
  CHECK(beside_database(named("web", "with(job:cache)")) == TaskState::queued);
  CHECK(beside_database(named("web", nullptr, "with(job:cache)")) == TaskState::dispatched);
}

}  // namespace
}  // namespace mimas::engine
