// A process that is killed while it commits: what is found afterwards is a prefix of its batches, at least as
// long as what it had been told is on disk.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include "sample_records.h"
#include "scratch.h"
#include "store/store.h"

namespace mimas::store {
namespace {

constexpr std::int64_t kTasks = 5;

// Batch n of the stream: everything in it says n, and the tasks of the batch before are gone.
std::vector<engine::Change> batch(std::int64_t n) {
  Job job;
  job.id = make_job_id(1);
  job.number = 1;
  job.version = n;
  job.spec = std::make_shared<const JobSpec>();
  std::vector<engine::Change> changes;
  changes.push_back(engine::PutJob{std::make_shared<const Job>(job)});
  for (std::int64_t index = 0; index < kTasks; ++index) {
    Task task;
    task.id = make_task_id(job.id, index, n);
    task.job = job.id;
    task.index = index;
    task.number = n;
    task.message = std::string(3'000, 'm');  // some pages per batch
    changes.push_back(engine::PutTask{std::make_shared<const Task>(task)});
    if (n > 1) changes.push_back(engine::RemoveTask{make_task_id(job.id, index, n - 1)});
  }
  changes.push_back(engine::PutNextJobNumber{n});
  return changes;
}

// Never returns. Writes one byte to `told` after each commit.
[[noreturn]] void commit_for_ever(const std::string& directory, std::int64_t from, int told) {
  Result<std::unique_ptr<Store>> store = Store::open(directory);
  for (std::int64_t n = from; store.ok() && (*store)->commit(batch(n)).ok(); ++n) {
    if (::write(told, "+", 1) != 1) break;
  }
  ::_exit(1);
}

TEST_CASE(
    "after a SIGKILL in the middle of commits the database is a prefix of the batches, none of them torn") {
  const Scratch scratch;
  Prng prng(3);
  std::int64_t last = 0;
  for (int round = 0; round < 12; ++round) {
    int pipe_ends[2];
    REQUIRE(::pipe(pipe_ends) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::close(pipe_ends[0]);
      commit_for_ever(scratch.path(), last + 1, pipe_ends[1]);
    }
    ::close(pipe_ends[1]);
    std::int64_t told = 0;
    char byte = 0;
    for (std::uint64_t until = 1 + prng.below(60); until > 0 && ::read(pipe_ends[0], &byte, 1) == 1; --until)
      ++told;
    for (std::uint64_t spin = prng.below(2'000'000); spin > 0; --spin)
      prng.next();  // somewhere inside a commit
    REQUIRE(::kill(child, SIGKILL) == 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    while (::read(pipe_ends[0], &byte, 1) == 1) ++told;
    ::close(pipe_ends[0]);

    Result<std::unique_ptr<Store>> store = Store::open(scratch.path());
    REQUIRE(store.ok());
    const Result<Loaded> found = (*store)->load();
    REQUIRE(found.ok());
    REQUIRE(found->jobs.size() == 1);
    const std::int64_t n = found->jobs[0].version;
    CHECK(n >= last + told);
    CHECK(n <= last + told + 1);  // committed, but killed before it could say so
    CHECK(found->next_job_number == n);
    REQUIRE(found->tasks.size() == kTasks);
    for (const Task& task : found->tasks) CHECK(task.number == n);
    last = n;
  }
}

}  // namespace
}  // namespace mimas::store
