#include "pocket/agent_flags.h"

#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <string_view>
#include <vector>

namespace mimas::pocket {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(separator, at), text.size());
    parts.push_back(trim(text.substr(at, end - at)));
    at = end + 1;
  }
  return parts;
}

Error bad(std::string_view part, const std::string& why) {
  return make_error(Code::invalid_argument, why, std::string(part));
}

template <class Number>
bool read_number(std::string_view text, Number* into) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), *into);
  return failed == std::errc{} && end == text.data() + text.size() && !text.empty();
}

bool plain_name(std::string_view name) {
  return !name.empty() && name.size() <= 255 && std::all_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != 0x7f && c != '[' && c != '{' && c != '(';
  });
}

Status read_ranges(std::string_view part, std::string_view body, mv1::Value::Ranges* into) {
  for (const std::string_view one : split(body.substr(1, body.size() - 2), ',')) {
    const std::size_t dash = one.find('-');
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    const bool fine = dash != std::string_view::npos && read_number(trim(one.substr(0, dash)), &begin) &&
                      read_number(trim(one.substr(dash + 1)), &end) && begin <= end;
    if (!fine) return bad(part, "expected ranges like [31000-31099,32000-32000]");
    auto* range = into->add_range();
    range->set_begin(begin);
    range->set_end(end);
  }
  return Done{};
}

// "name:value" in any of its kinds, into a Resource or an Attribute, which have the same members.
template <class Message>
Status read_value(std::string_view part, std::string_view body, Message* into) {
  double number = 0;
  if (body.size() >= 2 && body.front() == '[' && body.back() == ']') {
    into->set_type(mv1::Value::RANGES);
    return read_ranges(part, body, into->mutable_ranges());
  }
  if (body.size() >= 2 && body.front() == '{' && body.back() == '}') {
    into->set_type(mv1::Value::SET);
    for (const std::string_view item : split(body.substr(1, body.size() - 2), ','))
      if (!item.empty()) into->mutable_set()->add_item(std::string(item));
    return Done{};
  }
  if (read_number(body, &number)) {
    into->set_type(mv1::Value::SCALAR);
    into->mutable_scalar()->set_value(number);
    return Done{};
  }
  if constexpr (requires { into->mutable_text(); }) {
    if (body.empty()) return bad(part, "expected name:value");
    into->set_type(mv1::Value::TEXT);
    into->mutable_text()->set_value(std::string(body));
    return Done{};
  } else {
    return bad(part, "expected a number, [ranges] or {a set}");
  }
}

template <class Message>
Status read_list(const std::string& text, ::google::protobuf::RepeatedPtrField<Message>* into) {
  for (const std::string_view part : split(text, ';')) {
    if (part.empty()) continue;
    const std::size_t colon = part.find(':');
    if (colon == std::string_view::npos) return bad(part, "expected name:value");
    const std::string_view name = trim(part.substr(0, colon));
    if (!plain_name(name)) return bad(part, "the name is not valid; reservations are not supported");
    Message* message = into->Add();
    message->set_name(std::string(name));
    if (const Status done = read_value(part, trim(part.substr(colon + 1)), message); !done) return done;
  }
  return Done{};
}

std::int64_t spare(std::int64_t all, std::int64_t kept) { return all > 2 * kept ? all - kept : all / 2; }

}  // namespace

Result<Amounts> parse_resources(const std::string& text) {
  ResourceList list;
  if (const Status done = read_list(text, &list); !done) return done.error();
  return read_amounts(list);
}

Result<::google::protobuf::RepeatedPtrField<mv1::Attribute>> parse_attributes(const std::string& text) {
  ::google::protobuf::RepeatedPtrField<mv1::Attribute> list;
  if (const Status done = read_list(text, &list); !done) return done.error();
  return list;
}

Amounts default_resources(int agents, const std::string& disk_path) {
  const std::int64_t share = std::max(1, agents);
  struct sysinfo memory {};
  ::sysinfo(&memory);
  const std::int64_t mem_mib =
      static_cast<std::int64_t>(memory.totalram) / (1 << 20) * static_cast<std::int64_t>(memory.mem_unit);
  struct statvfs disk {};
  std::int64_t disk_mib = 0;
  if (::statvfs(disk_path.c_str(), &disk) == 0)
    disk_mib =
        static_cast<std::int64_t>(disk.f_bavail) * static_cast<std::int64_t>(disk.f_frsize) / (1 << 20);
  Amounts amounts;
  // Nothing is isolated here, so CPUs are not divided: on any machine a job of the default size, one CPU and
  // the executor's share, fits every agent.
  amounts.scalars["cpus"] = std::max<std::int64_t>(2, ::sysconf(_SC_NPROCESSORS_ONLN)) * 1000;
  amounts.scalars["mem"] = std::max<std::int64_t>(64, spare(mem_mib, 1'024) / share) * 1000;
  amounts.scalars["disk"] = std::max<std::int64_t>(64, spare(disk_mib, 5'120) / share) * 1000;
  return amounts;
}

Result<mv1::AgentInfo> make_agent_info(const AgentOptions& options, int number, int agents,
                                       const std::string& disk_path) {
  mv1::AgentInfo info;
  info.set_hostname(options.hostname.empty() ? "agent" + std::to_string(number) + ".pocket"
                                             : options.hostname);
  Amounts amounts = default_resources(agents, disk_path);
  const Result<Amounts> named = parse_resources(options.resources);
  if (!named) return named.error();
  // What is not named has its default, as in Mesos; a name given replaces it.
  for (const auto& [name, milli] : named->scalars) amounts.scalars[name] = milli;
  for (const auto& [name, ranges] : named->ranges) amounts.ranges[name] = ranges;
  for (const auto& [name, set] : named->sets) amounts.sets[name] = set;
  Rendering plain;
  plain.allocation_info = false;
  plain.role_field = false;
  render_amounts(amounts, plain, info.mutable_resources());
  const auto attributes = parse_attributes(options.attributes);
  if (!attributes) return attributes.error();
  *info.mutable_attributes() = *attributes;
  return info;
}

Status check_agent(const AgentOptions& options) {
  if (const Result<Amounts> resources = parse_resources(options.resources); !resources)
    return make_error(Code::invalid_argument, "resources: " + resources.error().message,
                      resources.error().where);
  if (const auto attributes = parse_attributes(options.attributes); !attributes)
    return make_error(Code::invalid_argument, "attributes: " + attributes.error().message,
                      attributes.error().where);
  for (const char c : options.hostname)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '/')
      return make_error(Code::invalid_argument, "hostname: not a host name", options.hostname);
  return Done{};
}

// "hostname=pi1;attributes=arch:arm;stack:pi3;resources=cpus:4;mem:900": a part without '=' goes on with the
// last key.
Result<AgentOptions> parse_agent(const std::string& text) {
  AgentOptions options;
  std::string* current = nullptr;
  std::set<std::string> seen;
  for (const std::string_view part : split(text, ';')) {
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    const std::string key(part.substr(0, equals == std::string_view::npos ? 0 : equals));
    std::string* named = key == "hostname"     ? &options.hostname
                         : key == "attributes" ? &options.attributes
                         : key == "resources"  ? &options.resources
                                               : nullptr;
    if (named != nullptr) {
      if (!seen.insert(key).second) return bad(part, "'" + key + "' is given twice");
      *named = std::string(part.substr(equals + 1));
      current = named == &options.hostname ? nullptr : named;
    } else if (current != nullptr) {
      *current += ";" + std::string(part);
    } else {
      return bad(part, "expected hostname=…, attributes=… or resources=…");
    }
  }
  if (const Status fine = check_agent(options); !fine) return fine.error();
  return options;
}

}  // namespace mimas::pocket
