#include "server/server.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <pwd.h>
#include <unistd.h>

#include "engine/newest.h"
#include "mesos/detector.h"
#include "net/clock.h"
#include "server/back_up.h"
#include "server/config_json.h"
#include "server/event_ring.h"
#include "server/executors.h"
#include "server/log.h"
#include "server/loop.h"
#include "server/mailbox.h"
#include "server/metrics.h"
#include "server/published_view.h"
#include "server/replies.h"
#include "server/routes.h"
#include "server/scaling_provider.h"
#include "server/secrets.h"
#include "server/stats.h"
#include "store/store.h"

namespace mimas::server {
namespace {

// Exit codes of `mimas serve` and `mimas dev`, documented in docs/mesos.md.
constexpr int kExitStopped = 0;
constexpr int kExitStore = 3;
constexpr int kExitFailedOver = 4;
constexpr int kExitFrameworkRemoved = 5;
constexpr int kExitRefused = 6;

constexpr std::int64_t kForgetMs = 60'000;  // for a commit
constexpr std::int64_t kGoodbyeMs = 500;    // for readers of events to be told that we stop

int exit_code(mesos::Fatal fatal) {
  switch (fatal) {
    case mesos::Fatal::none: return kExitStopped;
    case mesos::Fatal::failed_over: return kExitFailedOver;
    case mesos::Fatal::framework_removed: return kExitFrameworkRemoved;
    case mesos::Fatal::unauthorized:
    case mesos::Fatal::rejected:
    case mesos::Fatal::wrong_framework_id: return kExitRefused;
  }
  return kExitRefused;
}

std::string what_now(mesos::Fatal fatal, const engine::View& view) {
  if (fatal == mesos::Fatal::failed_over)
    return "; another instance has taken over, do not start this one again";
  if (fatal != mesos::Fatal::framework_removed) return "";
  return "; its tasks are gone. To start over with the jobs on record, start once with --new-framework " +
         view.connection().framework.value;
}

std::string own_directory() {
  std::error_code failure;
  const auto binary = std::filesystem::read_symlink("/proc/self/exe", failure);
  return failure ? "." : binary.parent_path().string();
}

std::string own_user() {
  const passwd* entry = ::getpwuid(::geteuid());
  return entry ? entry->pw_name : "root";
}

// The recovered records as the view's first content.
std::vector<engine::Change> as_changes(const store::Loaded& loaded) {
  std::vector<engine::Change> changes;
  for (const Job& job : loaded.jobs) changes.push_back(engine::PutJob{std::make_shared<const Job>(job)});
  for (const Task& task : loaded.tasks)
    changes.push_back(engine::PutTask{std::make_shared<const Task>(task)});
  for (const Orphan& orphan : loaded.orphans)
    changes.push_back(engine::PutOrphan{std::make_shared<const Orphan>(orphan)});
  for (const Operation& operation : loaded.operations)
    changes.push_back(engine::PutOperation{std::make_shared<const Operation>(operation)});
  for (const Audit& audit : loaded.audits)
    changes.push_back(engine::PutAudit{std::make_shared<const Audit>(audit)});
  for (const JobVersion& version : loaded.versions)
    changes.push_back(engine::PutJobVersion{std::make_shared<const JobVersion>(version)});
  for (const CapacityGroup& group : loaded.groups)
    changes.push_back(engine::PutGroup{std::make_shared<const CapacityGroup>(group)});
  return changes;
}

// What executors are told by a flag, as long as its feature is on; empty: nothing.
std::string told_with(const std::vector<std::string>& executor_arguments, std::string_view flag,
                      std::string_view feature) {
  std::string told;
  bool on = false;
  for (std::size_t i = 0; i + 1 < executor_arguments.size(); i += 2) {
    if (executor_arguments[i] == flag) told = executor_arguments[i + 1];
    if (executor_arguments[i] == "--features")
      on = executor_arguments[i + 1].find(feature) != std::string::npos;
  }
  return on ? told : std::string();
}

// Where executors archive logs; empty: they do not.
std::string archive_of(const std::vector<std::string>& executor_arguments) {
  return told_with(executor_arguments, "--archive", "logarchive=on");
}

// Whether executors give containers that name no network one of the operator's.
bool gives_networks(const std::vector<std::string>& executor_arguments) {
  return !told_with(executor_arguments, "--network", "network=on").empty();
}

api::ServerFacts facts_of(const ServerOptions& options) {
  api::ServerFacts facts;
  facts.version = options.version;
  char name[256] = "";
  if (::gethostname(name, sizeof name - 1) == 0) facts.hostname = name;
  if (!options.access.listen.empty()) {
    facts.address = options.access.listen.front().at.host;
    facts.port = options.access.listen.front().at.port;
  }
  facts.started_at = Instant{net::wall_now().ms};
  for (const wire::Endpoint& master : options.masters) facts.masters.push_back(master.text());
  return facts;
}

}  // namespace

struct Server::Impl {
  explicit Impl(ServerOptions given)
      : options(std::move(given)), log(options.log_level), mailbox(options.mailbox_inputs_max) {}
  ~Impl() { stop(); }

  Status open();
  void run_loop(engine::State state, SteadyWall clock);
  void finish(int code, const std::string& why);
  Status abandon_framework(engine::State& state, Instant now);
  Status tear_down(const FrameworkId& framework, const std::string& user, const std::string& address);
  void stop();
  mesos::DriverOptions driver_options(const FrameworkId& framework) const;
  mesos::Driver::Hooks driver_hooks();
  std::string reachable_url() const;
  Status open_border(const std::vector<Audit>& audits);
  RouteContext route_context();
  void reload();

  ServerOptions options;
  Log log;
  Mailbox mailbox;
  Replies replies;
  EventRing events{epoch_of(net::wall_now())};
  PublishedView view;
  Stats stats{view, net::wall_now()};
  Metrics metrics{{view, mailbox, events, stats}, options.version, net::wall_now()};
  Executors executors;
  std::unique_ptr<LivePolicy> job_policy;
  Secrets secrets;
  std::unique_ptr<AuditLog> audit_log;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<Listeners> listeners;
  std::unique_ptr<mesos::Driver> driver;
  std::unique_ptr<mesos::Detector> detector;
  std::unique_ptr<ScalingProvider> provider;  // none without rules
  std::thread loop_thread;

  std::mutex mutex;
  std::condition_variable ended;
  std::optional<int> code;
  std::once_flag stopped;
};

// Where agents fetch their executor, and people find us.
std::string Server::Impl::reachable_url() const {
  const std::vector<Listeners::At>& at = listeners->addresses();
  if (options.advertise.empty()) return at[std::min(options.advertised_listener, at.size() - 1)].url();
  if (options.advertise.find("://") != std::string::npos) return options.advertise;
  const auto named = wire::parse_endpoint(options.advertise);
  const auto same = std::ranges::find_if(
      at, [&](const Listeners::At& one) { return named.ok() && one.endpoint.port == named->port; });
  const bool tls = same == at.end() ? at.front().tls : same->tls;
  return (tls ? "https://" : "http://") + options.advertise;
}

mesos::DriverOptions Server::Impl::driver_options(const FrameworkId& framework) const {
  mesos::DriverOptions wanted;
  wanted.masters = options.masters;
  wanted.codec = options.codec;
  wanted.framework = framework;
  wanted.user = options.user.empty() ? own_user() : options.user;
  wanted.roles = options.roles;
  const std::string reachable = reachable_url();
  wanted.webui_url = reachable + "/";
  wanted.failover_timeout_ms = options.failover_timeout_ms;
  wanted.executor_base_url = reachable;
  wanted.executor_version = executors.version();
  wanted.executor_arguments = options.executor_arguments;
  wanted.executor_sha256 = executors.sha256();
  wanted.default_arch = Executors::own_architecture();
  wanted.secret = [this](const std::string& name) { return secrets.read(name); };
  wanted.default_network = [this] { return std::string(api::default_network(*job_policy->current())); };
  return wanted;
}

mesos::Driver::Hooks Server::Impl::driver_hooks() {
  return {
      .post = [this](engine::Input input) { mailbox.put(std::move(input)); },
      .on_fatal = [this](mesos::Fatal fatal,
                         std::string why) { finish(exit_code(fatal), why + what_now(fatal, view)); },
      .log = [this](std::string line) { log.info(line); },
      .message =
          [this](const AgentId& agent, const std::string& executor, const std::string& data) {
            if (const std::string line = stats.take(agent, executor, data, net::wall_now()); !line.empty())
              log.warning(line);
          },
  };
}

// All that an ExecutorInfo says of how its executor is started (engine::Policy::executor_stamp).
static std::string executor_stamp(const mesos::DriverOptions& options) {
  std::string stamp = options.executor_base_url + ' ' + options.executor_version + ' ' + options.default_arch;
  for (const std::string& argument : options.executor_arguments) stamp += ' ' + argument;
  for (const auto& [arch, sum] : options.executor_sha256) stamp += ' ' + sum;
  return stamp;
}

// What stands between a request and the engine, and what is written down of it.
Status Server::Impl::open_border(const std::vector<Audit>& audits) {
  api::PolicyGround ground;
  ground.process_user = options.user.empty() ? own_user() : options.user;
  ground.own_network = gives_networks(options.executor_arguments);
  auto policy = LivePolicy::open(options.job_policy, std::move(ground));
  if (!policy.ok()) return std::move(policy).error();
  job_policy = *std::move(policy);
  log.info("what jobs may ask for: the policy " + job_policy->current()->name);
  if (const std::string note = note_on_recovered(view, *job_policy->current()); !note.empty())
    log.warning(note);
  if (!options.secrets_directory.empty()) {
    auto opened = Secrets::open(options.secrets_directory);
    if (!opened.ok()) return std::move(opened).error();
    secrets = *std::move(opened);
  }
  if (options.audit_log_off) {
    options.audit_log.file.clear();
  } else if (options.audit_log.file.empty()) {
    options.audit_log.file = options.data_directory + "/audit.log";
  }
  auto kept = AuditLog::open(options.audit_log, audits, [this](const std::string& line) { log.error(line); });
  if (!kept.ok()) return std::move(kept).error();
  audit_log = *std::move(kept);
  return Done{};
}

RouteContext Server::Impl::route_context() {
  const std::string archive = archive_of(options.executor_arguments);
  return {.mailbox = mailbox,
          .replies = replies,
          .view = view,
          .executors = executors,
          .stats = stats,
          .events = events,
          .metrics = metrics,
          .command_timeout_ms = options.command_timeout_ms,
          .tear_down = [this](const FrameworkId& framework, const std::string& user,
                              const std::string& address) { return tear_down(framework, user, address); },
          .archive = archive,
          .policy = [this] { return job_policy->current(); },
          .secret = [this](const std::string& name) { return secrets.read(name); },
          .agents = agent_access(options.master_access),
          .backups = options.data_directory + "/backups",
          .backup = [this](const std::string& path) { return back_up(mailbox, *store, path); },
          .log_change = [this](const std::string& line) { log.info(line); },
          .facts = facts_of(options),
          .config = [this, archive] { return render_config(options, archive, *job_policy->current()); },
          .limits = limits_of(options)};
}

void Server::Impl::reload() {
  listeners->reload();
  audit_log->reopen();
  if (!job_policy->is_file()) return;
  const Status read = job_policy->reload();
  log.info(read.ok() ? "read the policy " + job_policy->current()->name
                     : "the old policy stays: " + read.error().text());
}

Status Server::Impl::open() {
  const std::string directory =
      options.executors_directory.empty() ? own_directory() + "/executors" : options.executors_directory;
  auto loaded_executors = Executors::load(directory);
  if (!loaded_executors.ok()) return std::move(loaded_executors).error();
  executors = *std::move(loaded_executors);

  auto opened = store::Store::open(options.data_directory);
  if (!opened.ok()) return std::move(opened).error();
  store = *std::move(opened);
  auto loaded = store->load();
  if (!loaded.ok()) return std::move(loaded).error();
  view.apply(as_changes(*loaded));
  view.publish_to(events);
  log.info("recovered " + std::to_string(loaded->jobs.size()) + " jobs and " +
           std::to_string(loaded->tasks.size()) + " tasks from " + options.data_directory);

  if (Status opened_border = open_border(loaded->audits); !opened_border.ok()) return opened_border;
  const RouteContext context = route_context();
  for (const std::string& line : access_warnings(options.access)) log.warning(line);
  auto listened = Listeners::open(
      options.access,
      [&context](Authenticate authenticate) { return make_routes(context, std::move(authenticate)); },
      [this](const std::string& line) { log.info(line); });
  if (!listened.ok()) return std::move(listened).error();
  listeners = *std::move(listened);

  engine::Policy policy = options.policy;
  policy.roles = options.roles;
  policy.executor_stamp = executor_stamp(driver_options({}));
  engine::Recovered recovered{
      loaded->framework,           loaded->next_job_number,         std::move(loaded->jobs),
      std::move(loaded->tasks),    std::move(loaded->orphans),      std::move(loaded->operations),
      std::move(loaded->audits),   loaded->next_audit_number,       std::move(loaded->versions),
      std::move(loaded->receipts), std::move(loaded->agent_orders), std::move(loaded->groups)};
  const Instant newest = engine::newest_instant(recovered);
  SteadyWall clock(newest, net::wall_now(), net::monotonic_ms());
  if (newest > net::wall_now()) {
    log.warning("the clock stands at " + format_rfc3339(net::wall_now()) + ", before the newest record of " +
                format_rfc3339(newest) + ": time goes on from there");
  }
  engine::State state(std::move(policy), std::move(recovered));
  if (!loaded->framework.empty() && loaded->framework == options.abandoned_framework) {
    if (Status done = abandon_framework(state, clock.at(net::wall_now(), net::monotonic_ms())); !done.ok()) {
      return done;
    }
    loaded->framework = {};
  }

  mesos::DriverOptions wanted = driver_options(loaded->framework);
  if (Status reachable = apply(options.master_access, wanted); !reachable.ok()) return reachable;
  if (const std::string line = warning(options.master_access); !line.empty()) log.warning(line);
  driver = std::make_unique<mesos::Driver>(std::move(wanted), driver_hooks());
  // Whoever knows the framework's id may ask for its end: not before there is somebody to see to it.
  view.set_framework(loaded->framework);
  if (options.master_access.zookeeper) {
    detector = std::make_unique<mesos::Detector>(
        *options.master_access.zookeeper,
        mesos::Detector::Hooks{
            .masters =
                [this](std::vector<wire::Endpoint> masters) { driver->set_masters(std::move(masters)); },
            .log = [this](std::string line) { log.info(line); }});
  }
  if (!options.policy.scaling.empty()) {
    provider = std::make_unique<ScalingProvider>(
        options.scaling_provider, [this](engine::ScalingReport report) { mailbox.put(std::move(report)); });
  }
  loop_thread =
      std::thread([this, clock, start = std::move(state)]() mutable { run_loop(std::move(start), clock); });
  driver->start();
  if (detector) detector->start();
  for (const Listeners::At& at : listeners->addresses()) log.info("listening on " + at.url());
  return Done{};
}

Status Server::Impl::abandon_framework(engine::State& state, Instant now) {
  const engine::Step step = engine::step(state, engine::ForgetFramework{}, now);
  for (const std::string& line : step.reasons) log.info(line);
  Status committed = store->commit(step.changes);
  if (committed.ok()) view.apply(step.changes);
  return committed;
}

// On an http worker, whose client waits. The id guards against tearing down what somebody else had in mind.
Status Server::Impl::tear_down(const FrameworkId& framework, const std::string& user,
                               const std::string& address) {
  if (framework.empty() || framework != view.connection().framework) {
    return make_error(Code::not_found, "this server has no framework of that id", framework.value,
                      "GET /health names the one it has");
  }
  log.info("tearing down framework " + framework.value);
  if (Status torn_down = driver->teardown(); !torn_down.ok()) return torn_down;
  const engine::RequestId request = replies.open();
  mailbox.put(engine::ForgetFramework{request, true, user, address});
  const auto answer = replies.wait(request, kForgetMs);
  if (!answer) {
    finish(kExitFrameworkRemoved, "framework " + framework.value + " is torn down, but that is not on disk" +
                                      what_now(mesos::Fatal::framework_removed, view));
    return make_error(Code::unavailable, "torn down, but the server could not write that down");
  }
  finish(kExitStopped, "framework " + framework.value + " is torn down; the next start registers anew");
  return Done{};
}

void Server::Impl::run_loop(engine::State state, SteadyWall clock) {
  Loop loop(std::move(state), clock, *store, mailbox, view,
            {.call_master = [this](const engine::Effect& effect) { driver->send(effect); },
             .reply = [this](const engine::Reply& reply) { replies.fulfil(reply); },
             .log = [this](const std::string& line) { log.info(line); },
             .committed = [this](std::size_t inputs, std::size_t changes,
                                 double seconds) { metrics.committed(inputs, changes, seconds); },
             .audited = [this](const Audit& audit) { audit_log->write(audit, net::wall_now()); },
             .scale =
                 [this](const engine::ScaleAgents& order) {
                   if (provider) provider->carry_out(order);
                 }});
  if (Status ran = loop.run(); !ran.ok())
    finish(kExitStore, "cannot write to the store: " + ran.error().text());
}

void Server::Impl::finish(int why_code, const std::string& why) {
  if (why_code == kExitStopped) {
    log.info(why);
  } else {
    log.error(why);
  }
  std::lock_guard hold(mutex);
  if (!code) code = why_code;
  ended.notify_all();
}

void Server::Impl::stop() {
  std::call_once(stopped, [this] {
    // From the outside in: no new commands, no new events, then the loop finishes what it has.
    replies.close();
    events.close(kGoodbyeMs);
    if (listeners) listeners->stop();
    mailbox.close();
    if (detector) detector->stop();
    if (driver) driver->stop();
    if (provider) provider->stop();
    if (loop_thread.joinable()) loop_thread.join();
    std::lock_guard hold(mutex);
    if (!code) code = kExitStopped;
    ended.notify_all();
  });
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::start(ServerOptions options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  if (Status opened = impl->open(); !opened.ok()) return std::move(opened).error();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

const std::vector<Listeners::At>& Server::listening() const { return impl_->listeners->addresses(); }

void Server::reload() { impl_->reload(); }

int Server::wait() {
  std::unique_lock hold(impl_->mutex);
  impl_->ended.wait(hold, [this] { return impl_->code.has_value(); });
  return *impl_->code;
}

void Server::stop() { impl_->stop(); }

}  // namespace mimas::server
