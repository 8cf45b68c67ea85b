#include "pocket/zookeeper_election.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "net/clock.h"
#include "net/zookeeper.h"
#include "v1/codec.h"

namespace mimas::pocket {
namespace {

constexpr std::int64_t kSessionMs = 10'000;
constexpr std::int64_t kTickMs = 1'000;  // between two tries of whatever did not work
constexpr std::size_t kWithdrawnMax = 16;
constexpr const char* kLabel = "/json.info_";

}  // namespace

// Callbacks of the sessions, stand() and withdraw() leave closures in `inputs`; the thread runs them and owns
// the candidates. A closure names its candidate by the number of its session, so that late answers find
// nobody.
struct ZooKeeperElection::Impl {
  struct Candidate {
    mv1::MasterInfo info;
    std::uint64_t number = 0;  // of the session
    std::unique_ptr<net::ZooKeeper> session;
    bool connected = false;
    bool over = false;  // the session expired or was refused
    std::int64_t silent_since_ms = 0;
    bool registered = false;  // or about to be
    std::string leader_node;  // whose content is known or asked for
  };
  using Candidates = std::map<std::string, Candidate>;  // by master id

  void post(std::function<void()> input) {
    const std::lock_guard hold(mutex);
    inputs.push_back(std::move(input));
    arrived.notify_all();
  }
  // Runs on the thread if the session is still that one.
  void post_for(std::uint64_t number, std::function<void(Candidate&)> input) {
    post([this, number, input = std::move(input)] {
      for (auto& [id, candidate] : candidates)
        if (candidate.number == number) return input(candidate);
    });
  }
  void run();
  void tick();
  void open(Candidate& candidate);
  void take_state(Candidate& candidate, net::ZooKeeper::State state);
  void make_path(Candidate& candidate, std::size_t from);
  void stand_in_line(Candidate& candidate);
  void list(Candidate& candidate);
  void take_children(Candidate& candidate, const Result<std::vector<std::string>>& names);
  void take_leader(Candidate& candidate, const Result<std::string>& bytes);
  void publish(std::optional<wire::Endpoint> endpoint, std::string id);

  wire::ZooKeeperUrl ensemble;
  std::function<void(std::string)> log;
  std::function<void()> changed;

  mutable std::mutex mutex;
  std::condition_variable arrived;
  std::deque<std::function<void()>> inputs;
  bool stopping = false;
  std::optional<wire::Endpoint> leader;  // guarded by mutex, as is the next one
  std::string leader_id;
  std::deque<std::string> withdrawn;  // ids, the last few

  Candidates candidates;  // of the thread
  std::uint64_t sessions = 0;
  std::thread thread;
};

void ZooKeeperElection::Impl::run() {
  std::unique_lock lock(mutex);
  for (std::int64_t tick_at = 0; !stopping;) {
    if (!inputs.empty()) {
      const auto input = std::move(inputs.front());
      inputs.pop_front();
      lock.unlock();
      input();
      lock.lock();
      continue;
    }
    const std::int64_t now = net::monotonic_ms();
    if (now >= tick_at) {
      tick_at = now + kTickMs;
      lock.unlock();
      tick();
      lock.lock();
      continue;
    }
    arrived.wait_for(lock, std::chrono::milliseconds(tick_at - now));
  }
  lock.unlock();
  candidates.clear();  // sessions end here, and with them their nodes
}

void ZooKeeperElection::Impl::tick() {
  bool heard = candidates.empty();
  for (auto& [id, candidate] : candidates) {
    if (candidate.session == nullptr || candidate.over) open(candidate);
    if (candidate.connected && !candidate.registered) make_path(candidate, 1);
    if (candidate.connected && candidate.registered && candidate.leader_node.empty()) list(candidate);
    heard = heard || candidate.connected || net::monotonic_ms() < candidate.silent_since_ms + kSessionMs;
  }
  if (!heard) publish(std::nullopt, "");
}

void ZooKeeperElection::Impl::open(Candidate& candidate) {
  candidate.session.reset();
  candidate.connected = candidate.over = candidate.registered = false;
  candidate.leader_node.clear();
  candidate.silent_since_ms = net::monotonic_ms();
  candidate.number = ++sessions;
  net::ZooKeeper::Hooks hooks;
  hooks.state = [this, number = sessions](net::ZooKeeper::State state) {
    post_for(number, [this, state](Candidate& one) { take_state(one, state); });
  };
  hooks.children_changed = [this, number = sessions] {
    post_for(number, [this](Candidate& one) { list(one); });
  };
  auto opened = net::ZooKeeper::open(ensemble, kSessionMs, std::move(hooks));
  if (opened) {
    candidate.session = *std::move(opened);
  } else {
    log(opened.error().text());
  }
}

void ZooKeeperElection::Impl::take_state(Candidate& candidate, net::ZooKeeper::State state) {
  using State = net::ZooKeeper::State;
  candidate.connected = state == State::connected;
  if (candidate.connected) return candidate.registered ? list(candidate) : make_path(candidate, 1);
  candidate.silent_since_ms = net::monotonic_ms();
  if (state == State::disconnected) return;
  candidate.over = true;
  log(state == State::expired ? "the session with ZooKeeper has expired"
                              : "ZooKeeper refuses the user and password");
  {
    const std::lock_guard hold(mutex);
    if (leader_id != candidate.info.id()) return;
  }
  publish(std::nullopt, "");  // it led by a node that is gone
}

// Every part of the path up to `from` is there; makes the rest, then the node.
void ZooKeeperElection::Impl::make_path(Candidate& candidate, std::size_t from) {
  candidate.registered = true;
  const std::size_t end = std::min(ensemble.path.find('/', from), ensemble.path.size());
  const auto next = [this, number = candidate.number, end](Status made) {
    post_for(number, [this, end, made = std::move(made)](Candidate& one) {
      if (!made && made.error().code != Code::conflict) {
        one.registered = false;
        return log(made.error().text());
      }
      if (end < ensemble.path.size()) return make_path(one, end + 1);
      stand_in_line(one);
    });
  };
  candidate.session->create(ensemble.path.substr(0, end), next);
}

void ZooKeeperElection::Impl::stand_in_line(Candidate& candidate) {
  const auto made = [this, number = candidate.number](Result<std::string> node) {
    post_for(number, [this, node = std::move(node)](Candidate& one) {
      if (node) return list(one);
      one.registered = false;
      log(node.error().text());
    });
  };
  candidate.session->create_ephemeral_sequential(ensemble.path + kLabel,
                                                 v1::encode(candidate.info, v1::MediaType::json), made);
}

void ZooKeeperElection::Impl::list(Candidate& candidate) {
  candidate.session->children(
      ensemble.path, [this, number = candidate.number](Result<std::vector<std::string>> names) {
        post_for(number, [this, names = std::move(names)](Candidate& one) { take_children(one, names); });
      });
}

void ZooKeeperElection::Impl::take_children(Candidate& candidate,
                                            const Result<std::vector<std::string>>& names) {
  if (!names) return candidate.leader_node.clear();  // asked again by the next tick
  std::string lowest;
  for (const std::string& name : *names) {
    const auto number = net::zookeeper_sequence(name);
    if (number && (lowest.empty() || *number < *net::zookeeper_sequence(lowest))) lowest = name;
  }
  candidate.leader_node = lowest;
  if (lowest.empty()) return publish(std::nullopt, "");
  candidate.session->data(
      ensemble.path + "/" + lowest, [this, number = candidate.number](Result<std::string> bytes) {
        post_for(number, [this, bytes = std::move(bytes)](Candidate& one) { take_leader(one, bytes); });
      });
}

void ZooKeeperElection::Impl::take_leader(Candidate& candidate, const Result<std::string>& bytes) {
  mv1::MasterInfo info;
  const bool read = bytes && v1::decode_tolerant(*bytes, v1::MediaType::json, &info) &&
                    info.port() <= UINT16_MAX &&
                    wire::parse_endpoint(wire::Endpoint{info.hostname(), 1}.text());
  if (!read) {
    candidate.leader_node.clear();
    return;
  }
  publish(wire::Endpoint{info.hostname(), static_cast<std::uint16_t>(info.port())}, info.id());
}

void ZooKeeperElection::Impl::publish(std::optional<wire::Endpoint> endpoint, std::string id) {
  {
    const std::lock_guard hold(mutex);
    if (leader == endpoint && leader_id == id) return;
    // An answer from before it withdrew.
    if (std::find(withdrawn.begin(), withdrawn.end(), id) != withdrawn.end()) return;
    leader = std::move(endpoint);
    leader_id = std::move(id);
  }
  changed();
}

ZooKeeperElection::ZooKeeperElection(wire::ZooKeeperUrl ensemble, std::function<void(std::string)> log)
    : impl_(std::make_unique<Impl>()) {
  impl_->ensemble = std::move(ensemble);
  impl_->log = [log = std::move(log)](std::string line) {
    if (log) log("election: " + std::move(line));
  };
}

ZooKeeperElection::~ZooKeeperElection() { stop(); }

void ZooKeeperElection::start(std::function<void()> changed) {
  impl_->changed = std::move(changed);
  impl_->thread = std::thread([impl = impl_.get()] { impl->run(); });
}

void ZooKeeperElection::stop() {
  {
    const std::lock_guard hold(impl_->mutex);
    impl_->stopping = true;
    impl_->arrived.notify_all();
  }
  if (impl_->thread.joinable()) impl_->thread.join();
}

void ZooKeeperElection::stand(const mv1::MasterInfo& me, Instant) {
  impl_->post([impl = impl_.get(), me] {
    Impl::Candidate& candidate = impl->candidates[me.id()];
    candidate.info = me;
    impl->open(candidate);
  });
}

void ZooKeeperElection::withdraw(const mv1::MasterInfo& me, Instant) {
  {
    // At once, so that nobody is asked to follow it, nor takes its place before the others have seen it go.
    const std::lock_guard hold(impl_->mutex);
    impl_->withdrawn.push_back(me.id());
    if (impl_->withdrawn.size() > kWithdrawnMax) impl_->withdrawn.pop_front();
    if (impl_->leader_id == me.id()) {
      impl_->leader.reset();
      impl_->leader_id.clear();
    }
  }
  impl_->post([impl = impl_.get(), id = me.id()] { impl->candidates.erase(id); });
}

std::optional<wire::Endpoint> ZooKeeperElection::leader(Instant) const {
  const std::lock_guard hold(impl_->mutex);
  return impl_->leader;
}

}  // namespace mimas::pocket
