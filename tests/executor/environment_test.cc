#include "executor/environment.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace mimas::executor {
namespace {

using Entries = std::vector<std::string>;

Entries complete() {
  return {"PATH=/bin",
          "MESOS_FRAMEWORK_ID=f-1",
          "MESOS_EXECUTOR_ID=e-1",
          "MESOS_AGENT_ENDPOINT=127.0.0.1:5051",
          "MESOS_SLAVE_PID=slave(1)@127.0.0.1:5051",
          "MESOS_CHECKPOINT=1",
          "MESOS_RECOVERY_TIMEOUT=15mins",
          "MESOS_SUBSCRIPTION_BACKOFF_MAX=2secs",
          "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD=1.5secs",
          "MESOS_EXECUTOR_AUTHENTICATION_TOKEN=a.b.c",
          "LIBPROCESS_PORT=0"};
}

Entries with(Entries entries, const std::string& name, const std::string& value) {
  for (std::string& entry : entries) {
    if (entry.starts_with(name + "=")) {
      entry = name + "=" + value;
      return entries;
    }
  }
  entries.push_back(name + "=" + value);
  return entries;
}

Entries without(Entries entries, const std::string& name) {
  std::erase_if(entries, [&](const std::string& entry) { return entry.starts_with(name + "="); });
  return entries;
}

std::vector<const char*> pointers(const Entries& entries) {
  std::vector<const char*> out;
  for (const std::string& entry : entries) out.push_back(entry.c_str());
  out.push_back(nullptr);
  return out;
}

Result<Settings> parse(const Entries& entries) { return parse_environment(pointers(entries).data()); }

std::string refused_for(const Entries& entries) {
  const auto settings = parse(entries);
  return settings.ok() ? "accepted" : settings.error().where;
}

TEST_CASE("a complete environment is understood") {
  const auto settings = parse(complete());
  REQUIRE(settings.ok());
  CHECK(settings->framework_id == "f-1");
  CHECK(settings->executor_id == "e-1");
  CHECK(settings->agent.text() == "127.0.0.1:5051");
  CHECK(settings->checkpoint);
  CHECK(settings->recovery_timeout_ms == 900'000);
  CHECK(settings->subscription_backoff_ms_max == 2'000);
  CHECK(settings->shutdown_grace_ms == 1'500);
  CHECK(settings->token == "a.b.c");
  CHECK(settings->domain_socket.empty());
}

TEST_CASE("each required variable missing, empty or garbled is named") {
  for (const std::string name : {"MESOS_FRAMEWORK_ID", "MESOS_EXECUTOR_ID", "MESOS_AGENT_ENDPOINT",
                                 "MESOS_RECOVERY_TIMEOUT", "MESOS_SUBSCRIPTION_BACKOFF_MAX"}) {
    CAPTURE(name);
    CHECK(refused_for(without(complete(), name)) == name);
    CHECK(refused_for(with(complete(), name, "")) == name);
  }
  CHECK(refused_for(with(complete(), "MESOS_FRAMEWORK_ID", "a/b")) == "MESOS_FRAMEWORK_ID");
  CHECK(refused_for(with(complete(), "MESOS_EXECUTOR_ID", "..")) == "MESOS_EXECUTOR_ID");
  CHECK(refused_for(with(complete(), "MESOS_AGENT_ENDPOINT", "127.0.0.1")) == "MESOS_AGENT_ENDPOINT");
  CHECK(refused_for(with(complete(), "MESOS_AGENT_ENDPOINT", "127.0.0.1:70000")) == "MESOS_AGENT_ENDPOINT");
  CHECK(refused_for(with(complete(), "MESOS_CHECKPOINT", "true")) == "MESOS_CHECKPOINT");
  CHECK(refused_for(with(complete(), "MESOS_RECOVERY_TIMEOUT", "2 secs")) == "MESOS_RECOVERY_TIMEOUT");
  CHECK(refused_for(with(complete(), "MESOS_SUBSCRIPTION_BACKOFF_MAX", "-1secs")) ==
        "MESOS_SUBSCRIPTION_BACKOFF_MAX");
  CHECK(refused_for(with(complete(), "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", "5")) ==
        "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD");
  CHECK(refused_for(with(complete(), "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", "900weeks")) ==
        "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD");
}

TEST_CASE("recovery settings are needed only when checkpointing") {
  auto entries = without(without(complete(), "MESOS_RECOVERY_TIMEOUT"), "MESOS_SUBSCRIPTION_BACKOFF_MAX");
  CHECK(refused_for(with(entries, "MESOS_CHECKPOINT", "0")) == "accepted");
  CHECK(refused_for(without(entries, "MESOS_CHECKPOINT")) == "accepted");
}

TEST_CASE("a bad token is refused without being repeated") {
  const auto settings = parse(with(complete(), "MESOS_EXECUTOR_AUTHENTICATION_TOKEN", "se\ncret"));
  REQUIRE_FALSE(settings.ok());
  CHECK(settings.error().text().find("cret") == std::string::npos);
}

TEST_CASE("a domain socket takes its path from the agent's pid") {
  auto entries = with(complete(), "MESOS_DOMAIN_SOCKET", "/run/mesos.sock");
  const auto settings = parse(with(entries, "MESOS_SLAVE_PID", "slave(12)@127.0.0.1:5051"));
  REQUIRE(settings.ok());
  CHECK(settings->domain_socket == "/run/mesos.sock");
  CHECK(settings->domain_target == "/slave(12)/api/v1/executor");
  CHECK(refused_for(with(entries, "MESOS_SLAVE_PID", "garbled")) == "MESOS_SLAVE_PID");
  CHECK(refused_for(with(entries, "MESOS_SLAVE_PID", "a b@h:1")) == "MESOS_SLAVE_PID");
  CHECK(refused_for(without(entries, "MESOS_SLAVE_PID")) == "MESOS_SLAVE_PID");
}

TEST_CASE("a task sees our environment without what is private, and with its own") {
  Entries own = complete();
  own.push_back("HOME=/root");
  const Entries task =
      task_environment(pointers(own).data(), {{"HOME", "/work"}, {"A", "1"}, {"MESOS_X", "y"}, {"A", "2"}});
  CHECK(task == Entries{"PATH=/bin", "HOME=/work", "MESOS_X=y", "A=2"});
}

}  // namespace
}  // namespace mimas::executor
