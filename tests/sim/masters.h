// The masters of the simulated cluster: three addresses, at most one of them leading, the leader being
// pocket's pure master. A failover is a crash: every connection ends, the memory is lost, another address
// leads after a while and learns agents and tasks from those that register again. The others answer 307, or
// 503 while nobody leads. What arrives here comes through connections' to_server(); what is answered goes
// back through them. One thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "connection.h"
#include "pocket/master_model.h"
#include "wire/endpoint.h"
#include "wire/http.h"

namespace mimas::sim {

class Masters {
 public:
  explicit Masters(Ground& ground);

  // What a scheduler that subscribes hears, all of it through the connection.
  struct Listener {
    std::function<void(wire::ResponseHead, std::string body)> head;
    std::function<void(std::string record)> record;  // one event, protobuf
  };
  struct HttpAnswer {
    wire::ResponseHead head;
    std::string body;
  };
  using AgentListener = std::function<void(pocket::Command)>;

  const std::vector<wire::Endpoint>& endpoints() const { return endpoints_; }
  // Nobody listens there: a connection attempt fails.
  bool is_down(const wire::Endpoint& at) const { return down_.contains(at); }
  std::optional<wire::Endpoint> leader() const;

  // --- arrived at `at`
  void subscribe(const wire::Endpoint& at, const ConnectionPtr& connection,
                 const pocket::mscheduler::Call& call, Listener listener);
  HttpAnswer call(const wire::Endpoint& at, const pocket::mscheduler::Call& call,
                  const std::string& stream_id);
  void register_agent(const wire::Endpoint& at, const ConnectionPtr& connection,
                      const pocket::Registration& registration, AgentListener listener);
  bool report(const wire::Endpoint& at, const std::string& session,
              const std::vector<pocket::Report>& reports);

  // --- what befalls them
  void fail_over();
  void mark_gone(const std::string& agent_id);
  // Ends the current subscription from the master's side.
  void drop_schedulers();
  void cut_agents();

  const pocket::MasterModel* model() const { return model_.get(); }
  int failovers() const { return term_ - 1; }
  // used + offered + free = total on every agent, each task charged once (rule 131).
  void check_books() const;
  std::int64_t launches_accepted() const { return launches_; }

 private:
  struct Stream {
    ConnectionPtr connection;
    Listener scheduler;
    AgentListener agent;
  };
  void elect();
  void after_input();
  void deliver(const pocket::MasterOutput& output);
  void arm();
  bool leads(const wire::Endpoint& at) const;
  HttpAnswer not_leading() const;
  void watch_end(std::uint64_t number, const ConnectionPtr& connection, bool scheduler);

  Ground& ground_;
  std::vector<wire::Endpoint> endpoints_;
  std::set<wire::Endpoint> down_;
  std::size_t leader_ = 0;
  int term_ = 0;
  std::unique_ptr<pocket::MasterModel> model_;
  std::vector<std::string> registry_;
  std::map<std::uint64_t, Stream> streams_;
  std::uint64_t next_stream_ = 1;
  Instant alarm_ = kNever;
  std::int64_t launches_ = 0;
};

}  // namespace mimas::sim
