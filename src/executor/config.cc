#include "executor/config.h"

#include "base/time.h"
#include "executor/cni.h"
#include "executor/metadata.h"
#include "wire/archive_url.h"
#include "wire/endpoint.h"

namespace mimas::executor {
namespace {

constexpr std::int64_t kYearMs = 31'536'000'000;

struct Feature {
  const char* name;
  bool Features::*on;
};
constexpr Feature kFeatures[] = {
    {"metrics", &Features::metrics},
    {"logarchive", &Features::logarchive},
    {"metadata", &Features::metadata},
    {"network", &Features::network},
};

Error wrong(std::string what, std::string hint = {}) {
  return make_error(Code::invalid_argument, std::move(what), {}, std::move(hint));
}

std::string quoted(std::string_view text) { return "'" + std::string(text.substr(0, 200)) + "'"; }

// --- what each flag makes of its value

Status take_features(std::string_view text, Config& into) {
  const auto features = parse_features(text);
  if (!features.ok()) return features.error();
  into.features = *features;
  return Done{};
}

Status take_duration(std::string_view text, std::int64_t least_ms, std::int64_t& into) {
  const auto ms = parse_mesos_duration_ms(text);
  if (!ms.ok()) return wrong(quoted(text) + " is no duration", "for instance 10secs or 1mins");
  if (*ms < least_ms || *ms > kYearMs)
    return wrong(quoted(text) + " is not between " + std::to_string(least_ms) + "ms and a year");
  into = *ms;
  return Done{};
}

Status take_docker(std::string_view text, Config& into) {
  const bool socket = text.starts_with("unix:///");
  const bool tcp = text.starts_with("tcp://") && wire::parse_endpoint(text.substr(6)).ok();
  if (!socket && !tcp)
    return wrong(quoted(text) + " is no address of Docker", "unix:///PATH or tcp://IP:PORT");
  into.docker = text;
  return Done{};
}

Status take_cgroups(std::string_view text, Config& into) {
  const std::string whole = "/" + std::string(text) + "/";
  if (text.empty() || whole.find("/../") != std::string::npos || whole.find("/./") != std::string::npos)
    return wrong(quoted(text) + " is no place for cgroups",
                 "auto, off, or a path below the hierarchies' roots");
  into.cgroups = text;
  return Done{};
}

Status take_archive(std::string_view text, Config& into) {
  if (const auto url = wire::parse_archive_url(text); !url.ok())
    return wrong(quoted(text) + " is no archive: " + url.error().message, url.error().hint);
  into.archive = text;
  return Done{};
}

Status take_metadata(std::string_view text, Config& into) {
  if (const auto parsed = parse_metadata(text); !parsed.ok()) return parsed.error();
  into.metadata = text;
  return Done{};
}

Status take_network(std::string_view text, Config& into) {
  if (const auto parsed = parse_network(text); !parsed.ok()) return parsed.error();
  into.network = text;
  return Done{};
}

struct Flag {
  const char* name;
  const char* value;  // empty: it takes none
  const char* help;
  Status (*take)(std::string_view text, Config& into);
};
constexpr Flag kFlags[] = {
    {"--features", "LIST", "metrics=on,logarchive=off,metadata=off,network=off: these, changed as named",
     take_features},
    {"--shared", "", "more tasks may come after the last one has ended",
     [](std::string_view, Config& c) -> Status {
       c.shared = true;
       return Done{};
     }},
    {"--idle", "DURATION", "with --shared: leave when there was no task for this long (1mins)",
     [](std::string_view text, Config& c) { return take_duration(text, 0, c.idle_ms); }},
    {"--hang-timeout", "DURATION", "an executor that hangs for so long is ended with its tasks (30secs)",
     [](std::string_view text, Config& c) { return take_duration(text, 1'000, c.hang_ms); }},
    {"--docker", "ADDRESS", "the Docker Engine (unix:///var/run/docker.sock)", take_docker},
    {"--cgroups", "PLACE", "auto, off, or a path below the hierarchies' roots (auto)", take_cgroups},
    {"--metrics-interval", "DURATION", "between two messages of statistics (10secs)",
     [](std::string_view text, Config& c) { return take_duration(text, 100, c.metrics_ms); }},
    {"--archive", "URL",
     "where logarchive=on puts logs: s3://BUCKET/PREFIX?endpoint=URL or file:///DIRECTORY", take_archive},
    {"--metadata", "HOW", "of metadata=on: listen=ADDRESS,credentials=EXECUTABLE, either or none",
     take_metadata},
    {"--network", "DRIVER", "of network=on: docker:NAME or cni:PLUGIN?config=FILE", take_network},
    {"--dry-run", "", "with reap: only say what would be done",
     [](std::string_view, Config& c) -> Status {
       c.dry_run = true;
       return Done{};
     }},
    {"--version", "", "print the version",
     [](std::string_view, Config& c) -> Status {
       c.work = Config::Work::version;
       return Done{};
     }},
    {"--help", "", "print this",
     [](std::string_view, Config& c) -> Status {
       c.work = Config::Work::help;
       return Done{};
     }},
};

const Flag* find_flag(std::string_view name) {
  for (const Flag& flag : kFlags) {
    if (name == flag.name) return &flag;
  }
  return nullptr;
}

Status check_together(const Config& config) {
  if (config.features.logarchive && config.archive.empty())
    return make_error(Code::invalid_argument, "logarchive=on needs a place to put logs", "--features",
                      "add --archive URL");
  if (config.features.network && config.network.empty())
    return make_error(Code::invalid_argument, "network=on needs a driver", "--features",
                      "add --network DRIVER");
  if (config.dry_run && config.work == Config::Work::serve)
    return make_error(Code::invalid_argument, "goes with reap alone", "--dry-run");
  return Done{};
}

}  // namespace

Result<Features> parse_features(std::string_view text) {
  Features features;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view item = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    const std::size_t equals = item.find('=');
    const std::string_view name = item.substr(0, equals);
    const std::string_view state =
        equals == std::string_view::npos ? std::string_view() : item.substr(equals + 1);
    const Feature* found = nullptr;
    for (const Feature& feature : kFeatures) {
      if (name == feature.name) found = &feature;
    }
    if (found == nullptr)
      return wrong(quoted(item) + " names no feature", "there are metrics, logarchive, metadata and network");
    if (state != "on" && state != "off")
      return wrong(quoted(item) + " is neither on nor off",
                   "for instance " + std::string(found->name) + "=on");
    features.*found->on = state == "on";
  }
  return features;
}

std::string features_text(const Features& features) {
  std::string text;
  for (const Feature& feature : kFeatures) {
    text.append(text.empty() ? "" : ",").append(feature.name);
    text.append(features.*feature.on ? "=on" : "=off");
  }
  return text;
}

Result<Config> parse_arguments(int argc, const char* const* argv) {
  Config config;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (i == 1 && argument == "reap") {
      config.work = Config::Work::reap;
      continue;
    }
    const std::size_t equals = argument.find('=');
    const std::string name(argument.substr(0, equals));
    const Flag* flag = find_flag(name);
    if (flag == nullptr)
      return make_error(Code::invalid_argument, "is not a flag of mimas-executor", name.substr(0, 200),
                        "--help lists them");
    std::string_view value;
    if (flag->value[0] == '\0') {
      if (equals != std::string_view::npos) return make_error(Code::invalid_argument, "takes no value", name);
    } else if (equals != std::string_view::npos) {
      value = argument.substr(equals + 1);
    } else if (++i < argc) {
      value = argv[i];
    } else {
      return make_error(Code::invalid_argument, "needs a value", name, name + " " + flag->value);
    }
    if (auto taken = flag->take(value, config); !taken.ok()) {
      Error error = std::move(taken).error();
      error.where = name;
      return error;
    }
    if (config.work == Config::Work::help || config.work == Config::Work::version) return config;
  }
  if (auto fits = check_together(config); !fits.ok()) return fits.error();
  return config;
}

std::string help_text() {
  std::string text =
      "usage: mimas-executor [flags]        run the tasks of a Mesos agent, which starts this program\n"
      "       mimas-executor reap [flags]   remove what executors that died have left behind\n\n";
  for (const Flag& flag : kFlags) {
    std::string left = "  " + std::string(flag.name);
    if (flag.value[0] != '\0') left.append(" ").append(flag.value);
    left.resize(left.size() < 30 ? 30 : left.size() + 1, ' ');
    text.append(left).append(flag.help).append("\n");
  }
  return text;
}

}  // namespace mimas::executor
