// A whole scheduler without its REST face: the real driver, the real loop over the real engine, and a
// database on disk, facing a scripted master. For rules that speak of what is stored before what is sent.
#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ear.h"
#include "mesos/driver.h"
#include "net/clock.h"
#include "scripted_master.h"
#include "server/loop.h"
#include "server/mailbox.h"
#include "server/published_view.h"
#include "store/store.h"

namespace rules {

struct Directory {
  std::string path;
  Directory() {
    char name[] = "/tmp/mimas-rules.XXXXXX";
    path = ::mkdtemp(name);
  }
  Directory(const Directory&) = delete;
  ~Directory() { std::filesystem::remove_all(path); }
};

// The framework id that a crash at this moment would leave behind: read from a copy of the files as they lie.
inline std::string framework_on_disk(const std::string& directory) {
  const Directory copy;
  for (const char* file : {"mimas.db", "mimas.db-wal"}) {
    std::error_code ignored;
    std::filesystem::copy_file(directory + "/" + file, copy.path + "/" + file, ignored);
  }
  const auto store = mimas::store::Store::open(copy.path);
  REQUIRE(store.ok());
  const auto loaded = (*store)->load();
  REQUIRE(loaded.ok());
  return loaded->framework.value;
}

using Call = mimas::mesos::scheduler::Call;

inline Call call_in(const scripted::Request& request) {
  Call call;
  REQUIRE(mimas::v1::decode(request.body, mimas::v1::MediaType::json, &call).ok());
  return call;
}

// Says 202 to every call until one of this type comes, which is left unanswered; with the stream id it named.
inline std::pair<Call, std::string> next_of(scripted::Connection& calls, Call::Type type) {
  for (;;) {
    const scripted::Request request = calls.read_request();
    Call call = call_in(request);
    if (call.type() == type) return {call, request.header("Mesos-Stream-Id")};
    calls.accept_call();
  }
}

class Scheduler {
 public:
  Scheduler(const scripted::Master& master, const std::string& directory, mimas::engine::Policy policy = {})
      : directory_(directory) {
    auto opened = mimas::store::Store::open(directory);
    REQUIRE(opened.ok());
    store_ = std::move(*opened);
    auto loaded = store_->load();
    REQUIRE(loaded.ok());
    mimas::mesos::DriverOptions options;
    options.masters = {master.endpoint()};
    options.codec = mimas::v1::MediaType::json;
    options.framework = loaded->framework;
    options.executor_base_url = "http://127.0.0.1:1";
    options.default_arch = "x86_64";
    auto hooks = ear.hooks();
    hooks.post = [this](mimas::engine::Input input) { mailbox_.put(std::move(input)); };
    driver_ = std::make_unique<mimas::mesos::Driver>(options, hooks);
    mimas::engine::State state(policy,
                               {loaded->framework, loaded->next_job_number, loaded->jobs, loaded->tasks});
    loop_ = std::thread([this, ready = std::move(state)]() mutable { run(std::move(ready)); });
    driver_->start();
  }
  ~Scheduler() {
    mailbox_.close();
    driver_->stop();
    loop_.join();
  }

  void tell(mimas::engine::Input input) { REQUIRE(mailbox_.offer(std::move(input))); }
  // A batch job of one task, for an agent of any kind.
  void submit() {
    auto spec = std::make_shared<mimas::JobSpec>();
    spec->name = "rules";
    spec->entry_point = "true";
    spec->request = {.cpu_milli = 100, .mem_mib = 32};
    mimas::engine::SubmitJob submit;
    submit.spec = std::move(spec);
    tell(std::move(submit));
  }
  // What was on disk each time a call or an acknowledgement was handed to the driver.
  std::vector<std::string> on_disk_at_calls() {
    const std::lock_guard lock(mutex_);
    return on_disk_;
  }
  std::string stored_framework() { return framework_on_disk(directory_); }

  Ear ear;  // hears lines and fatal ends; inputs go to the loop

 private:
  void run(mimas::engine::State state) {
    mimas::server::Loop loop(std::move(state),
                             mimas::SteadyWall({}, mimas::net::wall_now(), mimas::net::monotonic_ms()),
                             *store_, mailbox_, view_,
                             {.call_master =
                                  [this](const mimas::engine::Effect& effect) {
                                    const std::string found = framework_on_disk(directory_);
                                    {
                                      const std::lock_guard lock(mutex_);
                                      on_disk_.push_back(found);
                                    }
                                    driver_->send(effect);
                                  },
                              .reply = [](const mimas::engine::Reply&) {},
                              .log = [this](const std::string& line) { lines_hook_(line); }});
    CHECK(loop.run().ok());
  }

  std::string directory_;
  std::unique_ptr<mimas::store::Store> store_;
  mimas::server::Mailbox mailbox_{1'000};
  mimas::server::PublishedView view_;
  std::function<void(const std::string&)> lines_hook_ = ear.hooks().log;
  std::mutex mutex_;
  std::vector<std::string> on_disk_;
  std::unique_ptr<mimas::mesos::Driver> driver_;
  std::thread loop_;
};

}  // namespace rules
