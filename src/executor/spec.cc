#include "executor/spec.h"

#include <iterator>

#include "json/value.h"

namespace mimas::executor {
namespace {

using json::Value;
using Pairs = std::vector<std::pair<std::string, std::string>>;

constexpr std::int64_t kBytesMax = std::int64_t{1} << 60;
constexpr std::int64_t kCountMax = 1'000'000'000;
constexpr std::int64_t kYearMs = 31'536'000'000;  // sums of a few of them stay far from overflow

bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

// Getters that note the first fault and go on with something harmless; nobody looks at the rest then.
class Reader {
 public:
  template <class T>
  struct Field {
    const char* name;
    void (*take)(Reader&, const Value&, T&);
  };

  void fail(const Value& at, std::string message, Code code = Code::invalid_argument) {
    if (ok()) fault = make_error(code, std::move(message), at.pointer());
  }
  bool ok() const { return fault.message.empty(); }

  std::string text(const Value& value, bool may_be_empty = true) {
    const auto found = value.string();
    if (!found.ok()) return note(found.error());
    if (has_nul(*found)) fail(value, "a NUL character cannot be passed on");
    if (found->empty() && !may_be_empty) fail(value, "must not be empty");
    return std::string(*found);
  }
  std::string path(const Value& value, const char* what) {
    std::string found = text(value);
    if (!found.starts_with('/')) fail(value, what);
    return found;
  }
  std::int64_t number(const Value& value, std::int64_t least, std::int64_t most) {
    const auto found = value.int64();
    if (!found.ok()) {
      note(found.error());
      return least;
    }
    if (*found < least || *found > most)
      fail(value, "must be from " + std::to_string(least) + " to " + std::to_string(most));
    return *found;
  }
  std::int32_t port(const Value& value) { return static_cast<std::int32_t>(number(value, 1, 65'535)); }
  bool flag(const Value& value) {
    const auto found = value.boolean();
    if (!found.ok()) note(found.error());
    return found.ok() && *found;
  }
  // How many elements there are to read: none when it is no list or has too many.
  std::size_t list(const Value& value, std::size_t most) {
    const auto found = value.array();
    if (!found.ok()) note(found.error());
    return found.ok() && bounded(value, most, " elements") ? value.size() : 0;
  }
  std::size_t members(const Value& value, std::size_t most) {
    const auto found = value.object();
    if (!found.ok()) note(found.error());
    return found.ok() && bounded(value, most, " members") ? value.size() : 0;
  }
  std::vector<std::string> words(const Value& value, std::size_t most) {
    std::vector<std::string> out;
    const std::size_t size = list(value, most);
    for (std::size_t i = 0; i < size; ++i) out.push_back(text(value.at(i)));
    return out;
  }
  std::vector<std::string> argv(const Value& value) {
    std::vector<std::string> out = words(value, kWordsMax);
    if (out.empty()) fail(value, "must not be empty");
    if (!out.empty() && out[0].empty()) fail(value.at(0), "names no program");
    return out;
  }
  Pairs pairs(const Value& value) {
    Pairs out;
    const std::size_t size = members(value, kListMax);
    for (std::size_t i = 0; i < size; ++i) out.emplace_back(value.name(i), text(value.at(i)));
    return out;
  }
  template <class T, std::size_t N>
  void object(const Value& value, const Field<T> (&fields)[N], T& into) {
    const std::size_t size = members(value, kWordsMax);
    for (std::size_t i = 0; i < size && ok(); ++i) {
      const Field<T>* field = std::begin(fields);
      while (field != std::end(fields) && value.name(i) != field->name) ++field;
      if (field == std::end(fields)) {
        fail(value.at(i), "is not a field of version 1", Code::unsupported);
      } else {
        field->take(*this, value.at(i), into);
      }
    }
  }
  void required(const Value& object, const char* name) {
    if (object.is_object() && !object.find(name)) fail(object, std::string("needs ") + name);
  }

  Error fault;

 private:
  std::string note(const Error& error) {
    if (ok()) fault = error;
    return {};
  }
  bool bounded(const Value& value, std::size_t most, const char* what) {
    if (value.size() <= most) return true;
    fail(value, "has more than " + std::to_string(most) + what, Code::too_large);
    return false;
  }
};

template <class T>
using Field = Reader::Field<T>;

// One of a few words, as their place among them.
template <std::size_t N>
std::size_t choice(Reader& in, const Value& value, const char* const (&words)[N]) {
  const std::string found = in.text(value);
  std::string all;
  for (std::size_t i = 0; i < N; ++i) {
    if (found == words[i]) return i;
    all.append(i == 0 ? "" : ", ").append(words[i]);
  }
  in.fail(value, "must be one of " + all);
  return 0;
}

// --- limits

void take_rlimits(Reader& in, const Value& value, Limits& into) {
  static constexpr const char* kNames[] = {"nofile", "nproc", "core", "memlock", "stack",
                                           "fsize",  "data",  "as",   "cpu"};
  const std::size_t size = in.members(value, kListMax);
  for (std::size_t i = 0; i < size; ++i) {
    const Value pair = value.at(i);
    ResourceLimit limit;
    bool named = false;
    for (const char* name : kNames) named |= value.name(i) == name;
    if (!named)
      return in.fail(pair,
                     "is no resource limit; there are nofile, nproc, core, memlock, stack, "
                     "fsize, data, as and cpu");
    if (in.list(pair, 2) != 2) return in.fail(pair, "must be two numbers: soft and hard");
    limit.name = value.name(i);
    limit.soft = in.number(pair.at(0), -1, kBytesMax);
    limit.hard = in.number(pair.at(1), -1, kBytesMax);
    if (limit.hard >= 0 && (limit.soft < 0 || limit.soft > limit.hard))
      return in.fail(pair, "its soft limit must not be above the hard one");
    into.rlimits.push_back(std::move(limit));
  }
}

constexpr Field<Limits> kLimits[] = {
    {"cpuMilli", [](Reader& in, const Value& v, Limits& l) { l.cpu_milli = in.number(v, 1, kCountMax); }},
    {"cpuQuota", [](Reader& in, const Value& v, Limits& l) { l.cpu_quota = in.flag(v); }},
    {"memoryBytes",
     [](Reader& in, const Value& v, Limits& l) { l.memory_bytes = in.number(v, 1, kBytesMax); }},
    {"pids", [](Reader& in, const Value& v, Limits& l) { l.pids = in.number(v, 1, kCountMax); }},
    {"rlimits", take_rlimits},
};

// --- container

constexpr Field<PortMapping> kPort[] = {
    {"container", [](Reader& in, const Value& v, PortMapping& p) { p.container = in.port(v); }},
    {"host", [](Reader& in, const Value& v, PortMapping& p) { p.host = in.port(v); }},
    {"protocol",
     [](Reader& in, const Value& v, PortMapping& p) {
       p.udp = choice(in, v, {"tcp", "udp"}) == 1;
     }},
};

constexpr Field<Volume> kVolume[] = {
    {"source", [](Reader& in, const Value& v, Volume& o) { o.source = in.text(v, false); }},
    {"target", [](Reader& in, const Value& v,
                  Volume& o) { o.target = in.path(v, "must be an absolute path in the container"); }},
    {"readOnly", [](Reader& in, const Value& v, Volume& o) { o.read_only = in.flag(v); }},
};

void take_ports(Reader& in, const Value& value, Container& into) {
  const std::size_t size = in.list(value, kListMax);
  for (std::size_t i = 0; i < size; ++i) {
    in.object(value.at(i), kPort, into.ports.emplace_back());
    in.required(value.at(i), "container");
    in.required(value.at(i), "host");
  }
}

void take_volumes(Reader& in, const Value& value, Container& into) {
  const std::size_t size = in.list(value, kListMax);
  for (std::size_t i = 0; i < size; ++i) {
    in.object(value.at(i), kVolume, into.volumes.emplace_back());
    in.required(value.at(i), "source");
    in.required(value.at(i), "target");
  }
}

constexpr Field<Container> kContainer[] = {
    {"image", [](Reader& in, const Value& v, Container& c) { c.image = in.text(v, false); }},
    {"pull",
     [](Reader& in, const Value& v, Container& c) {
       c.pull = Container::Pull(choice(in, v, {"missing", "always", "never"}));
     }},
    {"entrypoint", [](Reader& in, const Value& v, Container& c) { c.entrypoint = in.words(v, kWordsMax); }},
    {"ports", take_ports},
    {"volumes", take_volumes},
    {"labels", [](Reader& in, const Value& v, Container& c) { c.labels = in.pairs(v); }},
    {"capAdd", [](Reader& in, const Value& v, Container& c) { c.cap_add = in.words(v, kListMax); }},
    {"capDrop", [](Reader& in, const Value& v, Container& c) { c.cap_drop = in.words(v, kListMax); }},
    {"hostname", [](Reader& in, const Value& v, Container& c) { c.hostname = in.text(v); }},
    {"network", [](Reader& in, const Value& v, Container& c) { c.network = in.text(v); }},
    {"logDriver", [](Reader& in, const Value& v, Container& c) { c.log_driver = in.text(v); }},
    {"shmBytes", [](Reader& in, const Value& v, Container& c) { c.shm_bytes = in.number(v, 1, kBytesMax); }},
    {"init", [](Reader& in, const Value& v, Container& c) { c.init = in.flag(v); }},
    {"readOnlyRoot", [](Reader& in, const Value& v, Container& c) { c.read_only_root = in.flag(v); }},
    {"privileged", [](Reader& in, const Value& v, Container& c) { c.privileged = in.flag(v); }},
};

// --- checks

constexpr Field<HealthCheck> kCheck[] = {
    {"kind",
     [](Reader& in, const Value& v, HealthCheck& c) {
       c.kind = HealthCheck::Kind(choice(in, v, {"http", "tcp", "command"}));
     }},
    {"purpose",
     [](Reader& in, const Value& v, HealthCheck& c) {
       c.purpose = HealthCheck::Purpose(choice(in, v, {"liveness", "readiness", "informational"}));
     }},
    {"port", [](Reader& in, const Value& v, HealthCheck& c) { c.port = in.port(v); }},
    {"path",
     [](Reader& in, const Value& v, HealthCheck& c) { c.path = in.path(v, "must begin with a slash"); }},
    {"argv", [](Reader& in, const Value& v, HealthCheck& c) { c.argv = in.argv(v); }},
    {"intervalMs",
     [](Reader& in, const Value& v, HealthCheck& c) { c.interval_ms = in.number(v, 100, kYearMs); }},
    {"timeoutMs",
     [](Reader& in, const Value& v, HealthCheck& c) { c.timeout_ms = in.number(v, 100, kYearMs); }},
    {"graceMs", [](Reader& in, const Value& v, HealthCheck& c) { c.grace_ms = in.number(v, 0, kYearMs); }},
    {"failures", [](Reader& in, const Value& v, HealthCheck& c) { c.failures = in.number(v, 1, kCountMax); }},
};

void take_checks(Reader& in, const Value& value, TaskSpec& into) {
  const std::size_t size = in.list(value, kListMax);
  int readiness = 0;
  for (std::size_t i = 0; i < size; ++i) {
    HealthCheck& check = into.checks.emplace_back();
    in.object(value.at(i), kCheck, check);
    in.required(value.at(i), "kind");
    in.required(value.at(i), check.kind == HealthCheck::Kind::command ? "argv" : "port");
    if (check.purpose == HealthCheck::Purpose::readiness && ++readiness > 1)
      in.fail(value.at(i), "is a second check of readiness, and there may be one");
  }
}

// --- the rest

constexpr Field<LogRules> kLogs[] = {
    {"rotateBytes",
     [](Reader& in, const Value& v, LogRules& l) { l.rotate_bytes = in.number(v, 65'536, kBytesMax); }},
    {"keep", [](Reader& in, const Value& v, LogRules& l) { l.keep = in.number(v, 0, 100); }},
    {"compress", [](Reader& in, const Value& v, LogRules& l) { l.compress = in.flag(v); }},
};

void take_env(Reader& in, const Value& value, TaskSpec& into) {
  const std::size_t size = in.members(value, kWordsMax);
  for (std::size_t i = 0; i < size; ++i) {
    const std::string_view name = value.name(i);
    if (name.empty() || has_nul(name) || name.find('=') != std::string_view::npos)
      in.fail(value.at(i), "is no name for a variable");
    into.command.env.emplace_back(name, in.text(value.at(i)));
  }
}

void take_artifacts(Reader& in, const Value& value, TaskSpec& into) {
  into.artifacts = in.words(value, kListMax);
  for (std::size_t i = 0; i < into.artifacts.size(); ++i) {
    const std::string& name = into.artifacts[i];
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
      in.fail(value.at(i), "must be the plain name of a file");
  }
}

constexpr Field<TaskSpec> kTask[] = {
    {"v", [](Reader&, const Value&, TaskSpec&) {}},
    {"runtime",
     [](Reader& in, const Value& v, TaskSpec& t) {
       t.runtime = RuntimeKind(choice(in, v, {"process", "docker"}));
     }},
    {"shell",
     [](Reader& in, const Value& v, TaskSpec& t) {
       t.command.argv = {"/bin/sh", "-c", in.text(v)};
     }},
    {"argv", [](Reader& in, const Value& v, TaskSpec& t) { t.command.argv = in.argv(v); }},
    {"env", take_env},
    {"cwd", [](Reader& in, const Value& v, TaskSpec& t) { t.command.cwd = in.text(v); }},
    {"user", [](Reader& in, const Value& v, TaskSpec& t) { t.command.user = in.text(v); }},
    {"killSignal",
     [](Reader& in, const Value& v, TaskSpec& t) { t.kill_signal = static_cast<int>(in.number(v, 1, 64)); }},
    {"limits", [](Reader& in, const Value& v, TaskSpec& t) { in.object(v, kLimits, t.limits); }},
    {"container",
     [](Reader& in, const Value& v, TaskSpec& t) {
       in.object(v, kContainer, t.container);
       in.required(v, "image");
     }},
    {"checks", take_checks},
    {"logs", [](Reader& in, const Value& v, TaskSpec& t) { in.object(v, kLogs, t.logs); }},
    {"artifacts", take_artifacts},
    {"tags", [](Reader& in, const Value& v, TaskSpec& t) { t.tags = in.pairs(v); }},
};

// What the two runtimes ask for beyond the fields' own rules.
void check_whole(Reader& in, const Value& root, const TaskSpec& task) {
  const bool shell = root.find("shell").has_value();
  const bool argv = root.find("argv").has_value();
  const auto container = root.find("container");
  if (task.runtime == RuntimeKind::process) {
    if (shell == argv) in.fail(root, "needs exactly one of shell and argv");
    if (container) in.fail(*container, "is for the runtime docker");
    return;
  }
  if (shell && argv) in.fail(root, "needs at most one of shell and argv");
  if (!container) in.fail(root, "needs container for the runtime docker");
  if (!task.command.cwd.empty() && task.command.cwd[0] != '/')
    in.fail(*root.find("cwd"), "must be an absolute path in the container");
}

}  // namespace

Result<TaskSpec> parse_spec(std::string_view data) {
  const auto wrong = [](std::string what) { return make_error(Code::invalid_argument, std::move(what)); };
  json::ParseLimits limits;
  limits.depth_max = 8;
  const auto document = json::parse(data, limits);
  if (!document.ok()) return wrong("is not JSON: " + document.error().text());
  const Value root = document->root();
  if (!root.is_object()) return wrong("is not a JSON object");
  const auto version = root.find("v");
  if (!version) return wrong("names no version");
  const auto number = version->int64();
  if (!number.ok() || *number != 1) {
    return make_error(Code::unsupported,
                      "is of version " + version->dump() + ", and this mimas-executor understands version 1",
                      "/v");
  }
  TaskSpec task;
  Reader in;
  in.object(root, kTask, task);
  if (in.ok()) check_whole(in, root, task);
  if (!in.ok()) return in.fault;
  return task;
}

}  // namespace mimas::executor
