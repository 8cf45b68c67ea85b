#include "executor/docker_api.h"

#include <algorithm>
#include <utility>

#include "base/base64.h"
#include "json/value.h"
#include "json/writer.h"
#include "wire/http.h"

namespace mimas::executor {
namespace {

constexpr std::size_t kPullLineMax = 64u << 10;
constexpr std::string_view kDockerHub = "https://index.docker.io/v1/";

// "1.41" → 41; -1 for anything else.
int minor_of(std::string_view version) {
  if (!version.starts_with("1.") || version.size() > 5 || version.size() < 3) return -1;
  int minor = 0;
  for (const char c : version.substr(2)) {
    if (c < '0' || c > '9') return -1;
    minor = minor * 10 + (c - '0');
  }
  return minor;
}

std::string version_text(int minor) { return "1." + std::to_string(minor); }

std::string shortened(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.remove_suffix(1);
  return std::string(text.substr(0, kDockerTextMax));
}

template <std::size_t n>
bool has_any(std::string_view text, const std::string_view (&words)[n]) {
  return std::any_of(words, words + n, [&](std::string_view word) { return text.find(word) != text.npos; });
}

}  // namespace

std::string docker_request_text(const DockerRequest& request, int minor) {
  wire::Request out;
  out.method = request.method;
  out.target = (minor == 0 ? std::string() : "/v" + version_text(minor)) + request.target;
  out.host = "docker";
  if (!request.body.empty()) out.headers.push_back({"Content-Type", "application/json"});
  if (!request.auth.empty()) out.headers.push_back({"X-Registry-Auth", request.auth});
  out.body = request.body;
  auto text = wire::format_request(out);  // every part is percent-encoded, base64 or our own
  return text.ok() ? std::move(text).value() : std::string();
}

Result<int> choose_docker_version(std::string_view json) {
  const auto document = json::parse(json, {.replace_bad_utf8 = true});
  if (!document.ok() || !document->root().is_object())
    return make_error(Code::protocol, "this does not answer as Docker does");
  const int theirs = minor_of(document->root().string_or("ApiVersion", ""));
  const int least = minor_of(document->root().string_or("MinAPIVersion", "1.0"));
  if (theirs < 0) return make_error(Code::protocol, "this does not name Docker's API version");
  if (theirs >= kDockerMinorMin && least <= kDockerMinorMax) return std::min(theirs, kDockerMinorMax);
  return make_error(Code::unsupported,
                    "Docker speaks API " + version_text(std::max(least, 0)) + " to " + version_text(theirs) +
                        ", mimas-executor speaks " + version_text(kDockerMinorMin) + " to " +
                        version_text(kDockerMinorMax),
                    {}, "use Docker 1.10 or younger");
}

std::string docker_message(std::string_view body) {
  const auto document = json::parse(body, {.replace_bad_utf8 = true});
  if (document.ok() && document->root().is_object())
    return shortened(document->root().string_or("message", ""));
  return shortened(body);
}

Result<ImageName> parse_image_name(std::string_view text) {
  const auto bad = [&](const char* why) {
    return make_error(Code::invalid_argument,
                      "'" + std::string(text.substr(0, 200)) + "' is not an image: " + why,
                      "/container/image", "write name, name:tag or name@sha256:digest");
  };
  if (text.empty() || text.size() > 1000) return bad("it is empty or longer than 1000 bytes");
  if (std::any_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c == 0x7f; }))
    return bad("it has a blank or a control character");
  ImageName out;
  const std::size_t at = text.find('@');
  const std::string_view before = text.substr(0, at);
  const std::size_t slash = before.rfind('/');
  const std::size_t colon = before.rfind(':');
  const bool tagged = colon != text.npos && (slash == text.npos || colon > slash);
  out.name = before.substr(0, tagged ? colon : before.size());
  out.tag = at != text.npos ? text.substr(at + 1) : tagged ? before.substr(colon + 1) : "latest";
  if (out.name.empty() || out.tag.empty()) return bad("a part of it is empty");
  const std::string_view first = std::string_view(out.name).substr(0, out.name.find('/'));
  const bool names_registry =
      first.size() < out.name.size() && (first.find_first_of(".:") != first.npos || first == "localhost");
  out.registry = names_registry && first != "docker.io" ? first : kDockerHub;
  return out;
}

std::string registry_auth(std::string_view config_json, std::string_view registry) {
  const auto document = json::parse(config_json, {.replace_bad_utf8 = true});
  if (!document.ok()) return {};
  const auto auths = document->root().find("auths");
  if (!auths) return {};
  auto entry = auths->find(registry);
  if (!entry) entry = auths->find("https://" + std::string(registry));
  if (!entry) return {};
  const auto pair = base64_decode(entry->string_or("auth", ""));
  const std::size_t colon = pair.ok() ? pair->find(':') : std::string::npos;
  const std::string_view token = entry->string_or("identitytoken", "");
  if (colon == std::string::npos && token.empty()) return {};
  json::Writer writer;
  writer.begin_object();
  if (colon != std::string::npos)
    writer.member("username", pair->substr(0, colon)).member("password", pair->substr(colon + 1));
  if (!token.empty()) writer.member("identitytoken", std::string(token));
  writer.member("serveraddress", std::string(registry)).end_object();
  std::string out = base64_encode(writer.take());
  std::replace(out.begin(), out.end(), '+', '-');
  std::replace(out.begin(), out.end(), '/', '_');
  return out;
}

bool pull_fault_is_final(int status, std::string_view message) {
  static constexpr std::string_view kFinal[] = {
      "not found",     "manifest unknown", "name unknown",         "invalid reference",
      "denied",        "unauthorized",     "no basic auth",        "authentication required",
      "must be lower", "does not exist",   "no matching manifest", "HTTP response to HTTPS client"};
  return status == 400 || status == 404 || has_any(message, kFinal);
}

bool start_fault_is_final(int status, std::string_view message) {
  static constexpr std::string_view kFinal[] = {"executable file not found",
                                                "no such file or directory",
                                                "permission denied",
                                                "exec format error",
                                                "not a directory",
                                                "is a directory",
                                                "nvalid",
                                                "nknown capability",
                                                "unable to find user",
                                                "unable to find group",
                                                "no log driver named"};
  return status == 400 || has_any(message, kFinal);
}

void PullReader::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    if (line_.size() < kPullLineMax) line_.append(bytes.substr(0, end));
    if (end == bytes.size()) return;
    bytes.remove_prefix(end + 1);
    take_line();
    line_.clear();
  }
}

void PullReader::take_line() {
  const auto document = json::parse(line_, {.replace_bad_utf8 = true});
  if (!document.ok() || !document->root().is_object()) return;
  const json::Value root = document->root();
  if (const auto error = root.string_or("error", ""); !error.empty()) {
    error_ = shortened(error);
    return;
  }
  const std::string_view status = root.string_or("status", "");
  const std::string_view id = root.string_or("id", "");
  if (id.empty() || status.starts_with("Pulling from")) return;
  auto layer = std::find_if(layers_.begin(), layers_.end(), [&](const Layer& l) { return l.id == id; });
  if (layer == layers_.end()) {
    if (layers_.size() == kPullLayersMax) return;
    layer = layers_.insert(layers_.end(), Layer{std::string(id.substr(0, 64)), 0, 0, false});
  }
  if (status == "Pull complete" || status == "Already exists") {
    layer->complete = true;
    layer->done = layer->total;
  } else if (const auto detail = root.find("progressDetail"); detail && status == "Downloading") {
    layer->done = detail->int64_or("current", layer->done);
    layer->total = detail->int64_or("total", layer->total);
  }
}

std::string PullReader::text() const {
  if (layers_.empty()) return {};
  std::int64_t complete = 0, done = 0, total = 0;
  for (const Layer& layer : layers_) {
    complete += layer.complete ? 1 : 0;
    done += std::clamp<std::int64_t>(layer.done, 0, INT64_C(1) << 45);
    total += std::clamp<std::int64_t>(layer.total, 0, INT64_C(1) << 45);
  }
  std::string out = std::to_string(complete) + " of " + std::to_string(layers_.size()) + " layers";
  if (total > 0)
    out += ", " + std::to_string(done / 1'000'000) + " of " + std::to_string(total / 1'000'000) + " MB";
  return out;
}

std::string_view ContainerState::label(std::string_view name) const {
  for (const auto& [key, value] : labels) {
    if (key == name) return value;
  }
  return {};
}

namespace {

// Which member names the address has changed with the versions; each network has one of its own.
std::string address_of(json::Value root) {
  const auto settings = root.find("NetworkSettings");
  if (!settings) return {};
  if (const auto ip = settings->string_or("IPAddress", ""); !ip.empty()) return std::string(ip);
  const auto networks = settings->find("Networks");
  for (std::size_t i = 0; networks && networks->is_object() && i < networks->size(); ++i) {
    if (const auto ip = networks->at(i).string_or("IPAddress", ""); !ip.empty()) return std::string(ip);
  }
  return {};
}

}  // namespace

Result<ContainerState> parse_container(std::string_view json) {
  const auto document = json::parse(json, {.replace_bad_utf8 = true});
  if (!document.ok()) return document.error();
  const json::Value root = document->root();
  const auto state = root.find("State");
  if (!state || !state->is_object()) return make_error(Code::protocol, "missing required field", "/State");
  ContainerState out;
  out.id = root.string_or("Id", "");
  if (out.id.empty()) return make_error(Code::protocol, "missing required field", "/Id");
  const bool running = state->bool_or("Running", false);
  const std::string_view status = state->string_or("Status", "");
  out.is = running               ? ContainerState::Is::running
           : status == "created" ? ContainerState::Is::created
                                 : ContainerState::Is::exited;
  out.exit_code = static_cast<int>(std::clamp<std::int64_t>(state->int64_or("ExitCode", 0), 0, 255));
  out.oom_killed = state->bool_or("OOMKilled", false);
  out.pid = std::max<std::int64_t>(0, state->int64_or("Pid", 0));
  out.error = shortened(state->string_or("Error", ""));
  out.ip = address_of(root);
  const auto config = root.find("Config");
  out.stop_signal = shortened(config ? config->string_or("StopSignal", "") : "");
  out.user = shortened(config ? config->string_or("User", "") : "");
  const auto labels = config ? config->find("Labels") : std::nullopt;
  for (std::size_t i = 0; labels && labels->is_object() && i < labels->size(); ++i) {
    if (const auto value = labels->at(i).string(); value.ok())
      out.labels.emplace_back(labels->name(i), *value);
  }
  return out;
}

bool remaps_users(std::string_view info_json) {
  const auto document = json::parse(info_json, {.replace_bad_utf8 = true});
  if (!document.ok()) return true;
  const auto options = document->root().find("SecurityOptions");
  for (std::size_t i = 0; options && options->is_array() && i < options->size(); ++i) {
    const auto option = options->at(i).string();
    if (option.ok() &&
        (option->find("name=userns") != option->npos || option->find("name=rootless") != option->npos))
      return true;
  }
  return false;
}

// Blocks of 512 bytes: a head with the size in octal digits at 124 and the type at 156, then the content.
std::string_view file_in_tar(std::string_view tar) {
  constexpr std::size_t kBlock = 512, kSizeAt = 124, kSizeDigits = 11, kTypeAt = 156;
  while (tar.size() >= kBlock && tar[0] != '\0') {
    std::size_t size = 0;
    for (const char c : tar.substr(kSizeAt, kSizeDigits)) {
      if (c < '0' || c > '7') return {};
      size = size * 8 + static_cast<std::size_t>(c - '0');
    }
    const char type = tar[kTypeAt];
    tar.remove_prefix(kBlock);
    if (size > tar.size()) return {};
    if (type == '0' || type == '\0') return tar.substr(0, size);
    const bool describes_next = type == 'x' || type == 'g' || type == 'L' || type == 'K';
    if (!describes_next) return {};  // a link, say
    tar.remove_prefix(std::min(tar.size(), (size + kBlock - 1) / kBlock * kBlock));
  }
  return {};
}

std::string parse_created(std::string_view json) {
  const auto document = json::parse(json, {.replace_bad_utf8 = true});
  return document.ok() ? std::string(document->root().string_or("Id", "")) : std::string();
}

Result<bool> FrameReader::next(std::string_view& input, Piece& piece) {
  while (left_ == 0) {
    const std::size_t take = std::min(sizeof head_ - have_, input.size());
    std::copy_n(input.data(), take, head_ + have_);
    input.remove_prefix(take);
    have_ += take;
    if (have_ < sizeof head_) return false;
    if (head_[0] > 3 || head_[1] != 0 || head_[2] != 0 || head_[3] != 0)
      return make_error(Code::protocol, "the output is not in frames: the container has a terminal");
    left_ = static_cast<std::uint32_t>(head_[4]) << 24 | static_cast<std::uint32_t>(head_[5]) << 16 |
            static_cast<std::uint32_t>(head_[6]) << 8 | head_[7];
    have_ = 0;
    begins_ = true;
  }
  if (input.empty()) return false;
  const std::size_t take = std::min<std::size_t>(left_, input.size());
  piece = {head_[0] >= 2, std::exchange(begins_, false), input.substr(0, take)};
  input.remove_prefix(take);
  left_ -= static_cast<std::uint32_t>(take);
  return true;
}

}  // namespace mimas::executor
