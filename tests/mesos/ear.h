// The engine's place beside the driver: hears what the hooks are called with and waits for it, and plays one
// subscription with a scripted master.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "mesos/driver.h"
#include "mesos/protos.h"
#include "scripted_master.h"
#include "v1/codec.h"

namespace rules {

class Ear {
 public:
  mimas::mesos::Driver::Hooks hooks() {
    return {[this](mimas::engine::Input input) { hear(inputs_, std::move(input)); },
            [this](mimas::mesos::Fatal fatal, std::string text) {
              hear(fatals_, std::pair(fatal, std::move(text)));
            },
            [this](const std::string& line) { hear(lines_, line); },
            [this](const mimas::AgentId& agent, const std::string& executor, const std::string& data) {
              hear(messages_, agent.value + " " + executor + " " + data);
            }};
  }
  mimas::engine::Input input() {
    std::unique_lock lock(mutex_);
    wait(lock, [&] { return !inputs_.empty(); });
    mimas::engine::Input value = std::move(inputs_.front());
    inputs_.pop_front();
    return value;
  }
  template <class T>
  T expect() {
    mimas::engine::Input input = this->input();
    REQUIRE_MESSAGE(std::holds_alternative<T>(input), "another input came: kind " << input.index());
    return std::get<T>(std::move(input));
  }
  std::pair<mimas::mesos::Fatal, std::string> fatal() {
    std::unique_lock lock(mutex_);
    wait(lock, [&] { return !fatals_.empty(); });
    auto value = std::move(fatals_.front());
    fatals_.pop_front();
    return value;
  }
  // What an executor said: "AGENT EXECUTOR BYTES".
  std::string message() {
    std::unique_lock lock(mutex_);
    wait(lock, [&] { return !messages_.empty(); });
    std::string value = std::move(messages_.front());
    messages_.pop_front();
    return value;
  }
  // A line of the log that has `part` in it; the lines before it are forgotten.
  std::string line_with(const std::string& part) {
    std::unique_lock lock(mutex_);
    std::string found;
    wait(lock, [&] {
      while (!lines_.empty() && found.empty()) {
        if (lines_.front().find(part) != std::string::npos) found = lines_.front();
        lines_.pop_front();
      }
      return !found.empty();
    });
    return found;
  }
  bool quiet() {
    const std::lock_guard lock(mutex_);
    return inputs_.empty() && fatals_.empty();
  }

 private:
  template <class T>
  void hear(std::deque<T>& list, T value) {
    const std::lock_guard lock(mutex_);
    list.push_back(std::move(value));
    changed_.notify_all();
  }
  void wait(std::unique_lock<std::mutex>& lock, const std::function<bool()>& done) {
    REQUIRE(changed_.wait_for(lock, std::chrono::milliseconds(scripted::kPatienceMs), done));
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<mimas::engine::Input> inputs_;
  std::deque<std::pair<mimas::mesos::Fatal, std::string>> fatals_;
  std::deque<std::string> lines_;
  std::deque<std::string> messages_;
};

inline const std::string kSubscribed =
    R"({"type":"SUBSCRIBED","subscribed":{"framework_id":{"value":"fw-1"},"heartbeat_interval_seconds":15.0}})";

// FAILURE of an agent: the shortest event that reaches the engine.
inline std::string lost(const std::string& agent) {
  return R"({"type":"FAILURE","failure":{"agent_id":{"value":")" + agent + R"("}}})";
}

inline std::string chunk(std::string_view bytes) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return size + std::string(bytes) + "\r\n";
}

// A driver and the scripted master it speaks to.
struct Talk {
  explicit Talk(mimas::v1::MediaType codec = mimas::v1::MediaType::json,
                const std::function<void(mimas::mesos::DriverOptions&)>& adjust = {}) {
    mimas::mesos::DriverOptions options;
    options.masters = {master.endpoint()};
    options.codec = codec;
    options.executor_base_url = "http://127.0.0.1:1";
    options.default_arch = "x86_64";
    if (adjust) adjust(options);
    driver = std::make_unique<mimas::mesos::Driver>(options, ear.hooks());
    driver->start();
  }
  // Takes the SUBSCRIBE that comes next and reads it.
  scripted::Connection asked() {
    scripted::Connection connection = master.accept();
    request = connection.read_request();
    return connection;
  }
  // …and answers it: the driver is subscribed.
  scripted::Connection subscribe(const std::string& stream_id = "stream-1") {
    scripted::Connection stream = asked();
    stream.begin_stream(stream_id);
    stream.event(kSubscribed);
    ear.expect<mimas::engine::Subscribed>();
    return stream;
  }
  mimas::mesos::scheduler::Call call_in(const scripted::Request& from) const {
    mimas::mesos::scheduler::Call call;
    REQUIRE(mimas::v1::decode(from.body, mimas::v1::MediaType::json, &call).ok());
    return call;
  }
  // The subscription ended, nothing else was heard before, and the driver asks again.
  void expect_new_subscription() {
    ear.expect<mimas::engine::Disconnected>();
    scripted::Connection again = asked();
    CHECK(call_in(request).type() == mimas::mesos::scheduler::Call::SUBSCRIBE);
    CHECK(ear.quiet());
  }

  scripted::Master master;
  Ear ear;
  scripted::Request request;
  std::unique_ptr<mimas::mesos::Driver> driver;  // last: it stops first
};

}  // namespace rules
