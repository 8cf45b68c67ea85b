#include "server/executors.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include <sys/utsname.h>

#include "model/architecture.h"

namespace mimas::server {
namespace {

constexpr std::uintmax_t kFileBytesMax = 16u << 20;

// FNV-1a: names a version, guards nothing.
std::uint64_t fold(std::uint64_t hash, std::string_view bytes) {
  for (unsigned char byte : bytes) hash = (hash ^ byte) * 0x100000001b3ULL;
  return hash;
}

}  // namespace

std::string Executors::own_architecture() {
  utsname machine{};
  if (::uname(&machine) != 0) return "x86_64";
  return std::string(executor_architecture(machine.machine));
}

Result<Executors> Executors::load(const std::string& directory) {
  Executors loaded;
  std::uint64_t hash = 0xcbf29ce484222325ULL;
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
    hash = fold(fold(hash, arch), bytes);
    loaded.files_.emplace(arch, std::make_shared<const std::string>(std::move(bytes)));
  }
  const std::string own = own_architecture();
  if (loaded.files_.find(own) == loaded.files_.end()) {
    return make_error(Code::not_found, "holds no mimas-executor-" + own, directory,
                      "build the executors with ./scripts/build, or name their directory with --executors");
  }
  std::array<char, 17> hex{};
  std::snprintf(hex.data(), hex.size(), "%016llx", static_cast<unsigned long long>(hash));
  loaded.version_ = hex.data();
  return loaded;
}

std::shared_ptr<const std::string> Executors::find(std::string_view arch) const {
  const auto file = files_.find(executor_architecture(arch));
  return file == files_.end() ? nullptr : file->second;
}

std::vector<std::string> Executors::architectures() const {
  std::vector<std::string> names;
  for (const auto& [arch, bytes] : files_) names.push_back(arch);
  return names;
}

}  // namespace mimas::server
