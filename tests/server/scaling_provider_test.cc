// Those who carry decisions out: programs with their input, status and last words; web services over
// loopback.
#include "server/scaling_provider.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "http/listener.h"
#include "json/value.h"
#include "net/clock.h"
#include "server/run_program.h"

using namespace mimas;
using namespace mimas::server;

namespace {

struct Folder {
  std::string path;
  Folder() {
    std::string name = "/tmp/mimas-provider-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string program(const std::string& script) const {
    const std::string file = path + "/program";
    std::ofstream(file) << "#!/bin/sh\n" << script << '\n';
    ::chmod(file.c_str(), 0700);
    return file;
  }
  std::string text(const std::string& name) const {
    std::ifstream file(path + "/" + name);
    std::ostringstream all;
    all << file.rdbuf();
    return all.str();
  }
};

Status run_it(const std::string& program, const std::string& input = "{}", std::int64_t timeout_ms = 30'000) {
  const std::atomic<bool> cancelled{false};
  return run_program(program, input, timeout_ms, cancelled);
}

engine::ScaleAgents order() {
  engine::ScaleAgents one;
  one.decision.number = 7;
  one.decision.group = "small";
  one.decision.at = Instant{1'000};
  one.decision.add = 2;
  one.decision.why = "because";
  one.agent.total.cpu_milli = 1'500;
  one.agent.attributes["pool"] = "s";
  return one;
}

// What was reported, in the order of reporting.
class Reports {
 public:
  ScalingProvider::Report taker() {
    return [this](engine::ScalingReport report) {
      const std::lock_guard hold(mutex_);
      all_.push_back(std::move(report));
      changed_.notify_all();
    };
  }
  engine::ScalingReport wait_for_one() {
    std::unique_lock hold(mutex_);
    REQUIRE(changed_.wait_for(hold, std::chrono::seconds(60), [this] { return !all_.empty(); }));
    engine::ScalingReport first = all_.front();
    all_.erase(all_.begin());
    return first;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<engine::ScalingReport> all_;
};

}  // namespace

TEST_CASE("a program gets its input whole, and its status is the answer") {
  const Folder folder;
  const std::string much(1u << 20, 'x');
  const std::string program = folder.program("cat > " + folder.path + "/got");
  REQUIRE(run_it(program, much).ok());
  CHECK(folder.text("got") == much);
  CHECK(run_it(folder.program("exit 0"), much).ok());  // whoever does not read its input need not
  const Status failed = run_it(folder.program("echo one >&2; echo no more machines >&2; exit 3"));
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().message == "ended with status 3: one\nno more machines");
  CHECK(run_it(folder.program("kill -9 $$")).error().message == "was ended by signal 9");
  CHECK(run_it(folder.path + "/none").error().code == Code::io);
}

TEST_CASE("of a program's last words the end is kept") {
  const Folder folder;
  const Status failed =
      run_it(folder.program("i=0; while [ $i -lt 2000 ]; do echo line $i >&2; i=$((i+1)); done; exit 1"));
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().message.ends_with("line 1999"));
  CHECK(failed.error().message.size() < kProgramErrorBytesMax + 100);
}

TEST_CASE("a program that takes too long ends, and with it what it started") {
  const Folder folder;
  const Status late =
      run_it(folder.program("sleep 1000 & echo $! > " + folder.path + "/child; wait"), "{}", 500);
  REQUIRE_FALSE(late.ok());
  CHECK(late.error().code == Code::timeout);
  const int child = std::atoi(folder.text("child").c_str());
  if (child > 0) {  // it had come so far: whoever adopts it has perhaps not reaped it yet
    const std::int64_t until = net::monotonic_ms() + 30'000;
    const std::string stat = "/proc/" + std::to_string(child) + "/stat";
    const auto lives = [&] {
      std::ifstream file(stat);
      std::string line;
      return std::getline(file, line) && line.find(") Z ") == std::string::npos;
    };
    while (lives() && net::monotonic_ms() < until) continue;
    CHECK_FALSE(lives());
  }
}

TEST_CASE("a decision reaches the program as JSON, and the end of the server ends the program") {
  const Folder folder;
  Reports reports;
  ScalingProviderOptions options;
  options.kind = ScalingProviderOptions::Kind::program;
  options.program = folder.program("cat > " + folder.path + "/got");
  {
    ScalingProvider provider(options, reports.taker());
    provider.carry_out(order());
    const engine::ScalingReport report = reports.wait_for_one();
    CHECK(report.ok);
    CHECK(report.group == "small");
    CHECK(report.number == 7);
  }
  const auto got = json::parse(folder.text("got"));
  REQUIRE(got.ok());
  CHECK(got->root().int64_or("add", 0) == 2);
  CHECK(got->root().string_or("group", "") == "small");
  CHECK(got->root().find("agent")->number_or("cpu", 0) == 1.5);
  CHECK(got->root().find("agent")->find("attributes")->string_or("pool", "") == "s");
  options.program = folder.program("exec sleep 1000");
  ScalingProvider provider(options, reports.taker());
  provider.carry_out(order());
  provider.stop();
}

TEST_CASE("a web service gets the decision and the token; what it refuses is reported in its words") {
  const Folder folder;
  std::ofstream(folder.path + "/token") << "secret\n";
  ::chmod((folder.path + "/token").c_str(), 0600);
  std::mutex mutex;
  http::Request last;
  int status = 200;
  http::Options at;
  at.listen = {"127.0.0.1", 0};
  auto listener = http::Listener::open(at, [&](const http::Request& request) {
    const std::lock_guard hold(mutex);
    last = request;
    http::Reply reply;
    reply.status = status;
    reply.body = status == 200 ? "" : "no quota\nleft";
    return reply;
  });
  REQUIRE(listener.ok());
  auto options =
      parse_scaling_provider("webhook:http://127.0.0.1:" + std::to_string((*listener)->port()) + "/grow");
  REQUIRE(options.ok());
  options->token_file = folder.path + "/token";
  Reports reports;
  ScalingProvider provider(*options, reports.taker());
  provider.carry_out(order());
  CHECK(reports.wait_for_one().ok);
  {
    const std::lock_guard hold(mutex);
    CHECK(last.path == "/grow");
    CHECK(last.header("Authorization") == "Bearer secret");
    CHECK(json::parse(last.body)->root().int64_or("number", 0) == 7);
    status = 507;
  }
  provider.carry_out(order());
  const engine::ScalingReport refused = reports.wait_for_one();
  CHECK_FALSE(refused.ok);
  CHECK(refused.message.find("answered 507: no quota left") != std::string::npos);
}

TEST_CASE("providers are named as webhook, exec or pocket") {
  CHECK(parse_scaling_provider("pocket")->kind == ScalingProviderOptions::Kind::pocket);
  CHECK(parse_scaling_provider("exec:/bin/true")->program == "/bin/true");
  CHECK(parse_scaling_provider("webhook:http://h:1/x?y")->url.target == "/x?y");
  for (const char* wrong :
       {"", "exec:", "exec:true", "exec:/no/such", "webhook:", "webhook:ftp://h/x", "http://h"})
    CHECK_FALSE(parse_scaling_provider(wrong).ok());
}
