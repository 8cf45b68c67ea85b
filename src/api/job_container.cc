#include "api/job_container.h"

#include <algorithm>
#include <array>

namespace mimas::api {
namespace {

constexpr std::array<std::string_view, 9> kProcessLimits{"nofile", "nproc", "core", "memlock", "stack",
                                                         "fsize",  "data",  "as",   "cpu"};

constexpr std::string_view kForContainers =
    "is for containers; this job runs processes (\"runtime\":\"docker\" with an image in `applicationName` "
    "makes containers)";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_small(char c) { return c >= 'a' && c <= 'z'; }
bool is_big(char c) { return c >= 'A' && c <= 'Z'; }
bool is_alnum(char c) { return is_digit(c) || is_small(c) || is_big(c); }

// A letter or digit (or `first_too`), then those and `also`; not empty.
bool is_word(std::string_view text, std::string_view also, std::string_view first_too = {}) {
  const auto fits = [&](char c, std::string_view more) {
    return is_alnum(c) || more.find(c) != std::string_view::npos;
  };
  if (text.empty() || !fits(text.front(), first_too)) return false;
  return std::ranges::all_of(text.substr(1), [&](char c) { return fits(c, also); });
}

// --- users and limits
bool is_user(std::string_view text, bool docker) {
  const std::size_t colon = text.find(':');
  const std::string_view user = text.substr(0, colon);
  if (!is_word(user, "_.-", "_")) return false;
  if (colon == std::string_view::npos) return true;
  const std::string_view group = text.substr(colon + 1);
  if (!is_word(group, "_.-", "_")) return false;
  return docker || (std::ranges::all_of(user, is_digit) && std::ranges::all_of(group, is_digit));
}

void read_run_as(FieldReader& in, JobSpec& spec) {
  spec.run_as = in.text("runAs");
  const bool docker = spec.runtime == Runtime::docker;
  if (spec.run_as.empty() || is_user(spec.run_as, docker)) return;
  in.faults().at(*in.find("runAs"), docker ? "must be a user, or user:group, by name or number"
                                           : "must be a user by name or number, or uid:gid");
}

std::optional<std::int64_t> read_bound(const json::Value& value, Faults& faults) {
  return whole_number(value, -1, INT64_MAX, faults);
}

// A number for both bounds, or an object with `soft` and `hard`.
void read_process_limit(std::string_view name, const json::Value& value, JobSpec& spec, Faults& faults,
                        UnknownFields& unknown) {
  ProcessLimit limit;
  if (value.is_number()) {
    const auto both = read_bound(value, faults);
    if (!both) return;
    limit = {*both, *both};
  } else if (value.is_object()) {
    FieldReader in(value, faults);
    const auto soft = in.take("soft"), hard = in.take("hard");
    in.refuse_unknown(unknown.lenient, unknown.ignored);
    const auto least = soft ? read_bound(*soft, faults) : std::nullopt;
    const auto most = hard ? read_bound(*hard, faults) : std::nullopt;
    if ((soft && !least) || (hard && !most)) return;
    if (!soft && !hard) return faults.at(value, "must have `soft` or `hard`");
    limit = {least ? *least : *most, most ? *most : *least};
  } else {
    return faults.at(value, type_fault("a number, or an object with `soft` and `hard`", value));
  }
  const bool over = limit.hard != -1 && (limit.soft == -1 || limit.soft > limit.hard);
  if (over) return faults.at(value, "its soft limit is above its hard one (-1 is unlimited)");
  spec.rlimits[std::string(name)] = limit;
}

void read_process_limits(FieldReader& in, JobSpec& spec, UnknownFields& unknown) {
  const auto found = in.take("rlimits");
  if (!found || is_unset(*found)) return;
  if (!found->is_object()) return in.faults().at(*found, type_fault("an object", *found));
  FieldReader limits(*found, in.faults());
  for (std::string_view name : kProcessLimits) {
    const auto value = limits.take(name);
    if (value) read_process_limit(name, *value, spec, in.faults(), unknown);
  }
  limits.refuse_unknown(unknown.lenient, unknown.ignored);
}

void read_logs(FieldReader& in, JobSpec& spec, UnknownFields& unknown) {
  const auto found = in.take("logs");
  if (!found || is_unset(*found)) return;
  if (!found->is_object()) return in.faults().at(*found, type_fault("an object", *found));
  FieldReader logs(*found, in.faults());
  spec.logs.rotate_mib = logs.number(kRotateMb);
  spec.logs.keep = logs.count("keep", kLogKeepMax).value_or(spec.logs.keep);
  spec.logs.compress = logs.flag("compress", true);
  logs.refuse_unknown(unknown.lenient, unknown.ignored);
}

// --- images
// [registry[:port]/]path: components of small letters and digits, parted by single '.', '_', '-' or runs of
// them; the first one is a registry if it has a '.', a ':' or is "localhost".
bool is_image_path(std::string_view path) {
  if (path.empty()) return false;
  const auto edge = [](char c) { return is_small(c) || is_digit(c); };
  return edge(path.front()) && edge(path.back()) &&
         std::ranges::all_of(path, [&](char c) { return edge(c) || c == '.' || c == '_' || c == '-'; });
}

bool is_registry(std::string_view name) {
  const std::size_t colon = name.rfind(':');
  const std::string_view port = colon == std::string_view::npos ? "0" : name.substr(colon + 1);
  const bool numeric = !port.empty() && port.size() <= 5 && std::ranges::all_of(port, is_digit);
  return numeric && is_word(name.substr(0, colon), ".-");
}

std::string image_fault(std::string_view image) {
  const std::size_t slash = image.rfind('/');
  const std::string_view last = image.substr(slash == std::string_view::npos ? 0 : slash + 1);
  if (image.find('@') != std::string_view::npos) return "names a digest: it goes into `digest`";
  if (last.find(':') != std::string_view::npos) return "names a tag: it goes into `version`";
  std::size_t at = 0;
  const std::size_t first = image.find('/');
  if (first != std::string_view::npos) {
    const std::string_view host = image.substr(0, first);
    const bool meant = host == "localhost" || host.find_first_of(".:") != std::string_view::npos;
    if (meant && !is_registry(host)) return "has a registry that is not host or host:port";
    if (meant) at = first + 1;
  }
  while (at <= image.size()) {
    const std::size_t end = std::min(image.find('/', at), image.size());
    if (!is_image_path(image.substr(at, end - at)))
      return "is no image: [registry[:port]/]name, in small letters, digits, '.', '_', '-' and '/'";
    at = end + 1;
  }
  return {};
}

bool is_digest(std::string_view text) {
  constexpr std::string_view kAlgorithm = "sha256:";
  constexpr std::size_t kHexDigits = 64;
  if (!text.starts_with(kAlgorithm) || text.size() != kAlgorithm.size() + kHexDigits) return false;
  return std::ranges::all_of(text.substr(kAlgorithm.size()),
                             [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

void check_image(FieldReader& in, const JobSpec& spec) {
  Faults& faults = in.faults();
  const std::string& image = spec.application_name;
  if (const auto found = in.find("applicationName"); image.empty()) {
    const bool said = found && !is_unset(*found);  // it has its fault already
    if (!said) faults.add("/applicationName", "is required: the image of the container");
  } else if (const std::string wrong = image_fault(image); !wrong.empty()) {
    faults.at(*found, wrong);
  }
  if (!spec.version.empty() && (spec.version.size() > kTagBytesMax || !is_word(spec.version, "_.-", "_"))) {
    faults.at(*in.find("version"),
              "is no tag: letters, digits, '.', '_' and '-', at most " + std::to_string(kTagBytesMax) +
                  " bytes, and neither '.' nor '-' first",
              std::to_string(kTagBytesMax));
  }
  if (!spec.container.digest.empty() && !is_digest(spec.container.digest)) {
    faults.at(*in.find("digest"), "must be sha256: and 64 hexadecimal digits in small letters");
  }
}

// --- volumes
bool climbs(std::string_view path) {
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    if (path.substr(at, slash - at) == "..") return true;
    at = slash + 1;
  }
  return false;
}

std::string source_fault(std::string_view source) {
  if (!source.starts_with('/')) {
    return is_word(source, "_.-") ? "" : "must be an absolute path of the agent or a Docker volume's name";
  }
  const bool odd = climbs(source) || source.find(':') != std::string_view::npos;
  return odd ? "must not contain `..` or ':'" : "";
}

std::string target_fault(std::string_view target) {
  const bool inside = target.starts_with('/') && target.find_first_not_of('/') != std::string_view::npos;
  if (!inside) return "must be an absolute path in the container, and not its root";
  if (climbs(target) || target.find(':') != std::string_view::npos) return "must not contain `..` or ':'";
  return {};
}

void read_volume(const json::Value& value, JobSpec& spec, Faults& faults, UnknownFields& unknown) {
  if (!value.is_object()) return faults.at(value, type_fault("an object with `source` and `target`", value));
  FieldReader in(value, faults);
  VolumeMount mount;
  mount.source = in.text("source", kPathBytesMax);
  mount.target = in.text("target", kPathBytesMax);
  mount.read_only = in.flag("readOnly", false);
  in.refuse_unknown(unknown.lenient, unknown.ignored);
  const auto check = [&](std::string_view name, const std::string& text, const std::string& wrong) {
    const auto found = value.find(name);
    if (!found || found->is_null()) {
      faults.add(value.pointer() + "/" + std::string(name), "is required");
    } else if (found->is_string() && found->string().value().size() == text.size() && !wrong.empty()) {
      faults.at(*found, wrong);
    }
  };
  check("source", mount.source, source_fault(mount.source));
  check("target", mount.target, target_fault(mount.target));
  for (const VolumeMount& other : spec.container.volumes) {
    if (!mount.target.empty() && other.target == mount.target)
      faults.at(value, "another volume is mounted there already");
  }
  spec.container.volumes.push_back(std::move(mount));
}

void read_volumes(FieldReader& in, JobSpec& spec, UnknownFields& unknown) {
  const auto found = in.take("volumes");
  if (!found || is_unset(*found)) return;
  const auto list = bounded_list(*found, kVolumesMax, in.faults());
  for (std::size_t i = 0; list && i < list->size(); ++i) read_volume(list->at(i), spec, in.faults(), unknown);
}

// --- the container object
std::string capability_fault(std::string_view name) {
  const bool fits = std::ranges::all_of(name, [](char c) { return is_big(c) || is_digit(c) || c == '_'; });
  if (name.empty() || !fits) return "must be a capability such as NET_ADMIN, or ALL";
  return name.starts_with("CAP_") ? "is said without CAP_" : "";
}

std::vector<std::string> read_capabilities(FieldReader& in, std::string_view field) {
  std::vector<std::string> out;
  const auto found = in.take(field);
  const auto list =
      found && !is_unset(*found) ? bounded_list(*found, kCapabilitiesMax, in.faults()) : std::nullopt;
  for (std::size_t i = 0; list && i < list->size(); ++i) {
    auto name = plain_text(list->at(i), kTextBytesMax, false, in.faults());
    if (!name) continue;
    if (const std::string wrong = capability_fault(*name); !wrong.empty()) in.faults().at(list->at(i), wrong);
    out.push_back(std::move(*name));
  }
  return out;
}

void read_pull(FieldReader& in, ContainerSettings& container) {
  const std::string text = in.text("pull");
  if (text.empty() || text == "missing") return;
  if (text == "always") {
    container.pull = ContainerSettings::Pull::always;
  } else if (text == "never") {
    container.pull = ContainerSettings::Pull::never;
  } else {
    in.faults().at(*in.find("pull"), "must be missing, always or never", "missing, always, never");
  }
}

void check_names(FieldReader& in, const ContainerSettings& container) {
  const auto check = [&](std::string_view field, const std::string& text, bool fits, const char* wanted) {
    if (!text.empty() && !fits) in.faults().at(*in.find(field), wanted);
  };
  check("hostname", container.hostname,
        container.hostname.size() <= kHostnameBytesMax && is_word(container.hostname, ".-") &&
            is_alnum(container.hostname.back()),
        "must be a host name: letters, digits, '.' and '-', at most 63 bytes");
  check("network", container.network, is_word(container.network, "_.-"),
        "must be host, bridge, none or the name of a Docker network");
  check("logDriver", container.log_driver, is_word(container.log_driver, "_.-:/"),
        "must be the name of one of Docker's log drivers");
}

void read_container_object(FieldReader& job, JobSpec& spec, UnknownFields& unknown) {
  const auto found = job.take("container");
  if (!found || is_unset(*found)) return;
  if (!found->is_object()) return job.faults().at(*found, type_fault("an object", *found));
  FieldReader in(*found, job.faults());
  ContainerSettings& container = spec.container;
  read_pull(in, container);
  container.labels = read_text_map(in, {"labels", kLabelsMax, kLabelValueBytesMax, false});
  container.cap_add = read_capabilities(in, "capAdd");
  container.cap_drop = read_capabilities(in, "capDrop");
  container.hostname = in.text("hostname");
  container.network = in.text("network");
  container.log_driver = in.text("logDriver");
  container.init = in.flag("init", true);
  container.read_only_root = in.flag("readOnlyRoot", false);
  container.privileged = in.flag("privileged", false);
  check_names(in, container);
  for (const auto& [name, value] : container.labels) {
    if (name.starts_with("mimas.")) {
      in.faults().add(found->pointer() + "/labels/" + pointer_segment(name), "mimas.* are our own labels");
    }
  }
  in.refuse_unknown(unknown.lenient, unknown.ignored);
}

}  // namespace

void read_confinement(FieldReader& in, JobSpec& spec, UnknownFields& unknown) {
  read_run_as(in, spec);
  spec.cpu_quota = in.flag("cpuQuota", false);
  spec.pids_max = in.number(kPids);
  read_process_limits(in, spec, unknown);
  read_logs(in, spec, unknown);
}

void read_container(FieldReader& in, JobSpec& spec, bool known_runtime, UnknownFields& unknown) {
  if (spec.runtime != Runtime::docker) {
    for (std::string_view field : {"digest", "shmSize", "volumes", "container"}) {
      const auto found = in.take(field);
      if (found && !is_unset(*found) && known_runtime) in.faults().at(*found, std::string(kForContainers));
    }
    return;
  }
  spec.container.digest = in.text("digest");
  check_image(in, spec);
  spec.container.shm_mib = in.number(kShmMib);
  if (spec.container.shm_mib > spec.request.mem_mib) {
    in.faults().at(*in.find("shmSize"), "must not be above the job's `memory`",
                   std::to_string(spec.request.mem_mib));
  }
  read_volumes(in, spec, unknown);
  read_container_object(in, spec, unknown);
}

}  // namespace mimas::api
