#include "server/executors.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include <sys/utsname.h>

#include "base/sha256.h"
#include "model/architecture.h"

namespace mimas::server {
namespace {

constexpr std::uintmax_t kFileBytesMax = 16u << 20;
constexpr std::size_t kVersionDigits = 16;

}  // namespace

std::string Executors::own_architecture() {
  utsname machine{};
  if (::uname(&machine) != 0) return "x86_64";
  return std::string(executor_architecture(machine.machine));
}

Result<Executors> Executors::load(const std::string& directory) {
  Executors loaded;
  Sha256 all;
  for (std::string_view arch : kArchitectures) {
    const std::string path = directory + "/mimas-executor-" + std::string(arch);
    std::error_code failure;
    const std::uintmax_t size = std::filesystem::file_size(path, failure);
    if (failure) continue;
    if (size > kFileBytesMax)
      return make_error(Code::too_large, "is larger than 16 MiB: not an executor", path);
    std::ifstream file(path, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (!file || bytes.size() != size) return make_error(Code::io, "cannot be read", path);
    const std::string sum = hex(mimas::sha256(bytes));
    all.add(std::string(arch) + " " + sum + "\n");
    loaded.files_.emplace(arch, std::make_shared<const ExecutorFile>(ExecutorFile{std::move(bytes), sum}));
  }
  const std::string own = own_architecture();
  if (loaded.files_.find(own) == loaded.files_.end()) {
    return make_error(Code::not_found, "holds no mimas-executor-" + own, directory,
                      "build the executors with ./scripts/build, or name their directory with --executors");
  }
  loaded.version_ = hex(all.finish()).substr(0, kVersionDigits);
  return loaded;
}

std::shared_ptr<const ExecutorFile> Executors::find(std::string_view arch) const {
  const auto file = files_.find(executor_architecture(arch));
  return file == files_.end() ? nullptr : file->second;
}

std::map<std::string, std::string> Executors::sha256() const {
  std::map<std::string, std::string> sums;
  for (const auto& [arch, file] : files_) sums.emplace(arch, file->sha256);
  return sums;
}

std::vector<std::string> Executors::architectures() const {
  std::vector<std::string> names;
  for (const auto& [arch, bytes] : files_) names.push_back(arch);
  return names;
}

}  // namespace mimas::server
