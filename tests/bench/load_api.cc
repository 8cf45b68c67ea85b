// What readers of the API wait for, and what submissions cost while streams of events are open; from a second
// process. Prints one line of figures each; decides nothing, but says when an event was missed. Usage:
//   load_api fill HOST:PORT CLIENTS COUNT JOB.json          COUNT jobs as fast as they are taken
//   load_api get HOST:PORT TIMES TARGET                     one GET after another: latency, bytes
//   load_api rate HOST:PORT CLIENTS PER_SECOND SECONDS STREAMS JOB.json
// Latencies of `rate` count from the moment at which a submission was due, so that a server that stalls is
// not asked less.
#include <time.h>
#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "load_support.h"
#include "net/http_client.h"

using namespace mimas;

namespace {

void sleep_until(double at_ms) {
  const double left = at_ms - now_ms();
  if (left <= 0) return;
  timespec pause{
      static_cast<time_t>(left / 1e3),
      static_cast<long>((left - 1e3 * static_cast<double>(static_cast<time_t>(left / 1e3))) * 1e6)};
  nanosleep(&pause, nullptr);
}

void print_latencies(const char* what, std::vector<double>& all) {
  std::sort(all.begin(), all.end());
  std::printf("%s: %zu, ms p50 %.2f p99 %.2f max %.2f", what, all.size(), quantile(all, 0.5),
              quantile(all, 0.99), all.empty() ? 0 : all.back());
}

// Job ids by their numbers: "…/mimas-7" → 7.
long job_number(std::string_view text) {
  const std::size_t at = text.find("mimas-");
  return at == std::string_view::npos ? -1 : std::strtol(text.data() + at + 6, nullptr, 10);
}

struct Submissions {
  std::mutex mutex;
  std::vector<double> latencies;
  std::set<long> jobs;
  int refused = 0;
};

// `due_ms`(k): when the k-th submission is to be sent.
template <class Due>
void submit(const wire::Endpoint& server, int clients, int count, const std::string& job, Due due_ms,
            Submissions& done) {
  std::atomic<int> next{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < clients; ++i) {
    threads.emplace_back([&] {
      net::HttpClient client(server, {});
      for (int k = next++; k < count; k = next++) {
        const double due = due_ms(k);
        sleep_until(due);
        const auto answer = client.exchange(request("POST", "/v2/jobs", job), false);
        const double took = now_ms() - due;
        const std::lock_guard hold(done.mutex);
        if (answer.ok() && answer->head.status == 200) {
          done.latencies.push_back(took);
          done.jobs.insert(job_number(answer->body));
        } else {
          ++done.refused;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

int fill(const wire::Endpoint& server, int clients, int count, const std::string& job) {
  Submissions done;
  const double start = now_ms();
  submit(
      server, clients, count, job, [](int) { return now_ms(); }, done);
  std::printf("filled with %zu jobs in %.1f s, refused %d\n", done.latencies.size(), (now_ms() - start) / 1e3,
              done.refused);
  return done.refused == 0 ? 0 : 1;
}

int get(const wire::Endpoint& server, int times, const std::string& target) {
  net::HttpClient client(server, {.response_ms = 60'000});
  std::vector<double> took;
  std::size_t bytes = 0;
  for (int i = 0; i < times; ++i) {
    const double sent = now_ms();
    const auto answer = client.exchange(request("GET", target), true);
    if (!answer.ok() || answer->head.status != 200) {
      std::fprintf(stderr, "load_api: no answer to GET %s\n", target.c_str());
      return 1;
    }
    took.push_back(now_ms() - sent);
    bytes = answer->body.size();
  }
  print_latencies(("GET " + target).c_str(), took);
  std::printf("; %zu bytes\n", bytes);
  return 0;
}

// One reader of all events: counts them, looks for gaps in their numbers, and remembers the jobs.
struct EventReader {
  std::atomic<bool> ready{false};
  std::atomic<std::size_t> jobs_seen{0};
  std::size_t events = 0, gaps = 0;
  bool ended = false;
  std::set<long> jobs;

  void line(std::string_view text) {
    constexpr std::string_view kId = "\"id\":\"";
    const std::size_t at = text.find(kId);
    if (at == std::string_view::npos) return;
    const std::string_view id =
        text.substr(at + kId.size(), text.find('"', at + kId.size()) - at - kId.size());
    const long number = std::strtol(id.substr(id.rfind('-') + 1).data(), nullptr, 10);
    if (text.starts_with("{\"event\":\"heartbeat\"")) {
      if (last_ < 0) last_ = number;
      ready = true;
      return;
    }
    ++events;
    if (number != last_ + 1) ++gaps;
    last_ = number;
    if (!text.starts_with("{\"event\":\"job\"")) return;
    jobs.insert(job_number(text.substr(text.find("\"data\":"))));
    jobs_seen = jobs.size();
  }

  void read(const wire::Endpoint& server, const std::atomic<bool>& stop) {
    net::HttpClient client(server, {});
    wire::Request wanted =
        request("GET", "/v2/events?snapshot=false&kind=job,task,agent,audit,connection,alert");
    wanted.headers = {{"Accept", "application/x-ndjson"}};
    const auto head = client.open_stream(std::move(wanted));
    std::string text;
    while (head.ok() && head->status == 200 && !stop) {
      const auto more = client.read_stream(text, 200);
      if (!more.ok() && more.error().code == Code::timeout) continue;
      if (!more.ok() || !*more) break;
      std::size_t from = 0;
      for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', from)) {
        line(std::string_view(text).substr(from, end - from));
        from = end + 1;
      }
      text.erase(0, from);
    }
    ended = !stop;
    ready = true;
  }

 private:
  long last_ = -1;
};

int rate(const wire::Endpoint& server, int clients, int per_second, int seconds, int streams,
         const std::string& job) {
  std::vector<EventReader> readers(static_cast<std::size_t>(streams));
  std::vector<std::thread> reading;
  std::atomic<bool> stop{false};
  for (EventReader& reader : readers) reading.emplace_back([&] { reader.read(server, stop); });
  for (EventReader& reader : readers) {
    while (!reader.ready) sleep_until(now_ms() + 5);
  }
  Submissions done;
  const double start = now_ms();
  submit(
      server, clients, per_second * seconds, job,
      [&](int k) { return start + static_cast<double>(k) * 1e3 / per_second; }, done);
  const double took = now_ms() - start;
  for (EventReader& reader : readers) {  // the last events are on their way
    for (int i = 0; i < 200 && reader.jobs_seen < done.jobs.size() && !reader.ended; ++i)
      sleep_until(now_ms() + 50);
  }
  stop = true;
  for (auto& thread : reading) thread.join();
  print_latencies("submissions", done.latencies);
  std::printf("; %.0f/s, refused %d\n", static_cast<double>(done.latencies.size()) / took * 1e3,
              done.refused);
  std::size_t events = 0, gaps = 0, missed = 0, ended = 0;
  for (const EventReader& reader : readers) {
    events += reader.events;
    gaps += reader.gaps;
    ended += reader.ended ? 1 : 0;
    for (const long one : done.jobs) missed += reader.jobs.contains(one) ? 0 : 1;
  }
  std::printf("streams: %d, events read %zu (%.0f/s), gaps %zu, jobs missed %zu, cut off %zu\n", streams,
              events, static_cast<double>(events) / took * 1e3, gaps, missed, ended);
  return gaps + missed + ended == 0 && done.refused == 0 ? 0 : 1;
}

int usage() {
  std::fprintf(stderr,
               "usage: load_api fill HOST:PORT CLIENTS COUNT JOB.json | get HOST:PORT TIMES TARGET | "
               "rate HOST:PORT CLIENTS PER_SECOND SECONDS STREAMS JOB.json\n");
  return 2;
}

int number(const char* text) {
  int value = 0;
  const auto [end, failure] = std::from_chars(text, text + std::strlen(text), value);
  return failure == std::errc{} && *end == '\0' && value > 0 ? value : 0;
}

std::string read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 5) return usage();
  const std::string what = arguments[1];
  const auto server = wire::parse_endpoint(arguments[2]);
  std::vector<int> numbers;
  for (int i = 3; i + 1 < count; ++i) numbers.push_back(number(arguments[i]));
  if (!server.ok() || std::ranges::find(numbers, 0) != numbers.end()) return usage();
  if (what == "get" && numbers.size() == 1) return get(*server, numbers[0], arguments[count - 1]);
  const std::string job = read_file(arguments[count - 1]);
  if (job.empty()) return usage();
  if (what == "fill" && numbers.size() == 2) return fill(*server, numbers[0], numbers[1], job);
  if (what == "rate" && numbers.size() == 4)
    return rate(*server, numbers[0], numbers[1], numbers[2], numbers[3], job);
  return usage();
}
