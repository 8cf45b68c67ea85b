#include "pocket/pocket.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <thread>
#include <utility>

#include "base/uuid.h"
#include "http/listener.h"
#include "net/clock.h"
#include "pocket/agent.h"
#include "pocket/agent_flags.h"
#include "pocket/master_face.h"

namespace mimas::pocket {
namespace {

constexpr std::size_t kAgentsRememberedMax = 10'000;

Error io_error(const std::string& what, const std::string& where) {
  return make_error(Code::io, what + ": " + std::strerror(errno), where);
}

// One pocket per work directory; the lock is the kernel's and goes with the process.
Result<int> lock_work_dir(const std::string& work_dir) {
  std::error_code failed;
  std::filesystem::create_directories(work_dir, failed);
  if (failed) return make_error(Code::io, "cannot make the work directory: " + failed.message(), work_dir);
  const std::string path = work_dir + "/lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return io_error("cannot write to the work directory", path);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const bool taken = errno == EWOULDBLOCK;
    const Error error = taken ? make_error(Code::conflict, "another pocket is using this work directory",
                                           work_dir, "stop it or choose another directory")
                              : io_error("cannot lock", path);
    ::close(fd);
    return error;
  }
  return fd;
}

std::vector<std::string> read_lines(const std::string& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line) && lines.size() < kAgentsRememberedMax;)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

void write_lines(const std::string& path, const std::vector<std::string>& lines) {
  std::ofstream file(path + ".new", std::ios::trunc);
  for (const std::string& line : lines) file << line << '\n';
  file.close();
  if (file) std::rename((path + ".new").c_str(), path.c_str());
}

}  // namespace

struct Pocket::Impl {
  PocketOptions options;
  wire::Endpoint master_endpoint;
  int lock_fd = -1;
  std::unique_ptr<MasterFace> face;
  std::atomic<MasterFace*> face_ready{nullptr};  // workers ask through this
  std::unique_ptr<http::Listener> listener;
  std::vector<std::unique_ptr<Agent>> agents;
  bool stopped = false;

  ~Impl() {
    stop();
    if (lock_fd >= 0) ::close(lock_fd);
  }
  Status start_master();
  Status start_agents();
  void stop();
  void shutdown(std::int64_t grace_ms);
};

Status Pocket::Impl::start_master() {
  http::Options at;
  at.listen = options.listen;
  at.workers = 512;
  at.streams_max = 256;
  at.body_bytes_max = 64u << 20;
  // The port may be any free one, and ids and answers carry it: so listen first, answer 503 until the model
  // is there.
  auto opened = http::Listener::open(at, [this](const http::Request& request) {
    if (MasterFace* ready = face_ready.load(); ready != nullptr) return ready->handle(request);
    http::Reply reply;
    reply.status = 503;
    reply.content_type = "text/plain; charset=utf-8";
    reply.body = "Master has not finished recovery";
    return reply;
  });
  if (!opened) return opened.error();
  listener = std::move(*opened);
  master_endpoint = {options.listen.host, listener->port()};
  const std::string remembered = options.work_dir + "/agents";
  MasterOptions master;
  master.master_id = uuid_text(uuid_v4_bytes(net::random_bytes()));
  master.address = master_endpoint;
  master.allocation_interval_ms = options.allocation_interval_ms;
  master.agent_ping_timeout_ms = options.agent_ping_timeout_ms;
  master.agent_reregister_ms = std::max<std::int64_t>(10'000, 5 * options.agent_ping_timeout_ms);
  master.agents_before = read_lines(remembered);
  master.seed = net::random_seed();
  face = std::make_unique<MasterFace>(
      master, [remembered](const std::vector<std::string>& ids) { write_lines(remembered, ids); });
  face->start();
  face_ready.store(face.get());
  return Done{};
}

Status Pocket::Impl::start_agents() {
  const int count = static_cast<int>(options.agents.size());
  for (int i = 0; i < count; ++i) {
    AgentSetup setup;
    const Result<mv1::AgentInfo> info =
        make_agent_info(options.agents[static_cast<std::size_t>(i)], i, count, options.work_dir);
    if (!info) return info.error();
    setup.info = *info;
    setup.dir = options.work_dir + "/agent" + std::to_string(i);
    setup.ip = options.agent_ip;
    setup.master = master_endpoint;
    setup.runner = options.runner;
    setup.executor_registration_ms = options.executor_registration_ms;
    setup.executor_reregistration_ms = options.executor_reregistration_ms;
    setup.executors_max = std::max(1, options.executors_max);
    setup.log = options.log;
    auto agent = Agent::start(std::move(setup));
    if (!agent) return agent.error();
    agents.push_back(std::move(*agent));
  }
  return Done{};
}

void Pocket::Impl::stop() {
  if (std::exchange(stopped, true)) return;
  for (const auto& agent : agents) agent->stop();
  if (face) face->stop();
  if (listener) listener->stop();
  agents.clear();
}

void Pocket::Impl::shutdown(std::int64_t grace_ms) {
  if (stopped) return;
  std::vector<std::thread> threads;
  for (const auto& agent : agents) threads.emplace_back([&agent, grace_ms] { agent->shutdown(grace_ms); });
  for (std::thread& thread : threads) thread.join();
  stop();
}

Pocket::Pocket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Pocket::~Pocket() { stop(); }

Result<std::unique_ptr<Pocket>> Pocket::start(PocketOptions options) {
  for (const AgentOptions& agent : options.agents)
    if (const Status fine = check_agent(agent); !fine) return fine.error();
  if (options.work_dir.empty())
    return make_error(Code::invalid_argument, "a work directory is needed", "work_dir");
  if (!options.master && options.join.host.empty())
    return make_error(Code::invalid_argument, "without a master of its own a pocket needs one to join",
                      "join");
  auto impl = std::make_unique<Impl>();
  std::error_code failed;
  options.work_dir = std::filesystem::absolute(options.work_dir, failed).lexically_normal().string();
  while (options.work_dir.size() > 1 && options.work_dir.back() == '/') options.work_dir.pop_back();
  impl->options = std::move(options);
  Result<int> locked = lock_work_dir(impl->options.work_dir);
  if (!locked) return locked.error();
  impl->lock_fd = *locked;
  impl->master_endpoint = impl->options.join;
  if (impl->options.master)
    if (const Status begun = impl->start_master(); !begun) return begun.error();
  if (const Status begun = impl->start_agents(); !begun) return begun.error();
  return std::unique_ptr<Pocket>(new Pocket(std::move(impl)));
}

wire::Endpoint Pocket::master() const { return impl_->master_endpoint; }
void Pocket::stop() { impl_->stop(); }
void Pocket::shutdown(std::int64_t grace_ms) { impl_->shutdown(grace_ms); }

}  // namespace mimas::pocket
