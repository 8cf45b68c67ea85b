#include "executor/docker_mark.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace mimas::executor {

std::string read_small_file(const std::string& path, std::size_t bytes_max) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  std::string out;
  char buffer[2048];
  for (;;) {
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    out.append(buffer, static_cast<std::size_t>(got));
    if (out.size() > bytes_max) break;
  }
  ::close(fd);
  if (out.size() > bytes_max) out.clear();
  return out;
}

// Through "/proc/./": qemu-user invents what a program reads of itself from /proc/<its pid>/stat, and with a
// start time that is not the kernel's every executor takes its neighbours for dead and removes their
// containers.
std::string process_start_text(std::int64_t pid) {
  const std::string text = read_small_file("/proc/./" + std::to_string(pid) + "/stat", 4096);
  std::size_t at = text.rfind(')');  // the name before it may hold blanks
  if (at == std::string::npos || at + 2 >= text.size()) return {};
  if (text[at + 2] == 'Z' || text[at + 2] == 'X') return {};
  at += 2;
  for (int field = 3; field < 22 && at != std::string::npos; ++field) {
    at = text.find(' ', at);
    if (at != std::string::npos) ++at;
  }
  if (at == std::string::npos) return {};
  return text.substr(at, text.find(' ', at) - at);
}

ExecutorMark own_mark() {
  ExecutorMark out;
  out.pid = ::getpid();
  out.start = process_start_text(out.pid);
  out.boot = read_small_file("/proc/sys/kernel/random/boot_id", 100);
  while (!out.boot.empty() && out.boot.back() == '\n') out.boot.pop_back();
  char link[64];
  const ssize_t size = ::readlink("/proc/self/ns/pid", link, sizeof link);
  out.pid_ns = size > 0 ? std::string(link, static_cast<std::size_t>(size)) : "none";
  return out;
}

Owner owner_of(const ExecutorMark& mark, const ExecutorMark& here, bool docker_is_local) {
  const bool alive = mark.pid > 0 && process_start_text(mark.pid) == mark.start;
  return judge_owner(mark, here, docker_is_local, alive);
}

std::string container_cgroup(std::int64_t pid, std::string_view container_id) {
  if (pid <= 1 || container_id.size() < 12) return {};
  const std::string text = read_small_file("/proc/" + std::to_string(pid) + "/cgroup", 16'384);
  std::string unified;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);  // "4:memory:/docker/…", "0::/system.slice/…"
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t path = line.find(":/");
    if (path == line.npos || line.find(container_id) == line.npos) continue;
    if (line.find(":memory:") != line.npos) return std::string(line.substr(path + 2));
    if (line.find("::") != line.npos) unified = line.substr(path + 2);
  }
  return unified;
}

}  // namespace mimas::executor
