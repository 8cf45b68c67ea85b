#include "executor/assembly.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "executor/docker_runtime.h"
#include "executor/health_part.h"
#include "executor/log_archive.h"
#include "executor/log_keeper.h"
#include "executor/loop.h"
#include "executor/metadata_service.h"
#include "executor/metrics.h"
#include "executor/network_runtime.h"
#include "executor/process_runtime.h"
#include "net/clock.h"

namespace mimas::executor {

namespace {

constexpr std::size_t kConfigBytesMax = 64u << 10;

Result<std::string> read_config(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return make_error(Code::io, "cannot open " + path + ": " + std::strerror(errno), "--network");
  std::string text(kConfigBytesMax + 1, '\0');
  std::size_t size = 0;
  ssize_t got = 0;
  while (size < text.size() && (got = ::read(fd, text.data() + size, text.size() - size)) > 0)
    size += static_cast<std::size_t>(got);
  ::close(fd);
  text.resize(size);
  if (got < 0 || size > kConfigBytesMax)
    return make_error(Code::io, path + " cannot be read, or is larger than 64 KiB", "--network");
  if (const Status checked = check_cni_config(text); !checked.ok())
    return make_error(Code::invalid_argument,
                      path + " is no network configuration: " + checked.error().text(), "--network");
  return text;
}

// With a network of its own for each task, where the driver is for tasks of this kind.
Result<std::unique_ptr<Runtime>> with_network(RuntimeKind kind, const Surroundings& about,
                                              std::unique_ptr<Runtime> runtime) {
  if (!about.config.features.network) return runtime;
  auto options = parse_network(about.config.network);
  if (!options.ok()) return options.error();
  const bool cni = options->driver == NetworkOptions::Driver::cni;
  if (cni != (kind == RuntimeKind::process)) return runtime;
  auto config = cni ? read_config(options->config) : Result<std::string>(std::string());
  if (!config.ok()) return config.error();
  return std::unique_ptr<Runtime>(new NetworkRuntime(std::move(options).value(), std::move(config).value(),
                                                     about.environment, std::move(runtime)));
}

std::unique_ptr<Runtime> plain_runtime(RuntimeKind kind, const Surroundings& about, OutputSink* sink) {
  if (kind == RuntimeKind::process)
    return std::unique_ptr<Runtime>(new ProcessRuntime(sink, about.config.cgroups));
  const char* agent = std::getenv("MESOS_SLAVE_ID");
  return std::unique_ptr<Runtime>(new DockerRuntime(about.config, about.settings.framework_id,
                                                    agent == nullptr ? std::string() : agent, sink));
}

}  // namespace

Result<Parts> make_parts(const Surroundings& about) {
  Parts parts;
  parts.all.emplace_back(new HealthPart(net::random_seed()));  // keeps nothing for tasks without checks
  std::string why;
  auto archive = make_archive(about.config, about.archive, why);
  if (!why.empty()) say(why);  // no reason to run no tasks
  if (archive) archive->adopt(Instant{net::monotonic_ms()});
  auto* keeper = new LogKeeper(std::move(archive));
  parts.all.emplace_back(keeper);
  parts.sink = keeper;
  if (about.config.features.metadata) {
    auto options = parse_metadata(about.config.metadata);
    if (!options.ok()) return options.error();
    parts.all.emplace_back(
        new MetadataService(std::move(options).value(), about.environment, &net::random_bytes));
  }
  // After the log keeper, if there is one: then a task's last output is counted.
  if (about.config.features.metrics)
    parts.all.emplace_back(new Metrics(about.config.metrics_ms, net::random_seed(), parts.sink));
  return parts;
}

Result<std::unique_ptr<Runtime>> make_runtime(RuntimeKind kind, const Surroundings& about, OutputSink* sink) {
  return with_network(kind, about, plain_runtime(kind, about, sink));
}

}  // namespace mimas::executor
