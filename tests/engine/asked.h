// Commands of the tests about what commands change and what they leave behind, and short ways to look at it.
#pragma once

#include <string>
#include <vector>

#include "play.h"

namespace mimas::engine {

inline Error refusal(Play& play, const Input& command) {
  const std::string before = play.state.digest();
  play.feed(command);
  const auto* reply = play.only<Reply>();
  REQUIRE_FALSE(reply->answer.ok());
  CHECK(play.state.digest() == before);  // a refused command leaves nothing
  CHECK(play.last.changes.empty());
  return reply->answer.error();
}

inline void accepted(Play& play, const Input& command) {
  play.feed(command);
  const auto* reply = play.only<Reply>();
  if (!reply->answer.ok()) FAIL(reply->answer.error().text());
}

inline JobAccepted submitted(Play& play, SubmitJob command) {
  command.request = 3;
  play.feed(command);
  const auto* reply = play.only<Reply>();
  if (!reply->answer.ok()) FAIL(reply->answer.error().text());
  return std::get<JobAccepted>(*reply->answer);
}

inline SubmitJob submission(std::shared_ptr<const JobSpec> spec, std::int64_t instances = 1) {
  SubmitJob command;
  command.request = 3;
  command.spec = std::move(spec);
  command.instances_desired = instances;
  command.instances_min = 0;
  command.instances_max = 100;
  return command;
}

inline const Audit& last_audit(const Play& play) {
  REQUIRE_FALSE(play.audits.empty());
  return play.audits.rbegin()->second;
}

inline std::string text_of(const Audit& audit) {
  std::string text = audit.action + " by " + audit.user + " from " + audit.address + ":";
  for (const Audit::Field& field : audit.fields) {
    text += " " + field.name + " " + field.before + "->" + field.after;
  }
  return text;
}

inline std::vector<JobVersion> versions_of(const Play& play, const JobId& job) {
  std::vector<JobVersion> all;
  for (const auto& [place, version] : play.versions) {
    if (version.job == job) all.push_back(version);
  }
  return all;
}

inline ChangeJob change_of(const Play& play, const JobId& id) {
  const Job& job = play.job(id);
  ChangeJob command;
  command.request = 5;
  command.job = id;
  command.spec = job.spec;
  command.instances_desired = job.instances_desired;
  command.instances_min = job.instances_min;
  command.instances_max = job.instances_max;
  command.in_service = job.in_service;
  command.user = "ann";
  return command;
}

template <class Mutate>
inline ChangeJob changed(const Play& play, const JobId& id, Mutate mutate) {
  ChangeJob command = change_of(play, id);
  auto spec = std::make_shared<JobSpec>(*command.spec);
  mutate(*spec);
  command.spec = spec;
  return command;
}

}  // namespace mimas::engine
