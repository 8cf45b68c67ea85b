// A load from a second process: how many jobs a server accepts per second, and how long one takes to run.
// Prints one line of figures; decides nothing. Usage:
//   load submit HOST:PORT CLIENTS SECONDS JOB.json    accepted per second, latency quantiles
//   load run HOST:PORT TIMES JOB.json                 time from POST to every instance RUNNING, one job at a
//   time
#include <time.h>
#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "json/value.h"
#include "load_support.h"
#include "net/http_client.h"

using namespace mimas;

namespace {

int submit(const wire::Endpoint& server, int clients, double seconds, const std::string& job) {
  std::vector<std::vector<double>> latencies(static_cast<std::size_t>(clients));
  std::atomic<int> refused{0};
  const double start = now_ms();
  std::vector<std::thread> threads;
  for (auto& mine : latencies) {
    threads.emplace_back([&] {
      net::HttpClient client(server, {});
      while (now_ms() - start < seconds * 1e3) {
        const double sent = now_ms();
        const auto answer = client.exchange(request("POST", "/v2/jobs", job), false);
        if (answer.ok() && answer->head.status == 200) {
          mine.push_back(now_ms() - sent);
        } else {
          ++refused;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const double took = now_ms() - start;
  std::vector<double> all;
  for (const auto& mine : latencies) all.insert(all.end(), mine.begin(), mine.end());
  std::sort(all.begin(), all.end());
  std::printf(
      "clients %d: %zu accepted in %.1f s = %.0f/s, refused %d; latency ms p50 %.2f p99 %.2f max %.2f\n",
      clients, all.size(), took / 1e3, static_cast<double>(all.size()) / took * 1e3, refused.load(),
      quantile(all, 0.5), quantile(all, 0.99), all.empty() ? 0 : all.back());
  return 0;
}

// True when every task of the job is RUNNING; -1 for an answer that is none.
int all_running(net::HttpClient& client, const std::string& uri) {
  const auto answer = client.exchange(request("GET", uri), true);
  if (!answer.ok()) return -1;
  const auto document = json::parse(answer->body);
  if (!document.ok()) return -1;
  const auto tasks = document->root().find("tasks");
  if (!tasks || tasks->size() == 0) return 0;
  for (std::size_t i = 0; i < tasks->size(); ++i) {
    const auto state = tasks->at(i).string_or("state", "");
    if (state != "RUNNING" && state != "FINISHED") return 0;
  }
  return 1;
}

int run(const wire::Endpoint& server, int times, const std::string& job) {
  net::HttpClient client(server, {});
  std::vector<double> took;
  for (int i = 0; i < times; ++i) {
    const double sent = now_ms();
    const auto answer = client.exchange(request("POST", "/v2/jobs", job), false);
    if (!answer.ok() || answer->head.status != 200) {
      std::fprintf(stderr, "load: the job was refused\n");
      return 1;
    }
    const auto document = json::parse(answer->body);
    const std::string uri = document.ok() ? std::string(document->root().string_or("jobUri", "")) : "";
    int state = 0;
    while (state == 0 && now_ms() - sent < 60e3) {
      timespec pause{0, 2'000'000};
      nanosleep(&pause, nullptr);
      state = all_running(client, uri);
    }
    if (state != 1) {
      std::fprintf(stderr, "load: %s did not come to run\n", uri.c_str());
      return 1;
    }
    took.push_back(now_ms() - sent);
    const std::string id = uri.substr(uri.rfind('/') + 1);
    if (!client.exchange(request("POST", "/v2/jobs/kill", "{\"jobId\":\"" + id + "\"}"), true).ok()) return 1;
  }
  std::sort(took.begin(), took.end());
  std::printf("POST to RUNNING, %d times: ms median %.1f p90 %.1f worst %.1f\n", times, quantile(took, 0.5),
              quantile(took, 0.9), took.back());
  return 0;
}

int usage() {
  std::fprintf(stderr,
               "usage: load submit HOST:PORT CLIENTS SECONDS JOB.json | load run HOST:PORT TIMES JOB.json\n");
  return 2;
}

int number(const char* text) {
  int value = 0;
  const auto [end, failure] = std::from_chars(text, text + std::strlen(text), value);
  return failure == std::errc{} && *end == '\0' && value > 0 ? value : 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 5) return usage();
  const std::string what = arguments[1];
  const auto server = wire::parse_endpoint(arguments[2]);
  const int first = number(arguments[3]);
  if (!server.ok() || first == 0) return usage();
  std::ifstream file(arguments[count - 1], std::ios::binary);
  const std::string job{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (job.empty()) return usage();
  if (what == "submit" && count == 6 && number(arguments[4]) > 0)
    return submit(*server, first, number(arguments[4]), job);
  if (what == "run" && count == 5) return run(*server, first, job);
  return usage();
}
