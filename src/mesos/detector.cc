#include "mesos/detector.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "mesos/detection.h"
#include "net/clock.h"
#include "net/zookeeper.h"

namespace mimas::mesos {

// Callbacks of a session leave an input in `inputs`; the thread takes them one by one. What belongs to a
// session that has been closed meanwhile is dropped by its number.
struct Detector::Impl {
  using Input = std::function<Detection::Step(Detection&, std::int64_t now_ms)>;
  struct Posted {
    std::uint64_t session = 0;
    Input input;
  };

  void post(std::uint64_t number, Input input) {
    const std::lock_guard hold(mutex);
    inputs.push_back({number, std::move(input)});
    changed.notify_all();
  }
  std::optional<Posted> next();
  void run();
  void carry_out(Detection::Step step);
  void open();

  wire::ZooKeeperUrl ensemble;
  Hooks hooks;

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Posted> inputs;
  bool stopping = false;

  // Of the thread alone.
  Detection detection;
  std::unique_ptr<net::ZooKeeper> session;
  std::uint64_t session_number = 0;
  std::thread thread;
};

// Waits for an input or for the time the machine asked for; nullopt: stop.
std::optional<Detector::Impl::Posted> Detector::Impl::next() {
  std::unique_lock lock(mutex);
  for (;;) {
    if (stopping) return std::nullopt;
    if (!inputs.empty()) {
      Posted first = std::move(inputs.front());
      inputs.pop_front();
      return first;
    }
    const std::int64_t wake_at = detection.wake_at_ms();
    const std::int64_t now = net::monotonic_ms();
    if (wake_at <= now) {
      return Posted{session_number,
                    [](Detection& machine, std::int64_t at) { return machine.time_passed(at); }};
    }
    if (wake_at == kNever) {
      changed.wait(lock);
    } else {
      changed.wait_for(lock, std::chrono::milliseconds(wake_at - now));
    }
  }
}

void Detector::Impl::run() {
  carry_out(detection.start(net::monotonic_ms()));
  while (auto posted = next()) {
    if (posted->session == session_number) carry_out(posted->input(detection, net::monotonic_ms()));
  }
  session.reset();
}

void Detector::Impl::open() {
  session.reset();  // its calls are answered now, under the old number
  const std::uint64_t number = ++session_number;
  net::ZooKeeper::Hooks session_hooks;
  session_hooks.state = [this, number](net::ZooKeeper::State state) {
    post(number, [state](Detection& machine, std::int64_t now) {
      switch (state) {
        case net::ZooKeeper::State::connected: return machine.connected(now);
        case net::ZooKeeper::State::disconnected: return machine.disconnected(now);
        case net::ZooKeeper::State::expired: return machine.expired(now);
        case net::ZooKeeper::State::refused: return machine.refused(now);
      }
      return Detection::Step{};
    });
  };
  session_hooks.children_changed = [this, number] {
    post(number, [](Detection& machine, std::int64_t now) { return machine.children_changed(now); });
  };
  auto opened = net::ZooKeeper::open(ensemble, kZooKeeperSessionMs, std::move(session_hooks));
  if (opened) {
    session = *std::move(opened);
  } else {
    carry_out(detection.open_failed(opened.error(), net::monotonic_ms()));
  }
}

void Detector::Impl::carry_out(Detection::Step step) {
  if (!step.text.empty()) hooks.log(step.text);
  if (step.masters) hooks.masters(*std::move(step.masters));
  if (step.reopen) return open();
  if (session == nullptr) return;
  const std::uint64_t number = session_number;
  if (step.list) {
    session->children(ensemble.path, [this, number](Result<std::vector<std::string>> names) {
      post(number, [names = std::move(names)](Detection& machine, std::int64_t now) {
        return machine.children(names, now);
      });
    });
  }
  if (!step.read.empty()) {
    session->data(ensemble.path + "/" + step.read,
                  [this, number, node = step.read](Result<std::string> bytes) {
                    post(number, [node, bytes = std::move(bytes)](Detection& machine, std::int64_t now) {
                      return machine.content(node, bytes, now);
                    });
                  });
  }
}

Detector::Detector(wire::ZooKeeperUrl ensemble, Hooks hooks) : impl_(std::make_unique<Impl>()) {
  impl_->ensemble = std::move(ensemble);
  impl_->hooks = std::move(hooks);
}

Detector::~Detector() { stop(); }

void Detector::start() {
  if (!impl_->thread.joinable()) impl_->thread = std::thread([impl = impl_.get()] { impl->run(); });
}

void Detector::stop() {
  {
    const std::lock_guard hold(impl_->mutex);
    impl_->stopping = true;
    impl_->changed.notify_all();
  }
  if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace mimas::mesos
