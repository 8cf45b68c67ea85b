// A scheduler for tests over real sockets: one stream, one connection for calls, waits with deadlines.
#pragma once

#include <doctest/doctest.h>

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "net/clock.h"
#include "net/http_client.h"
#include "pocket/protos.h"
#include "v1/codec.h"
#include "wire/recordio.h"

namespace mimas::pocket {

inline wire::Request json_post(const wire::Endpoint& to, std::string target, std::string body) {
  wire::Request request;
  request.method = "POST";
  request.target = std::move(target);
  request.host = to.text();
  request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
  request.body = std::move(body);
  return request;
}

class SchedulerClient {
 public:
  explicit SchedulerClient(wire::Endpoint master)
      : master_(master), stream_(master, {}), calls_(master, {}) {}

  void subscribe(const std::string& id = "", double failover_timeout = 60) {
    mscheduler::Call call;
    call.set_type(mscheduler::Call::SUBSCRIBE);
    auto* info = call.mutable_subscribe()->mutable_framework_info();
    info->set_user("nobody");
    info->set_name("test");
    info->set_checkpoint(true);
    info->set_failover_timeout(failover_timeout);
    info->add_roles("*");
    using Capability = mv1::FrameworkInfo::Capability;
    for (const auto type :
         {Capability::MULTI_ROLE, Capability::PARTITION_AWARE, Capability::TASK_KILLING_STATE})
      info->add_capabilities()->set_type(type);
    if (!id.empty()) {
      info->mutable_id()->set_value(id);
      call.mutable_framework_id()->set_value(id);
    }
    auto head =
        stream_.open_stream(json_post(master_, "/api/v1/scheduler", v1::encode(call, v1::MediaType::json)));
    REQUIRE(head.ok());
    REQUIRE(head->status == 200);
    stream_id_ = std::string(wire::find_header(head->headers, "Mesos-Stream-Id"));
    const auto event = wait(mscheduler::Event::SUBSCRIBED);
    framework_id_ = event.subscribed().framework_id().value();
  }

  // The next event for which `wanted` holds; others are kept for later waits.
  mscheduler::Event wait_for(const std::function<bool(const mscheduler::Event&)>& wanted,
                             std::int64_t timeout_ms = 10'000) {
    const std::int64_t deadline = net::monotonic_ms() + timeout_ms;
    std::size_t looked = 0;
    for (;;) {
      for (; looked < events_.size(); ++looked) {
        if (!wanted(events_[looked])) continue;
        mscheduler::Event event = events_[looked];
        events_.erase(events_.begin() + static_cast<std::ptrdiff_t>(looked));
        return event;
      }
      REQUIRE_MESSAGE(net::monotonic_ms() < deadline, "the event did not come");
      receive(100);
    }
  }
  // Has one come, or does one come within the time?
  bool has(mscheduler::Event::Type type, std::int64_t timeout_ms) {
    const std::int64_t deadline = net::monotonic_ms() + timeout_ms;
    for (;;) {
      for (const auto& event : events_)
        if (event.type() == type) return true;
      if (net::monotonic_ms() >= deadline) return false;
      receive(20);
    }
  }
  mscheduler::Event wait(mscheduler::Event::Type type) {
    return wait_for([&](const mscheduler::Event& event) { return event.type() == type; });
  }
  // Waits for an update of that task (empty: of any), acknowledges it.
  mv1::TaskStatus wait_update(const std::string& task_id) {
    const auto event = wait_for([&](const mscheduler::Event& one) {
      return one.type() == mscheduler::Event::UPDATE &&
             (task_id.empty() || one.update().status().task_id().value() == task_id);
    });
    const mv1::TaskStatus& status = event.update().status();
    if (status.has_uuid()) {
      mscheduler::Call call = make(mscheduler::Call::ACKNOWLEDGE);
      *call.mutable_acknowledge()->mutable_agent_id() = status.agent_id();
      *call.mutable_acknowledge()->mutable_task_id() = status.task_id();
      call.mutable_acknowledge()->set_uuid(status.uuid());
      send(call);
    }
    return status;
  }
  mv1::TaskStatus wait_state(const std::string& task_id, mv1::TaskState state) {
    for (;;) {
      const mv1::TaskStatus status = wait_update(task_id);
      if (status.state() == state) return status;
      REQUIRE_MESSAGE(status.state() < mv1::TASK_FINISHED, status.ShortDebugString());
    }
  }

  mscheduler::Call make(mscheduler::Call::Type type) const {
    mscheduler::Call call;
    call.set_type(type);
    call.mutable_framework_id()->set_value(framework_id_);
    return call;
  }
  void send(const mscheduler::Call& call) {
    wire::Request request = json_post(master_, "/api/v1/scheduler", v1::encode(call, v1::MediaType::json));
    request.headers.push_back({"Mesos-Stream-Id", stream_id_});
    const auto response = calls_.exchange(request, false);
    REQUIRE(response.ok());
    REQUIRE_MESSAGE(response->head.status / 100 == 2, response->body);
  }
  void launch(const mv1::Offer& offer, const std::vector<mv1::TaskInfo>& tasks) {
    mscheduler::Call call = make(mscheduler::Call::ACCEPT);
    *call.mutable_accept()->add_offer_ids() = offer.id();
    call.mutable_accept()->mutable_filters()->set_refuse_seconds(0);
    auto* operation = call.mutable_accept()->add_operations();
    operation->set_type(mv1::Offer::Operation::LAUNCH);
    for (const auto& task : tasks) *operation->mutable_launch()->add_task_infos() = task;
    send(call);
  }
  mv1::Offer wait_offer() { return wait(mscheduler::Event::OFFERS).offers().offers(0); }
  void disconnect() {
    stream_.close();
    events_.clear();
    records_ = wire::RecordReader();
  }
  const std::string& framework_id() const { return framework_id_; }

 private:
  void receive(std::int64_t timeout_ms) {
    std::string bytes;
    const auto more = stream_.read_stream(bytes, timeout_ms);
    if (!more && more.error().code == Code::timeout) return;
    REQUIRE(more.ok());
    std::vector<std::string> records;
    REQUIRE(records_.feed(bytes, records).ok());
    for (const std::string& record : records) {
      mscheduler::Event event;
      REQUIRE(v1::decode(record, v1::MediaType::json, &event).ok());
      events_.push_back(event);
    }
    REQUIRE_MESSAGE(*more, "the stream ended");
  }

  wire::Endpoint master_;
  net::HttpClient stream_;
  net::HttpClient calls_;
  wire::RecordReader records_;
  std::deque<mscheduler::Event> events_;
  std::string stream_id_;
  std::string framework_id_;
};

inline mv1::TaskInfo simple_task(const std::string& id, const std::string& agent_id, double cpus = 0.1,
                                 double mem = 32) {
  mv1::TaskInfo task;
  task.set_name(id);
  task.mutable_task_id()->set_value(id);
  task.mutable_agent_id()->set_value(agent_id);
  auto* resource = task.add_resources();
  resource->set_name("cpus");
  resource->set_type(mv1::Value::SCALAR);
  resource->mutable_scalar()->set_value(cpus);
  resource = task.add_resources();
  resource->set_name("mem");
  resource->set_type(mv1::Value::SCALAR);
  resource->mutable_scalar()->set_value(mem);
  return task;
}

}  // namespace mimas::pocket
