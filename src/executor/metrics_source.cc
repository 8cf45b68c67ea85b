#include "executor/metrics_source.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "executor/cgroup_map.h"

namespace mimas::executor {
namespace {

// Enough for the lines we want of every file but mountinfo: memory.stat of v1 has total_rss within its first
// 2 KiB, v2 has anon in its first line. Of more than 40 block devices the last ones are not counted.
constexpr std::size_t kFileBytesMax = 4'096;
constexpr std::size_t kMountsBytesMax = 256u << 10;
constexpr std::int64_t kNanosPerMs = 1'000'000;
constexpr std::int64_t kMicrosPerMs = 1'000;

std::string read_up_to(const std::string& path, std::size_t bytes_max) {
  std::string text;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return text;
  text.resize(bytes_max);
  std::size_t size = 0;
  while (size < bytes_max) {
    const ssize_t got = ::read(fd, text.data() + size, bytes_max - size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  ::close(fd);
  text.resize(size);
  return text;
}

std::string read_file(const std::string& path) { return read_up_to(path, kFileBytesMax); }

std::string in_folder(const std::string& folder, const char* file) {
  return folder.empty() ? std::string() : read_file(folder + "/" + file);
}

std::int64_t divided(std::int64_t number, std::int64_t by) { return number < 0 ? number : number / by; }

std::string proc(std::int64_t pid, const char* rest) { return "/proc/" + std::to_string(pid) + rest; }

bool is_there(const std::string& folder) {
  struct stat info {};
  return ::stat(folder.c_str(), &info) == 0;
}

// The folder for a controller, if it is the task's own. Of a process that is gone we know ours alone.
std::string folder_of(const Hierarchy* hierarchy, const std::string& wanted) {
  if (hierarchy == nullptr) return {};
  const std::string ending = "/" + wanted;
  if (hierarchy->path.ends_with(ending)) return hierarchy->directory();
  for (std::string folder : {hierarchy->directory() + ending, hierarchy->mount + ending}) {
    if (is_there(folder)) return folder;
  }
  return {};
}

void set_block(Usage& usage, const Transfer& moved) {
  usage.read_bytes = moved.in;
  usage.write_bytes = moved.out;
}

void read_v1(const CgroupFolders& folders, Usage& usage) {
  if (!folders.cpuacct.empty()) {
    usage.cpu_ms = divided(leading_number(in_folder(folders.cpuacct, "cpuacct.usage")), kNanosPerMs);
  }
  if (!folders.cpu.empty()) {
    usage.throttled_ms =
        divided(counter_in(in_folder(folders.cpu, "cpu.stat"), "throttled_time"), kNanosPerMs);
  }
  if (!folders.memory.empty()) {
    usage.memory_bytes = leading_number(in_folder(folders.memory, "memory.usage_in_bytes"));
    usage.rss_bytes = counter_in(in_folder(folders.memory, "memory.stat"), "total_rss");
    usage.peak_bytes = leading_number(in_folder(folders.memory, "memory.max_usage_in_bytes"));
  }
  if (!folders.blkio.empty()) {
    const std::string text = in_folder(folders.blkio, "blkio.throttle.io_service_bytes_recursive");
    if (!text.empty()) set_block(usage, block_transfer(text));
  }
  if (!folders.pids.empty()) usage.processes = leading_number(in_folder(folders.pids, "pids.current"));
}

Usage read_v2(const std::string& folder) {
  Usage usage;
  const std::string cpu = in_folder(folder, "cpu.stat");
  usage.cpu_ms = divided(counter_in(cpu, "usage_usec"), kMicrosPerMs);
  usage.throttled_ms = divided(counter_in(cpu, "throttled_usec"), kMicrosPerMs);
  usage.memory_bytes = leading_number(in_folder(folder, "memory.current"));
  usage.rss_bytes = counter_in(in_folder(folder, "memory.stat"), "anon");
  usage.peak_bytes = leading_number(in_folder(folder, "memory.peak"));
  if (::access((folder + "/io.stat").c_str(), R_OK) == 0) {
    set_block(usage, block_transfer(in_folder(folder, "io.stat")));
  }
  usage.processes = leading_number(in_folder(folder, "pids.current"));
  return usage;
}

// The pids in one `children` file, which lists those of one thread.
void add_children(const std::string& path, std::vector<std::int64_t>& into) {
  const std::string text = read_file(path);
  std::string_view rest = text;
  while (into.size() < kTreeProcessesMax) {
    const std::int64_t pid = leading_number(rest);
    const std::size_t blank = rest.find(' ');
    if (pid <= 0 || blank == std::string_view::npos) return;
    into.push_back(pid);
    rest.remove_prefix(blank + 1);
  }
}

void add_children_of(std::int64_t pid, std::vector<std::int64_t>& into) {
  const std::string folder = proc(pid, "/task");
  DIR* threads = ::opendir(folder.c_str());
  if (threads == nullptr) return;
  while (const dirent* thread = ::readdir(threads)) {
    if (thread->d_name[0] != '.') add_children(folder + "/" + thread->d_name + "/children", into);
  }
  ::closedir(threads);
}

}  // namespace

CgroupFolders find_cgroup(const RunFacts& facts) {
  CgroupFolders found;
  if (facts.cgroup.empty()) return found;
  std::string cgroups = facts.pid > 0 ? read_file(proc(facts.pid, "/cgroup")) : std::string();
  if (cgroups.empty()) cgroups = read_file("/proc/self/cgroup");  // for the hierarchies alone
  const CgroupMap map = parse_cgroup_map(cgroups, read_up_to("/proc/self/mountinfo", kMountsBytesMax));
  const auto v1 = [&](std::string_view controller) {
    const Hierarchy* hierarchy = map.find(controller);
    return hierarchy == nullptr || hierarchy->unified ? std::string() : folder_of(hierarchy, facts.cgroup);
  };
  found.cpuacct = v1("cpuacct");
  found.cpu = v1("cpu");
  found.memory = v1("memory");
  found.blkio = v1("blkio");
  found.pids = v1("pids");
  found.unified = folder_of(map.unified(), facts.cgroup);
  return found;
}

Usage read_cgroup(const CgroupFolders& folders) {
  Usage usage;
  if (!folders.unified.empty()) usage = read_v2(folders.unified);
  read_v1(folders, usage);
  return usage;
}

std::vector<OwnChild> own_children() {
  std::vector<std::int64_t> pids;
  add_children_of(::getpid(), pids);
  std::vector<OwnChild> children;
  children.reserve(pids.size());
  for (const std::int64_t pid : pids) {
    const ProcessStat stat = process_stat(read_file(proc(pid, "/stat")));
    if (stat.pid > 0) children.push_back({pid, stat.session});
  }
  return children;
}

Usage read_tree(std::int64_t leader, const std::vector<OwnChild>& children) {
  Usage sum;
  if (leader <= 0) return sum;
  std::vector<std::int64_t> pids{leader};
  for (const OwnChild& child : children) {
    if (child.session == leader && child.pid != leader) pids.push_back(child.pid);
  }
  std::int64_t ticks = 0, pages = 0, count = 0;
  const auto add_known = [](std::int64_t& to, std::int64_t number) {
    if (number >= 0) to = number + (to < 0 ? 0 : to);
  };
  for (std::size_t i = 0; i < pids.size(); ++i) {
    const ProcessStat stat = process_stat(read_file(proc(pids[i], "/stat")));
    if (stat.pid == 0) continue;
    ticks += stat.ticks;
    pages += stat.rss_pages;
    ++count;
    const std::string io = read_file(proc(pids[i], "/io"));  // of our own user's processes only
    add_known(sum.read_bytes, counter_in(io, "read_bytes:"));
    add_known(sum.write_bytes, counter_in(io, "write_bytes:"));
    add_children_of(pids[i], pids);
  }
  if (count == 0) return sum;
  static const std::int64_t ticks_per_s = ::sysconf(_SC_CLK_TCK);
  static const std::int64_t page_bytes = ::sysconf(_SC_PAGESIZE);
  sum.cpu_ms = ticks * 1'000 / ticks_per_s;
  sum.rss_bytes = pages * page_bytes;
  sum.processes = count;
  return sum;
}

Transfer read_network(std::int64_t pid) {
  return pid > 0 ? network_transfer(read_file(proc(pid, "/net/dev"))) : Transfer{};
}

Usage completed(Usage first, const Usage& second) {
  const auto complete = [&](std::int64_t Usage::*count) {
    if (first.*count < 0) first.*count = second.*count;
  };
  complete(&Usage::cpu_ms);
  complete(&Usage::throttled_ms);
  complete(&Usage::memory_bytes);
  complete(&Usage::rss_bytes);
  complete(&Usage::peak_bytes);
  complete(&Usage::read_bytes);
  complete(&Usage::write_bytes);
  complete(&Usage::net_in_bytes);
  complete(&Usage::net_out_bytes);
  complete(&Usage::processes);
  complete(&Usage::log_bytes);
  return first;
}

}  // namespace mimas::executor
