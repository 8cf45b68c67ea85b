#include "server/secrets.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "model/secret.h"
#include "server/private_file.h"

namespace mimas::server {

Result<Secrets> Secrets::open(std::string directory) {
  struct stat about {};
  if (::stat(directory.c_str(), &about) != 0)
    return make_error(Code::invalid_argument, std::string("cannot be used: ") + std::strerror(errno),
                      directory);
  if (!S_ISDIR(about.st_mode)) return make_error(Code::invalid_argument, "is not a directory", directory);
  if ((about.st_mode & (S_IWGRP | S_IRWXO)) != 0) {
    return make_error(Code::permission_denied, "others than its owner may look into it or write there",
                      directory, "chmod 700 " + directory);
  }
  Secrets secrets;
  secrets.directory_ = std::move(directory);
  return secrets;
}

Result<std::string> Secrets::read(const std::string& name) const {
  const auto missing = [&](std::string why, std::string hint) {
    return make_error(Code::not_found, "secret " + name + " " + std::move(why), {}, std::move(hint));
  };
  if (!is_secret_name(name)) return missing("has a name that no secret has", {});
  if (!any()) return missing("is not here: this server has none", "whoever runs it gives it --secrets DIR");
  const std::string path = directory_ + "/" + name;
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0 && (errno == ENOENT || errno == ENOTDIR))
    return missing("is not there",
                   "whoever runs the server puts a file of this name into its --secrets directory");
  auto text = read_private(path, kSecretValueBytesMax + 1);
  if (!text) return missing("cannot be used: " + text.error().message, text.error().hint);
  if (text->ends_with('\n')) text->pop_back();
  if (text->size() > kSecretValueBytesMax)
    return missing("is larger than " + std::to_string(kSecretValueBytesMax) + " bytes", {});
  if (text->find('\0') != std::string::npos)
    return missing("holds a byte 0, which no variable can hold", "encode it, as base64 does");
  return text;
}

}  // namespace mimas::server
