// The policy as a file: read at start and again, a bad one changes nothing.
#include "server/live_policy.h"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "server/published_view.h"

using namespace mimas;
using namespace mimas::server;

namespace {

struct File {
  std::string path;
  File() {
    char name[] = "/tmp/mimas-policy.XXXXXX";
    ::close(::mkstemp(name));
    path = name;
  }
  ~File() { std::remove(path.c_str()); }
  void write(const std::string& text) const {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  }
};

std::unique_ptr<LivePolicy> open(const PolicyOptions& options) {
  auto opened = LivePolicy::open(options, {"root", false});
  REQUIRE_MESSAGE(opened.ok(), (opened.ok() ? "" : opened.error().text()));
  return *std::move(opened);
}

}  // namespace

TEST_CASE("a file is read at start and on request; what is wrong with it changes nothing and is told whole") {
  const File file;
  file.write(R"({"operator":{"priorityMax":5}})");
  const auto policy = open({.source = file.path});
  const auto before = policy->current();
  CHECK(before->operator_rules.priority_max == 5);
  CHECK(before->name == file.path);
  file.write(R"({"operator":{"priorityMax":5000},"all":{}})");
  const Status read = policy->reload();
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().where == file.path);
  CHECK(read.error().message.find("/operator/priorityMax must be") != std::string::npos);
  CHECK(read.error().message.find("/all unknown field") != std::string::npos);
  CHECK(policy->current() == before);
  CHECK_FALSE(LivePolicy::open({.source = file.path}, {}).ok());
  file.write("{}");
  CHECK(policy->reload().ok());
  CHECK(policy->current()->operator_rules.priority_max == 100);
  CHECK(before->operator_rules.priority_max == 5);
}

TEST_CASE("others may read the file, but not write it") {
  const File file;
  file.write("{}");
  ::chmod(file.path.c_str(), 0644);
  CHECK(LivePolicy::open({.source = file.path}, {}).ok());
  ::chmod(file.path.c_str(), 0666);
  const auto opened = LivePolicy::open({.source = file.path}, {});
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().hint == "chmod 644 " + file.path);
  CHECK_FALSE(LivePolicy::open({.source = "/no/such/file"}, {}).ok());
}

TEST_CASE("the flags add to whatever the policy says, for every role") {
  const auto policy = open({"safe", true, true})->current();
  for (const Role role : {Role::viewer, Role::operator_, Role::admin}) {
    CHECK(rules_of(*policy, role).privileged);
    CHECK(rules_of(*policy, role).host_volumes == std::vector<std::string>{"/"});
  }
  CHECK(policy->admin.users == std::vector<std::string>{"nobody"});
}

TEST_CASE("live jobs that would be refused today are noted, ended ones are not") {
  PublishedView view;
  const api::JobPolicy safe = api::safe_policy("root", false);
  for (std::int64_t number = 1; number <= 3; ++number) {
    Job job;
    job.id = make_job_id(number);
    job.number = number;
    job.state = number == 1 ? JobState::ended : JobState::active;
    job.spec = std::make_shared<const JobSpec>();  // a process of the executor's own user
    view.apply({engine::PutJob{std::make_shared<const Job>(job)}});
  }
  const std::string note = note_on_recovered(view, safe);
  CHECK(note.find("2 live jobs") == 0);
  CHECK(note.find("mimas-2, /runAs") != std::string::npos);
  CHECK(note_on_recovered(view, api::open_policy("root")).empty());
}
