#include "mesos/executor_command.h"

#include <vector>

#include "model/architecture.h"
#include "wire/endpoint.h"

namespace mimas::mesos {
namespace {

constexpr std::string_view kFile = "mimas-executor";

std::string quoted(std::string_view word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=,./:@%+";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos) return std::string(word);
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

// Nothing here may need more than what every /bin/sh has built in, and one program that tells a SHA-256 as
// its first word. Who cannot tell is passed over; the first one who can decides.
std::string checked_start(const std::string& sha256, const std::vector<std::string>& arguments) {
  const std::string file = "./" + std::string(kFile);
  std::string line =
      "for t in sha256sum 'busybox sha256sum' 'openssl dgst -sha256 -r' 'shasum -a 256'; do s=$($t " + file +
      " 2>/dev/null) || continue; case $s in " + sha256 + "*) exec " + file;
  for (const std::string& argument : arguments) line += " " + quoted(argument);
  line +=
      ";; ?*) echo \"mimas-executor: the file that was fetched is not what the server serves (SHA-256 "
      "${s%% *}, wanted " +
      sha256 + "); it is not started\" >&2; exit " + std::to_string(kWrongFileStatus) +
      ";; esac; done; echo 'mimas-executor: the file that was fetched cannot be checked: this agent has no "
      "sha256sum (coreutils or busybox), openssl or shasum; it is not started' >&2; exit " +
      std::to_string(kUncheckedStatus);
  return line;
}

void set_direct(const std::string& path, const std::vector<std::string>& arguments,
                pb::CommandInfo& command) {
  command.set_shell(false);
  command.set_value(path);
  command.add_arguments(std::string(kFile));  // argv[0]
  for (const std::string& argument : arguments) command.add_arguments(argument);
}

Status set_fetched(const std::string& arch, const LaunchOptions& options,
                   const std::vector<std::string>& arguments, pb::CommandInfo& command) {
  const auto sum = options.executor_sha256.find(arch);
  if (sum != options.executor_sha256.end()) {
    command.set_shell(true);
    command.set_value(checked_start(sum->second, arguments));
  } else if (options.executor_sha256.empty()) {
    set_direct("./" + std::string(kFile), arguments, command);
  } else {  // whatever comes from that address, it is nothing that we serve
    return make_error(Code::unsupported, "this server has no executor for " + arch, {},
                      "build it with ./scripts/build-executors, or install it on the agent");
  }
  pb::CommandInfo::URI* uri = command.add_uris();
  uri->set_value(options.executor_base_url + "/executor/" + arch +
                 "?version=" + wire::percent_encode(options.executor_version));
  uri->set_executable(true);
  uri->set_extract(false);
  uri->set_cache(true);
  uri->set_output_file(std::string(kFile));
  return Done{};
}

std::string text_of(const Attributes& attributes, std::string_view name) {
  const auto found = attributes.find(std::string(name));
  return found == attributes.end() ? std::string() : found->second;
}

}  // namespace

std::string executor_arch(const Attributes& attributes, std::string_view default_arch) {
  const auto found = attributes.find("arch");
  if (found == attributes.end()) return std::string(default_arch);
  return std::string(executor_architecture(found->second));
}

Result<pb::CommandInfo> executor_command(const Attributes& attributes, const LaunchOptions& options,
                                         bool shared) {
  pb::CommandInfo command;
  std::vector<std::string> arguments = options.executor_arguments;
  if (shared) arguments.emplace_back("--shared");
  const std::string installed = text_of(attributes, kInstalledAttribute);
  if (!installed.empty()) {
    if (!installed.starts_with('/')) {
      return make_error(Code::invalid_argument,
                        "the agent's attribute mimas_executor:" + installed + " is not an absolute path");
    }
    set_direct(installed, arguments, command);
    return command;
  }
  const std::string arch = executor_arch(attributes, options.default_arch);
  if (arch.empty()) {
    return make_error(Code::unsupported,
                      "there is no executor for the agent's attribute arch:" + text_of(attributes, "arch") +
                          "; known are x86_64, arm64, armhf, armel");
  }
  if (const Status set = set_fetched(arch, options, arguments, command); !set.ok()) return set.error();
  return command;
}

}  // namespace mimas::mesos
