#include "api/job_policy.h"

#include <algorithm>
#include <array>
#include <utility>

#include "api/faults.h"
#include "model/group.h"
#include "model/secret.h"

namespace mimas::api {
namespace {

using Texts = std::vector<std::string>;

// What a container has of Docker anyway: asking for these gives nothing away.
constexpr std::array<std::string_view, 14> kUsualCapabilities{
    "AUDIT_WRITE",      "CHOWN",   "DAC_OVERRIDE", "FOWNER", "FSETID",  "KILL",   "MKNOD",
    "NET_BIND_SERVICE", "NET_RAW", "SETFCAP",      "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"};

constexpr std::string_view kRoot = "root";
constexpr std::string_view kReadOnly = ":ro";

bool has(const Texts& list, std::string_view text) { return std::ranges::find(list, text) != list.end(); }
bool has_any(const Texts& list) { return has(list, kAnything); }

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// "007" and "7" are one user.
std::string canonical_id(std::string_view text) {
  if (!is_number(text)) return std::string(text);
  const std::size_t first = text.find_first_not_of('0');
  return std::string(first == std::string_view::npos ? "0" : text.substr(first));
}

bool is_root_id(std::string_view id) { return id == kRoot || id == "0"; }

// Of user[:group]. Whoever has root's group is as good as root on many a machine.
bool may_run_as(std::string_view run_as, const Texts& allowed) {
  const std::size_t colon = run_as.find(':');
  const std::string user = canonical_id(run_as.substr(0, colon));
  std::string text = user;
  bool root = is_root_id(user);
  if (colon != std::string_view::npos) {
    const std::string group = canonical_id(run_as.substr(colon + 1));
    root = root || is_root_id(group);
    text += ":" + group;
  }
  return has(allowed, text) || has(allowed, root ? kRoot : kAnything);
}

// "." and "..", however they are written: a fetcher may take them away.
bool is_dots(std::string_view segment) {
  std::size_t dots = 0;
  for (std::size_t at = 0; at < segment.size(); ++dots) {
    const std::string_view rest = segment.substr(at);
    if (rest.front() == '.') {
      ++at;
    } else if (rest.starts_with("%2e") || rest.starts_with("%2E")) {
      at += 3;
    } else {
      return false;
    }
  }
  return dots == 1 || dots == 2;
}

template <class Each>
bool any_segment(std::string_view path, Each each) {
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    if (each(path.substr(at, slash - at))) return true;
    at = slash + 1;
  }
  return false;
}

bool may_fetch(const std::string& uri, const Texts& allowed) {
  if (has_any(allowed)) return true;
  const std::string address = uri.starts_with('/') ? "file://" + uri : uri;
  const bool straight = !any_segment(address, is_dots);
  return std::ranges::any_of(allowed, [&](const std::string& beginning) {
    return address.starts_with(beginning) && (straight || beginning.ends_with("://"));
  });
}

// "/srv//a/./b/" → "/srv/a/b"; `..` was refused before.
std::string plain_path(std::string_view path) {
  std::string out;
  any_segment(path, [&](std::string_view segment) {
    if (!segment.empty() && segment != ".") out += "/" + std::string(segment);
    return false;
  });
  return out.empty() ? "/" : out;
}

bool may_mount(const VolumeMount& mount, const Texts& allowed) {
  const std::string source = plain_path(mount.source);
  return std::ranges::any_of(allowed, [&](std::string_view entry) {
    const bool read_only = entry.ends_with(kReadOnly);
    if (read_only) entry.remove_suffix(kReadOnly.size());
    if (entry == kAnything) return mount.read_only || !read_only;
    const std::string folder = plain_path(entry);
    const bool inside = folder == "/" || source == folder || source.starts_with(folder + "/");
    return inside && (mount.read_only || !read_only);
  });
}

std::string joined(const Texts& list) {
  constexpr std::size_t kShown = 8;
  std::string text;
  for (std::size_t i = 0; i < list.size() && i < kShown; ++i) text += (i == 0 ? "" : ", ") + list[i];
  return list.size() > kShown ? text + ", …" : text;
}

std::string rule_has(const Texts& list) { return list.empty() ? "has nothing" : "has " + joined(list); }

class Examination {
 public:
  Examination(const JobSpec& spec, const Claim& claim) : spec_(spec), claim_(claim), rules_(claim.rules) {}

  std::vector<Fault> take() {
    look_at_program();
    look_at_container();
    look_at_artifacts();
    look_at_standing();
    look_at_secrets();
    return std::move(faults_);
  }

 private:
  // `what` is a sentence's beginning: "processes may not run as root".
  void refuse(std::string pointer, const std::string& what, std::string_view rule, const Texts& list,
              std::string value, std::string_view remedy = {}) {
    refuse_by(std::move(pointer), what, rule, rule_has(list), std::move(value), remedy, joined(list));
  }
  void refuse_by(std::string pointer, const std::string& what, std::string_view rule, const std::string& says,
                 std::string value, std::string_view remedy, std::string limit) {
    std::string detail = what + ": `" + std::string(rule) + "` of this server's policy (" +
                         claim_.policy.name + ") for the role " + std::string(claim_.role) + " " + says +
                         "; ";
    if (!remedy.empty()) detail += std::string(remedy) + ", or ";
    detail += "whoever runs the server changes that with --policy FILE";
    add(std::move(pointer), std::move(detail), std::move(value), std::move(limit));
  }
  // What the caller's own credentials do not have.
  void refuse_caller(std::string pointer, const std::string& what, const std::string& says, const char* flag,
                     std::string value, std::string limit = {}) {
    const std::string who = claim_.caller.empty() ? "this caller" : std::string(claim_.caller);
    add(std::move(pointer),
        who + " may not " + what + ": these credentials " + says +
            "; whoever keeps the credentials file changes that, `mimas token new` with " + flag,
        std::move(value), std::move(limit));
  }
  void add(std::string pointer, std::string detail, std::string value, std::string limit) {
    if (faults_.size() >= kPolicyFaultsMax) return;
    Fault fault{std::move(pointer), std::move(detail), cut_text(value, kValueBytes), std::move(limit)};
    fault.forbidden = true;
    faults_.push_back(std::move(fault));
  }

  bool is_container() const { return spec_.runtime == Runtime::docker; }

  void look_at_program() {
    if (!has_any(rules_.runtimes) && !has(rules_.runtimes, runtime_name(spec_.runtime))) {
      refuse("/runtime",
             "jobs of the runtime " + std::string(runtime_name(spec_.runtime)) + " are not allowed",
             "runtimes", rules_.runtimes, std::string(runtime_name(spec_.runtime)));
      return;
    }
    const bool said = !spec_.run_as.empty();
    const std::string who = said             ? spec_.run_as
                            : is_container() ? std::string(kRoot)
                                             : claim_.policy.process_user;
    const Texts& allowed = is_container() ? rules_.container_users : rules_.users;
    if (may_run_as(who, allowed)) return;
    std::string what = std::string(is_container() ? "containers" : "processes") + " may not run as " + who;
    if (!said)
      what +=
          is_container() ? ", which the image decides without `runAs`" : ", which they do without `runAs`";
    const std::string remedy =
        allowed.empty() || has_any(allowed) ? "" : "say \"runAs\":\"" + allowed.front() + "\"";
    refuse("/runAs", what, is_container() ? "containerUsers" : "users", allowed, spec_.run_as, remedy);
  }

  void look_at_container() {
    if (!is_container()) return;
    const auto begins = [&](const std::string& beginning) {
      return spec_.application_name.starts_with(beginning);
    };
    if (!has_any(rules_.images) && !std::ranges::any_of(rules_.images, begins))
      refuse("/applicationName", "this image is not allowed", "images", rules_.images,
             spec_.application_name);
    look_at_network();
    const ContainerSettings& container = spec_.container;
    for (std::size_t i = 0; i < container.volumes.size(); ++i) {
      const VolumeMount& mount = container.volumes[i];
      if (!mount.source.starts_with('/') || may_mount(mount, rules_.host_volumes)) continue;
      refuse(
          "/volumes/" + std::to_string(i) + "/source",
          std::string("this path of the agent may not be mounted") + (mount.read_only ? "" : " for writing"),
          "hostVolumes", rules_.host_volumes, mount.source, "--allow-host-volumes allows all of them");
    }
    if (container.privileged && !rules_.privileged)
      refuse_by("/container/privileged", "privileged containers are not allowed", "privileged", "is false",
                "true", "--allow-privileged allows them", "false");
    for (std::size_t i = 0; i < container.cap_add.size(); ++i) {
      const std::string& name = container.cap_add[i];
      if (std::ranges::find(kUsualCapabilities, name) != kUsualCapabilities.end()) continue;
      if (has_any(rules_.capabilities) || has(rules_.capabilities, name)) continue;
      refuse("/container/capAdd/" + std::to_string(i), "this is more than a container usually has",
             "capabilities", rules_.capabilities, name, "--allow-privileged allows all of them");
    }
  }

  void look_at_network() {
    std::string network = spec_.container.network;
    if (network.empty()) {
      const bool ports =
          std::ranges::any_of(spec_.container_ports, [](std::int32_t port) { return port > 0; });
      if (!ports && claim_.policy.own_network) return;
      network = ports ? std::string_view("bridge") : default_network(claim_.policy);
    }
    if (has(rules_.networks, network) || (has_any(rules_.networks) && network != "host")) return;
    refuse("/container/network", "containers may not use the network " + network, "networks", rules_.networks,
           spec_.container.network);
  }

  void look_at_artifacts() {
    for (std::size_t i = 0; i < spec_.artifacts.size(); ++i) {
      const std::string& uri = spec_.artifacts[i].uri;
      if (may_fetch(uri, rules_.artifacts)) continue;
      refuse("/artifacts/" + std::to_string(i) + "/uri", "agents may not fetch this", "artifacts",
             rules_.artifacts, uri);
    }
  }

  // Its standing among the others' work.
  void look_at_standing() {
    const Grants& grants = claim_.grants;
    const std::string group =
        spec_.capacity_group.empty() ? std::string(kDefaultGroup) : spec_.capacity_group;
    if (!has_any(rules_.capacity_groups) && !has(rules_.capacity_groups, group))
      refuse("/capacityGroup", "this group is not allowed", "capacityGroups", rules_.capacity_groups, group);
    if (grants.groups && !has_any(*grants.groups) && !has(*grants.groups, group))
      refuse_caller("/capacityGroup", "use the capacity group " + group,
                    grants.groups->empty() ? "name none" : "have " + joined(*grants.groups), "--group", group,
                    joined(*grants.groups));
    const std::string priority = std::to_string(spec_.priority);
    if (spec_.priority > rules_.priority_max) {
      const std::string most = std::to_string(rules_.priority_max);
      refuse_by("/priority", "a priority above " + most + " is not allowed", "priorityMax", "is " + most,
                priority, {}, most);
    }
    if (grants.priority_max && spec_.priority > *grants.priority_max) {
      const std::string most = std::to_string(*grants.priority_max);
      refuse_caller("/priority", "have a priority above " + most, "say priorityMax " + most, "--priority-max",
                    priority, most);
    }
    if (!spec_.production) return;
    if (!rules_.production)
      refuse_by("/production", "production jobs are not allowed", "production", "is false", "true", {},
                "false");
    if (!grants.production.value_or(true))
      refuse_caller("/production", "run production jobs", "do not say production", "--production", "true",
                    "false");
  }

  void look_at_secrets() {
    for (const auto& [variable, name] : spec_.secret_env) {
      const std::string pointer = "/secretEnv/" + pointer_segment(variable);
      const std::string_view app = secret_application(name);
      if (!app.empty()) {
        if (app != spec_.app_name)
          add(pointer, "belongs to jobs whose `appName` is " + std::string(app), name, std::string(app));
        continue;
      }
      const auto begins = [&](const std::string& beginning) {
        return beginning == kAnything || name.starts_with(beginning);
      };
      if (!std::ranges::any_of(rules_.secrets, begins))
        refuse(pointer, "this secret is not for jobs", "secrets", rules_.secrets, name);
      if (claim_.grants.secrets && !std::ranges::any_of(*claim_.grants.secrets, begins))
        refuse_caller(pointer, "use the shared secret " + name,
                      claim_.grants.secrets->empty() ? "name none" : "have " + joined(*claim_.grants.secrets),
                      "--secret", name, joined(*claim_.grants.secrets));
    }
  }

  static constexpr std::size_t kPolicyFaultsMax = 100, kValueBytes = 200;
  const JobSpec& spec_;
  const Claim& claim_;
  const JobRules& rules_;
  std::vector<Fault> faults_;
};

JobRules open_rules() {
  const Texts all{std::string(kAnything)}, all_and_root{std::string(kAnything), std::string(kRoot)};
  JobRules rules;
  rules.runtimes = rules.images = rules.artifacts = rules.capabilities = rules.capacity_groups =
      rules.secrets = all;
  rules.users = rules.container_users = all_and_root;
  rules.networks = {std::string(kAnything), "host"};
  rules.host_volumes = {"/"};
  rules.privileged = true;
  return rules;
}

}  // namespace

JobPolicy open_policy(const std::string& process_user) {
  JobPolicy policy;
  policy.name = "open";
  policy.process_user = process_user;
  policy.viewer = policy.operator_rules = policy.admin = open_rules();
  return policy;
}

JobPolicy safe_policy(const std::string& process_user, bool own_network) {
  JobPolicy policy = open_policy(process_user);
  policy.name = "safe";
  policy.own_network = own_network;
  JobRules& rules = policy.operator_rules;
  rules.users = {"nobody"};
  // Whom the operator made all executors run as, if that is not the one who may do everything.
  if (!is_root_id(process_user) && process_user != "nobody") rules.users.push_back(process_user);
  rules.artifacts = {"http://", "https://"};
  rules.networks = {"bridge", "none"};
  rules.host_volumes = rules.capabilities = {};
  rules.privileged = false;
  policy.admin = policy.viewer = rules;
  policy.viewer.read_env = false;
  return policy;
}

std::string_view default_network(const JobPolicy& policy) {
  return has(policy.operator_rules.networks, "host") ? "host" : "bridge";
}

Grants grants_of(Grants said, const std::vector<std::string>& apps) {
  if (apps.empty()) return said;
  if (!said.groups) said.groups = apps;
  if (!said.secrets) said.secrets.emplace();
  if (!said.priority_max) said.priority_max = 0;
  if (!said.production) said.production = false;
  return said;
}

std::vector<Fault> policy_faults(const JobSpec& spec, const Claim& claim) {
  return Examination(spec, claim).take();
}

}  // namespace mimas::api
