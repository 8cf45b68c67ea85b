#include "server/access.h"

#include <algorithm>
#include <utility>

#include "base/base64.h"
#include "net/clock.h"
#include "server/log.h"
#include "server/password_hash.h"
#include "server/private_file.h"

namespace mimas::server {
namespace {

constexpr std::size_t kHeaderBytesMax = 1'024;  // of Authorization; longer is nobody's

std::string random_text() {
  std::string text;
  for (int i = 0; i < 2; ++i) {
    const RandomBytes bytes = net::random_bytes();
    text.append(bytes.begin(), bytes.end());
  }
  return text;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// "Bearer x" → "x" for the scheme "Bearer", in any case (RFC 9110 §11.1).
std::optional<std::string_view> after_scheme(std::string_view header, std::string_view scheme) {
  const std::size_t blank = header.find(' ');
  if (blank == std::string_view::npos || !wire::equals_ignoring_case(header.substr(0, blank), scheme))
    return std::nullopt;
  return trimmed(header.substr(blank));
}

Result<std::vector<AccessEntry>> read_entries(const std::string& file) {
  const auto text = read_private(file, kAccessFileBytesMax);
  if (!text) return text.error();
  auto entries = parse_access(*text);
  if (entries) return entries;
  Error error = std::move(entries).error();
  error.where = error.where.empty() ? file : file + ": " + error.where;
  return error;
}

Error wait_a_little(const char* why) {
  return make_error(Code::resource_exhausted, why, {},
                    "try again in " + std::to_string(kAuthenticationRetrySecs) + " seconds");
}

}  // namespace

Access::World Access::real_world(std::function<void(const std::string&)> log) {
  return {[] { return net::monotonic_ms(); }, [] { return net::wall_now(); }, secret_matches, std::move(log)};
}

Result<std::unique_ptr<Access>> Access::open(const std::string& file, World world) {
  auto entries = read_entries(file);
  if (!entries) return std::move(entries).error();
  auto decoy = hash_secret(base64_encode(random_text()));
  if (!decoy) return std::move(decoy).error();
  auto access = std::make_unique<Access>(*std::move(entries), *std::move(decoy), std::move(world));
  access->file_ = file;
  return access;
}

Access::Access(std::vector<AccessEntry> entries, std::string decoy_hash, World world)
    : decoy_hash_(std::move(decoy_hash)),
      world_(std::move(world)),
      key_(random_text()),
      table_(index(std::move(entries))) {}

std::shared_ptr<const Access::Table> Access::index(Entries entries) {
  auto table = std::make_shared<Table>();
  table->entries = std::move(entries);
  for (std::size_t i = 0; i < table->entries.size(); ++i) {
    const AccessEntry& entry = table->entries[i];
    if (!entry.token_hash.empty()) table->by_token.emplace(entry.id, i);
    if (!entry.password_hash.empty()) table->by_name.emplace(entry.name, i);
    if (!entry.certificate.empty()) table->by_certificate.emplace(entry.certificate, i);
  }
  return table;
}

std::shared_ptr<const Access::Table> Access::table() {
  const std::lock_guard hold(mutex_);
  return table_;
}

Result<std::size_t> Access::reload() {
  auto entries = read_entries(file_);
  if (!entries) return std::move(entries).error();
  const std::size_t count = entries->size();
  auto fresh = index(*std::move(entries));
  const std::lock_guard hold(mutex_);
  table_ = std::move(fresh);
  verified_.clear();  // what was right for the old file need not be for the new one
  verified_order_.clear();
  return count;
}

bool Access::has_credentials(const http::Request& request) {
  if (!request.header("Authorization").empty()) return true;
  return !request.certificate.empty() && table()->by_certificate.contains(request.certificate);
}

Result<Identity> Access::identify(const http::Request& request) {
  const auto known = table();
  const std::string_view header = request.header("Authorization");
  if (header.empty()) {
    const auto found = known->by_certificate.find(request.certificate);
    if (!request.certificate.empty() && found != known->by_certificate.end())
      return identity_of(known->entries[found->second]);
    return make_error(Code::unauthenticated, "this server wants to know who you are", {},
                      "send Authorization: Bearer with a token of `mimas token new`");
  }
  auto shown = presented(*known, header);
  if (shown) return verify(known, *shown, request.remote);
  // It costs nothing to see that it cannot be right, but it counts.
  const std::lock_guard hold(mutex_);
  if (!attempts_.take(counted_address(request.remote), world_.steady_ms()))
    return wait_a_little("too many wrong credentials from this address");
  return make_error(Code::unauthenticated, "these are no credentials of the schemes Bearer or Basic", {},
                    "a token is the whole line that `mimas token new` prints");
}

std::optional<Access::Presented> Access::presented(const Table& table, std::string_view header) const {
  if (header.size() > kHeaderBytesMax) return std::nullopt;
  const auto entry_of = [&](const auto& by, const std::string& name) {
    const auto found = by.find(name);
    return found == by.end() ? nullptr : &table.entries[found->second];
  };
  if (const auto bearer = after_scheme(header, "Bearer")) {
    auto token = parse_token(*bearer);
    if (!token) return std::nullopt;
    const AccessEntry* entry = entry_of(table.by_token, token->id);
    return Presented{"token " + token->id, token->secret, "t" + token->id + token->secret, entry};
  }
  const auto basic = after_scheme(header, "Basic");
  if (!basic) return std::nullopt;
  const auto pair = base64_decode(*basic);
  if (!pair) return std::nullopt;
  const std::size_t colon = pair->find(':');
  if (colon == std::string::npos) return std::nullopt;
  const std::string name = pair->substr(0, colon);
  return Presented{name, pair->substr(colon + 1), "b" + *pair, entry_of(table.by_name, name)};
}

Result<Identity> Access::verify(const std::shared_ptr<const Table>& table, const Presented& shown,
                                const std::string& remote) {
  const Digest256 digest = hmac_sha256(key_, shown.key);
  if (remembered(table.get(), digest)) return identity_of(*shown.entry);
  const std::string address = counted_address(remote);
  {
    // Taken before it is known, so that a hundred guesses at once are a hundred.
    const std::lock_guard hold(mutex_);
    if (!attempts_.take(address, world_.steady_ms()))
      return wait_a_little("too many wrong credentials from this address");
  }
  const auto give_back = [&] {
    const std::lock_guard hold(mutex_);
    attempts_.give_back(address);
  };
  if (!begin_hash()) {
    give_back();
    return wait_a_little("too many callers are being identified at once");
  }
  bool right = remembered(table.get(), digest);  // somebody with the same credentials was first
  if (!right) {
    const bool token = shown.key.front() == 't';
    const std::string& hash = shown.entry == nullptr ? decoy_hash_
                              : token                ? shown.entry->token_hash
                                                     : shown.entry->password_hash;
    right = world_.matches(shown.secret, hash) && shown.entry != nullptr;
  }
  end_hash();
  if (!right) return wrong(shown.who, remote);
  give_back();
  remember(table.get(), digest);
  return identity_of(*shown.entry);
}

Error Access::wrong(const std::string& who, const std::string& remote) const {
  world_.log("wrong credentials for " + one_line(who, kAccessNameBytesMax) + " from " + remote);
  return make_error(Code::unauthenticated, "these credentials are not known here");
}

// Only whoever has the secret gets to know that it is too late.
Result<Identity> Access::identity_of(const AccessEntry& entry) const {
  if (entry.not_after && world_.wall() >= *entry.not_after)
    return make_error(Code::unauthenticated,
                      "these credentials of " + entry.name + " ended at " + format_rfc3339(*entry.not_after),
                      {}, "ask for new ones");
  return Identity{entry.name, entry.role, entry.apps, entry.grants};
}

bool Access::remembered(const Table* table, const Digest256& digest) {
  const std::lock_guard hold(mutex_);
  const auto found = verified_.find(digest);
  return found != verified_.end() && found->second == table;
}

void Access::remember(const Table* table, const Digest256& digest) {
  const std::lock_guard hold(mutex_);
  if (table != table_.get()) return;  // the file was read anew meanwhile
  if (!verified_.emplace(digest, table).second) return;
  verified_order_.push_back(digest);
  if (verified_order_.size() <= kVerifiedMax) return;
  verified_.erase(verified_order_.front());
  verified_order_.pop_front();
}

bool Access::begin_hash() {
  std::unique_lock hold(mutex_);
  if (hashes_running_ >= kHashesAtOnce) {
    if (hashes_waiting_ >= kHashesWaiting) return false;
    ++hashes_waiting_;
    hash_ended_.wait(hold, [this] { return hashes_running_ < kHashesAtOnce; });
    --hashes_waiting_;
  }
  ++hashes_running_;
  return true;
}

void Access::end_hash() {
  const std::lock_guard hold(mutex_);
  --hashes_running_;
  hash_ended_.notify_one();
}

}  // namespace mimas::server
