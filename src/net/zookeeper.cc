#include "net/zookeeper.h"

#include <zookeeper/zookeeper.h>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

namespace mimas::net {
namespace {

Error error_of(int code, const std::string& where) {
  Code kind = Code::unavailable;
  if (code == ZNONODE) kind = Code::not_found;
  if (code == ZNODEEXISTS) kind = Code::conflict;
  if (code == ZNOAUTH || code == ZAUTHFAILED) kind = Code::permission_denied;
  return make_error(kind, std::string("ZooKeeper: ") + zerror(code), where);
}

// What a completion needs; it owns itself between the call and its answer.
template <class Answer>
struct Waiting {
  std::string path;
  std::function<void(Answer)> done;
};

template <class Answer>
std::unique_ptr<Waiting<Answer>> take(const void* data) {
  return std::unique_ptr<Waiting<Answer>>(static_cast<Waiting<Answer>*>(const_cast<void*>(data)));
}

// A call that the client did not take never gets an answer from it.
template <class Answer>
void answer_refused(int code, std::unique_ptr<Waiting<Answer>> waiting) {
  if (code == ZOK) {
    (void)waiting.release();
  } else {
    waiting->done(error_of(code, waiting->path));
  }
}

void quiet(const char*) {}  // states and answers say all that matters

// What a user with a password makes is his alone to change, and everybody's to read, as with Mesos's masters.
const ACL_vector* rights(bool has_user) {
  static char auth[] = "auth";
  static char nobody[] = "";
  static char world[] = "world";
  static char anyone[] = "anyone";
  static ACL entries[] = {{ZOO_PERM_ALL, {auth, nobody}}, {ZOO_PERM_READ, {world, anyone}}};
  static const ACL_vector own{2, entries};
  return has_user ? &own : &ZOO_OPEN_ACL_UNSAFE;
}

}  // namespace

std::optional<std::int32_t> zookeeper_sequence(std::string_view node) {
  const std::size_t underscore = node.rfind('_');
  const std::string_view digits = underscore == std::string_view::npos ? node : node.substr(underscore + 1);
  std::int32_t number = 0;
  const char* const end = digits.data() + digits.size();
  const auto [rest, failure] = std::from_chars(digits.data(), end, number);
  if (digits.empty() || failure != std::errc{} || rest != end) return std::nullopt;
  return number;
}

struct ZooKeeper::Impl {
  Hooks hooks;
  zhandle_t* handle = nullptr;
  bool has_user = false;

  ~Impl() {
    if (handle != nullptr) zookeeper_close(handle);
  }

  static void watch(zhandle_t*, int type, int state, const char*, void* context) {
    auto* const self = static_cast<Impl*>(context);
    if (type == ZOO_CHILD_EVENT || type == ZOO_DELETED_EVENT || type == ZOO_CREATED_EVENT) {
      self->hooks.children_changed();
    } else if (type == ZOO_SESSION_EVENT) {
      if (state == ZOO_CONNECTED_STATE) return self->hooks.state(State::connected);
      if (state == ZOO_EXPIRED_SESSION_STATE) return self->hooks.state(State::expired);
      if (state == ZOO_AUTH_FAILED_STATE) return self->hooks.state(State::refused);
      self->hooks.state(State::disconnected);
    }
  }
};

ZooKeeper::ZooKeeper(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ZooKeeper::~ZooKeeper() = default;

Result<std::unique_ptr<ZooKeeper>> ZooKeeper::open(const wire::ZooKeeperUrl& ensemble,
                                                   std::int64_t session_ms, Hooks hooks) {
  std::string servers;
  for (const wire::Endpoint& server : ensemble.servers)
    servers += (servers.empty() ? "" : ",") + server.text();
  auto impl = std::make_unique<Impl>();
  impl->hooks = std::move(hooks);
  impl->handle = zookeeper_init2(servers.c_str(), &Impl::watch, static_cast<int>(session_ms), nullptr,
                                 impl.get(), 0, &quiet);
  if (impl->handle == nullptr) {
    return make_error(Code::unavailable, std::string("no session with ZooKeeper: ") + std::strerror(errno),
                      servers);
  }
  impl->has_user = !ensemble.digest.empty();
  if (impl->has_user) {
    const int code = zoo_add_auth(impl->handle, "digest", ensemble.digest.data(),
                                  static_cast<int>(ensemble.digest.size()), nullptr, nullptr);
    if (code != ZOK) return error_of(code, servers);
  }
  return std::unique_ptr<ZooKeeper>(new ZooKeeper(std::move(impl)));
}

void ZooKeeper::children(const std::string& path,
                         std::function<void(Result<std::vector<std::string>>)> done) {
  using Answer = Result<std::vector<std::string>>;
  auto waiting = std::make_unique<Waiting<Answer>>(Waiting<Answer>{path, std::move(done)});
  const auto completion = [](int code, const String_vector* names, const void* data) {
    const auto asked = take<Answer>(data);
    if (code != ZOK) return asked->done(error_of(code, asked->path));
    std::vector<std::string> out;
    for (int i = 0; names != nullptr && i < names->count; ++i) out.emplace_back(names->data[i]);
    asked->done(std::move(out));
  };
  const int code = zoo_aget_children(impl_->handle, path.c_str(), 1, completion, waiting.get());
  answer_refused(code, std::move(waiting));
}

void ZooKeeper::data(const std::string& path, std::function<void(Result<std::string>)> done) {
  using Answer = Result<std::string>;
  auto waiting = std::make_unique<Waiting<Answer>>(Waiting<Answer>{path, std::move(done)});
  const auto completion = [](int code, const char* bytes, int size, const Stat*, const void* data) {
    const auto asked = take<Answer>(data);
    if (code != ZOK) return asked->done(error_of(code, asked->path));
    asked->done(bytes == nullptr || size < 0 ? std::string()
                                             : std::string(bytes, static_cast<std::size_t>(size)));
  };
  const int code = zoo_aget(impl_->handle, path.c_str(), 0, completion, waiting.get());
  answer_refused(code, std::move(waiting));
}

void ZooKeeper::create(const std::string& path, std::function<void(Status)> done) {
  auto waiting = std::make_unique<Waiting<Status>>(Waiting<Status>{path, std::move(done)});
  const auto completion = [](int code, const char*, const void* data) {
    const auto asked = take<Status>(data);
    asked->done(code == ZOK ? Status(Done{}) : Status(error_of(code, asked->path)));
  };
  const int code =
      zoo_acreate(impl_->handle, path.c_str(), "", 0, rights(impl_->has_user), 0, completion, waiting.get());
  answer_refused(code, std::move(waiting));
}

void ZooKeeper::create_ephemeral_sequential(const std::string& path, const std::string& bytes,
                                            std::function<void(Result<std::string>)> done) {
  using Answer = Result<std::string>;
  auto waiting = std::make_unique<Waiting<Answer>>(Waiting<Answer>{path, std::move(done)});
  const auto completion = [](int code, const char* name, const void* data) {
    const auto asked = take<Answer>(data);
    if (code != ZOK) return asked->done(error_of(code, asked->path));
    asked->done(std::string(name == nullptr ? "" : name));
  };
  const int code = zoo_acreate(impl_->handle, path.c_str(), bytes.data(), static_cast<int>(bytes.size()),
                               rights(impl_->has_user), ZOO_EPHEMERAL_SEQUENTIAL, completion, waiting.get());
  answer_refused(code, std::move(waiting));
}

}  // namespace mimas::net
