#include "cli/credentials_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "json/value.h"

namespace mimas::cli {
namespace {

constexpr std::size_t kFileBytesMax = 1u << 20;
constexpr std::size_t kPairsMax = 1'000;

using Pairs = std::vector<wire::Credentials>;

Status add(Pairs& pairs, wire::Credentials one) {
  if (Status fine = wire::check_credentials(one); !fine) {
    Error error = std::move(fine).error();
    error.where = "pair " + std::to_string(pairs.size() + 1);
    return error;
  }
  const bool known = std::any_of(pairs.begin(), pairs.end(), [&](const wire::Credentials& other) {
    return other.principal == one.principal;
  });
  if (known)
    return make_error(Code::invalid_argument, "principal '" + one.principal + "' stands there twice");
  if (pairs.size() >= kPairsMax) return make_error(Code::too_large, "more than 1000 pairs");
  pairs.push_back(std::move(one));
  return Done{};
}

Status add_object(Pairs& pairs, const json::Value& object) {
  const auto text = [&](const char* name) -> Result<std::string_view> {
    const auto member = object.member(name);
    return member ? member->string() : Result<std::string_view>(member.error());
  };
  const auto principal = text("principal");
  if (!principal) return principal.error();
  const auto secret = text("secret");
  if (!secret) return secret.error();
  return add(pairs, {std::string(*principal), std::string(*secret)});
}

Result<Pairs> parse_json(std::string_view text) {
  const auto document = json::parse(text);
  if (!document) return make_error(Code::invalid_argument, "it is not JSON");  // its text may quote a secret
  Pairs pairs;
  const json::Value root = document->root();
  const auto list = root.find("credentials");
  if (!list) {
    if (Status added = add_object(pairs, root); !added) return std::move(added).error();
    return pairs;
  }
  const auto array = list->array();
  if (!array) return array.error();
  for (std::size_t i = 0; i < array->size(); ++i) {
    if (Status added = add_object(pairs, array->at(i)); !added) return std::move(added).error();
  }
  return pairs;
}

Result<Pairs> parse_lines(std::string_view text) {
  Pairs pairs;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    const std::size_t blank = line.find_first_of(" \t");
    const std::size_t secret = line.find_first_not_of(" \t", blank);
    if (blank == 0 || secret == std::string_view::npos) {
      return make_error(Code::invalid_argument,
                        "line " + std::to_string(number) + " is not 'principal secret'");
    }
    if (Status added = add(pairs, {std::string(line.substr(0, blank)), std::string(line.substr(secret))});
        !added)
      return std::move(added).error();
  }
  return pairs;
}

class File {
 public:
  explicit File(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

Error cannot_read(const std::string& path) {
  return make_error(Code::invalid_argument, std::string("cannot be read: ") + std::strerror(errno), path);
}

}  // namespace

Result<Pairs> parse_credentials(std::string_view text) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return make_error(Code::invalid_argument, "it holds no credentials");
  auto pairs = text[start] == '{' ? parse_json(text) : parse_lines(text);
  if (pairs && pairs->empty()) return make_error(Code::invalid_argument, "it holds no credentials");
  return pairs;
}

Result<Pairs> read_credentials(const std::string& path, bool others_may_read) {
  const File file(path);
  struct stat about {};
  if (file.fd() < 0 || ::fstat(file.fd(), &about) != 0) return cannot_read(path);
  if (!S_ISREG(about.st_mode)) return make_error(Code::invalid_argument, "is not a file", path);
  if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0 && !others_may_read) {
    return make_error(Code::permission_denied, "others than its owner may read or write it", path,
                      "chmod 600 " + path);
  }
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(file.fd(), buffer, sizeof buffer)) != 0;) {
    if (got < 0) return cannot_read(path);
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > kFileBytesMax) return make_error(Code::too_large, "has more than 1 MiB", path);
  }
  auto pairs = parse_credentials(text);
  if (pairs) return pairs;
  Error error = std::move(pairs).error();
  error.where = error.where.empty() ? path : path + ", " + error.where;
  return error;
}

}  // namespace mimas::cli
