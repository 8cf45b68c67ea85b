// How fast the driver takes in what a master sends, and how much memory it needs for it. A child process
// plays the master, so that memory is the driver's alone. Prints one line of figures; decides nothing. Usage:
//   driver_bench offers json|protobuf [COUNT [MIB]]    so many offers in one record of so many MiB (20000,
//   32) driver_bench updates json|protobuf [COUNT]         so many status updates in records of their own
//   (100000)
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "mesos/driver.h"
#include "mesos/protos.h"
#include "net/clock.h"
#include "v1/codec.h"
#include "wire/recordio.h"

using namespace mimas;
using namespace mimas::mesos;
using v1::MediaType;

namespace {

std::string chunk_of(const std::string& record) {
  const std::string framed = wire::frame_record(record);
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", framed.size());
  return size + framed + "\r\n";
}

std::string offers(MediaType type, int count, std::size_t bytes) {
  scheduler::Event event;
  event.set_type(scheduler::Event::OFFERS);
  const std::size_t plain = type == MediaType::json ? 570 : 170;  // of an offer without its notes
  const std::size_t each = bytes / static_cast<std::size_t>(count);
  for (int i = 0; i < count; ++i) {
    auto* offer = event.mutable_offers()->add_offers();
    offer->mutable_id()->set_value("M-O" + std::to_string(i));
    offer->mutable_framework_id()->set_value("fw-1");
    offer->mutable_agent_id()->set_value("M-S" + std::to_string(i));
    offer->set_hostname("host" + std::to_string(i));
    for (const char* name : {"cpus", "mem", "disk"}) {
      auto* resource = offer->add_resources();
      resource->set_name(name);
      resource->set_type(pb::Value::SCALAR);
      resource->mutable_scalar()->set_value(8000);
      resource->mutable_allocation_info()->set_role("*");
    }
    // The rest as attributes of some fifty bytes, which is what people give agents.
    for (std::size_t left = each > plain ? each - plain : 0; left > 60;
         left -= type == MediaType::json ? 69 : 46) {
      auto* attribute = offer->add_attributes();
      attribute->set_name("attribute" + std::to_string(left));
      attribute->set_type(pb::Value::TEXT);
      attribute->mutable_text()->set_value("somevalueoftwentyfourbytes");
    }
  }
  return chunk_of(v1::encode(event, type));
}

std::string updates(MediaType type, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) {
    scheduler::Event event;
    event.set_type(scheduler::Event::UPDATE);
    auto* status = event.mutable_update()->mutable_status();
    status->mutable_task_id()->set_value("mimas-17-worker-" + std::to_string(i) + "-0");
    status->set_state(pb::TASK_RUNNING);
    status->set_source(pb::TaskStatus::SOURCE_EXECUTOR);
    status->mutable_agent_id()->set_value("53bfa8f9-895c-4051-997e-a949d542b45e-S" +
                                          std::to_string(i % 1000));
    status->mutable_executor_id()->set_value("mimas-17-worker-" + std::to_string(i) + "-0");
    status->set_timestamp(1795248725.584364);
    status->set_uuid("0123456789abcdef");
    auto* container = status->mutable_container_status();
    container->mutable_container_id()->set_value("63a90035-caee-4b97-abaa-b6434e7fc7fa");
    container->add_network_infos()->add_ip_addresses()->set_ip_address("127.0.0.1");
    all += chunk_of(v1::encode(event, type));
  }
  return all;
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::write(fd, bytes.data(), bytes.size());
    if (sent <= 0) _exit(1);
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

// The master: one subscription, then everything at once, then silence.
[[noreturn]] void play_master(int listener, MediaType type, const std::string& load) {
  const int fd = ::accept(listener, nullptr, nullptr);
  char request[16 << 10];
  if (::read(fd, request, sizeof request) <= 0) _exit(1);
  scheduler::Event hello;
  hello.set_type(scheduler::Event::SUBSCRIBED);
  hello.mutable_subscribed()->mutable_framework_id()->set_value("fw-1");
  hello.mutable_subscribed()->set_heartbeat_interval_seconds(3600);
  write_all(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nMesos-Stream-Id: s\r\nContent-Type: " +
                    std::string(v1::media_type_text(type)) + "\r\n\r\n" + chunk_of(v1::encode(hello, type)));
  write_all(fd, load);
  ::pause();
  _exit(0);
}

// The engine's place: counts, and knows when the last one came.
struct Counter {
  std::mutex mutex;
  std::condition_variable changed;
  int events = 0;
  double begun_ms = 0;
  double ended_ms = 0;
  int wanted = 0;

  void take(const engine::Input& input) {
    const std::lock_guard lock(mutex);
    if (std::holds_alternative<engine::Subscribed>(input))
      begun_ms = static_cast<double>(net::monotonic_ms());
    if (const auto* batch = std::get_if<engine::OffersReceived>(&input))
      events += static_cast<int>(batch->offers.size());
    if (std::holds_alternative<engine::StatusUpdate>(input)) ++events;
    if (events == wanted) ended_ms = static_cast<double>(net::monotonic_ms());
    if (events >= wanted) changed.notify_all();
  }
};

std::size_t peak_kib() {
  std::ifstream file("/proc/self/status");
  std::size_t kib = 0;
  for (std::string word; file >> word;) {
    if (word == "VmHWM:") file >> kib;
  }
  return kib;
}

int measure(const char* what, MediaType type, int count, const std::function<std::string()>& make_load,
            int listener, std::uint16_t port) {
  int size_pipe[2];
  if (::pipe(size_pipe) != 0) return 1;
  const pid_t child = ::fork();
  if (child < 0) return 1;
  if (child == 0) {
    const std::string load = make_load();
    const std::size_t bytes = load.size();
    if (::write(size_pipe[1], &bytes, sizeof bytes) != sizeof bytes) _exit(1);
    play_master(listener, type, load);
  }
  std::size_t bytes = 0;
  if (::read(size_pipe[0], &bytes, sizeof bytes) != sizeof bytes) return 1;
  const double mib = static_cast<double>(bytes) / (1 << 20);
  Counter counter;
  counter.wanted = count;
  DriverOptions options;
  options.masters = {{"127.0.0.1", port}};
  options.codec = type;
  options.executor_base_url = "http://127.0.0.1:1";
  options.default_arch = "x86_64";
  const std::size_t before = peak_kib();
  {
    Driver driver(options, {[&](const engine::Input& input) { counter.take(input); },
                            [](Fatal, const std::string& why) { std::fprintf(stderr, "%s\n", why.c_str()); },
                            [](const std::string&) {}});
    driver.start();
    std::unique_lock lock(counter.mutex);
    counter.changed.wait(lock, [&] { return counter.events >= counter.wanted; });
  }
  const std::size_t after = peak_kib();
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const double cpu = static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                     static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
  const double seconds = std::max(1.0, counter.ended_ms - counter.begun_ms) / 1e3;
  std::printf(
      "%s %s: %d in %.1f MiB, %.2f s = %.0f/s (%.2f s of CPU = %.0f/s); peak %.1f MiB over the %.1f before\n",
      what, type == MediaType::json ? "json" : "protobuf", count, mib, seconds, count / seconds, cpu,
      count / cpu, static_cast<double>(after - before) / 1024, static_cast<double>(before) / 1024);
  return 0;
}

int usage() {
  std::fprintf(stderr, "usage: driver_bench offers|updates json|protobuf [COUNT [MIB]]\n");
  return 2;
}

int number(const char* text) {
  int value = 0;
  const auto [end, failure] = std::from_chars(text, text + std::strlen(text), value);
  return failure == std::errc{} && *end == '\0' && value > 0 ? value : 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3 || count > 5) return usage();
  const std::string what = arguments[1], codec = arguments[2];
  if ((what != "offers" && what != "updates") || (codec != "json" && codec != "protobuf")) return usage();
  const MediaType type = codec == "json" ? MediaType::json : MediaType::protobuf;
  const int events = count > 3 ? number(arguments[3]) : what == "offers" ? 20'000 : 100'000;
  const int mib = count > 4 ? number(arguments[4]) : 32;
  if (events == 0 || mib == 0) return usage();

  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener, 1) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::perror("driver_bench");
    return 1;
  }
  const auto make_load = [&] {
    return what == "offers" ? offers(type, events, static_cast<std::size_t>(mib) << 20)
                            : updates(type, events);
  };
  return measure(what.c_str(), type, events, make_load, listener, ntohs(address.sin_port));
}
