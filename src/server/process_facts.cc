#include "server/process_facts.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace mimas::server {
namespace {

double open_descriptors() {
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  double count = -3;  // ".", ".." and the one that reads
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

}  // namespace

// proc(5): behind the name, which may hold anything, in brackets, come the state (3rd field) and numbers.
std::optional<ProcessFacts> process_facts() {
  std::ifstream file("/proc/self/stat");
  std::string text;
  std::getline(file, text);
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 2));
  std::string skipped;
  double user = 0, system = 0, threads = 0, size = 0, pages = 0;
  const auto skip = [&](int count) {
    for (int i = 0; i < count; ++i) fields >> skipped;
  };
  skip(11);                  // 3 to 13
  fields >> user >> system;  // 14, 15
  skip(4);                   // 16 to 19
  fields >> threads;         // 20
  skip(2);                   // 21, 22
  fields >> size >> pages;   // 23, 24
  if (!fields) return std::nullopt;
  ProcessFacts facts;
  facts.cpu_secs = (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  facts.virtual_bytes = size;
  facts.resident_bytes = pages * static_cast<double>(::sysconf(_SC_PAGESIZE));
  facts.threads = threads;
  facts.descriptors = open_descriptors();
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) facts.descriptors_max = static_cast<double>(limit.rlim_cur);
  return facts;
}

}  // namespace mimas::server
