#include "mesos/detection.h"

#include <algorithm>
#include <utility>

#include "mesos/master_node.h"

namespace mimas::mesos {

Detection::Step Detection::tell(std::vector<wire::Endpoint> masters, std::string text) {
  Step step;
  if (masters != told_) {
    told_ = masters;
    trouble_ = masters.empty() ? text : "";
    step.masters = std::move(masters);
    step.text = std::move(text);
  } else if (text != trouble_ && told_.empty()) {
    step.text = trouble_ = std::move(text);
  }
  return step;
}

// No leader can be named for now: say so, and look again soon.
Detection::Step Detection::again(std::string text, std::int64_t now_ms) {
  leader_.clear();
  again_at_ms_ = now_ms + kDetectAgainMs;
  return tell({}, std::move(text));
}

// The connection went, which says nothing about who leads. A new one brings a new list; so does this, if it
// came back before anybody noticed.
Detection::Step Detection::no_answer(std::int64_t now_ms) {
  again_at_ms_ = now_ms + kDetectAgainMs;
  return {};
}

Detection::Step Detection::start(std::int64_t now_ms) {
  connected_ = false;
  reopen_next_ = false;
  again_at_ms_ = kNever;
  believe_until_ms_ = now_ms + kZooKeeperSessionMs;
  Step step;
  step.reopen = true;
  return step;
}

Detection::Step Detection::open_failed(const Error& why, std::int64_t now_ms) {
  Step step = again(why.text(), now_ms);
  reopen_next_ = true;
  return step;
}

Detection::Step Detection::connected(std::int64_t) {
  connected_ = true;
  believe_until_ms_ = again_at_ms_ = kNever;
  Step step;
  step.list = true;
  return step;
}

Detection::Step Detection::disconnected(std::int64_t now_ms) {
  Step step;
  if (!std::exchange(connected_, false)) return step;
  again_at_ms_ = kNever;
  believe_until_ms_ = now_ms + kZooKeeperSessionMs;
  if (told_.empty()) return step;
  step.text = "ZooKeeper is out of reach; the master at " + told_.front().text() +
              " is taken for the leader meanwhile";
  return step;
}

Detection::Step Detection::expired(std::int64_t now_ms) {
  leader_.clear();
  Step step = tell({}, "the session with ZooKeeper has expired; no leader is known until a new one");
  step.reopen = start(now_ms).reopen;
  return step;
}

Detection::Step Detection::refused(std::int64_t now_ms) {
  connected_ = false;
  Step step = again("ZooKeeper refuses the user and password of --master", now_ms);
  reopen_next_ = true;
  return step;
}

Detection::Step Detection::children_changed(std::int64_t) {
  Step step;
  step.list = connected_;
  return step;
}

Detection::Step Detection::children(const Result<std::vector<std::string>>& names, std::int64_t now_ms) {
  if (!connected_) return {};
  if (!names) {
    if (names.error().code == Code::unavailable) return no_answer(now_ms);
    if (names.error().code != Code::not_found) return again(names.error().text(), now_ms);
    return again("no master has registered with ZooKeeper yet: " + names.error().where + " is not there",
                 now_ms);
  }
  const auto leader = leader_node(*names);
  if (!leader) {
    leader_.clear();
    return tell({}, "no master is registered with ZooKeeper");
  }
  if (*leader == leader_ && !told_.empty()) return {};  // its content never changes
  leader_ = *leader;
  Step step;
  step.read = leader_;
  return step;
}

Detection::Step Detection::content(const std::string& node, const Result<std::string>& bytes,
                                   std::int64_t now_ms) {
  if (!connected_ || node != leader_) return {};
  if (!bytes) {
    if (bytes.error().code == Code::unavailable) return no_answer(now_ms);
    if (bytes.error().code != Code::not_found) return again(bytes.error().text(), now_ms);
    // It went between the list and the question. The next list tells who follows.
    leader_.clear();
    Step step = tell({}, "the leading master's node in ZooKeeper has gone");
    step.list = true;
    return step;
  }
  auto endpoint = parse_master_node(*bytes);
  if (!endpoint) return again(node + ": " + endpoint.error().text(), now_ms);
  again_at_ms_ = kNever;
  std::string text = "ZooKeeper names the master at " + endpoint->text() + " as the leader (" + node + ")";
  return tell({*std::move(endpoint)}, std::move(text));
}

Detection::Step Detection::time_passed(std::int64_t now_ms) {
  if (now_ms >= believe_until_ms_) {
    believe_until_ms_ = kNever;
    leader_.clear();
    return tell({}, "ZooKeeper cannot be reached; no leader is known");
  }
  if (now_ms < again_at_ms_) return {};
  again_at_ms_ = kNever;
  if (reopen_next_) return start(now_ms);
  Step step;
  step.list = connected_;
  return step;
}

std::int64_t Detection::wake_at_ms() const { return std::min(again_at_ms_, believe_until_ms_); }

}  // namespace mimas::mesos
