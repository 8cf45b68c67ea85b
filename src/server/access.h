// Who sends a request, by the credentials file: a bearer token, HTTP Basic, or the certificate of a TLS
// client. A password hash takes tens of milliseconds on purpose, so
// - whoever was right once is remembered (kVerifiedMax, under a digest keyed anew by every process);
// - kHashesAtOnce run at a time and kHashesWaiting wait; more are answered 429;
// - an address may be wrong kAttempts times (server/attempts.h). Those who are remembered are not held up by
//   what others do at the same address;
// - an unknown name costs the same hash as a wrong secret, so that names cannot be found out by the clock.
// The file is read again on reload(); a bad one changes nothing. Thread-safe. Tested in
// tests/server/access_test.cc.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "server/access_file.h"
#include "server/attempts.h"
#include "server/call.h"

namespace mimas::server {

inline constexpr std::size_t kVerifiedMax = 1'024;
inline constexpr int kHashesAtOnce = 2;
inline constexpr int kHashesWaiting = 16;

class Access {
 public:
  // What it needs of the world; tests have their own.
  struct World {
    std::function<std::int64_t()> steady_ms;
    std::function<Instant()> wall;
    std::function<bool(std::string_view secret, const std::string& hash)> matches;
    std::function<void(const std::string& line)> log;
  };
  static World real_world(std::function<void(const std::string&)> log);

  // Errors: those of the file; `where` names it.
  static Result<std::unique_ptr<Access>> open(const std::string& file, World world);

  Access(std::vector<AccessEntry> entries, std::string decoy_hash, World world);

  // Errors: unauthenticated; resource_exhausted when the address or the server has to wait
  // (kAuthenticationRetrySecs).
  Result<Identity> identify(const http::Request& request);
  // Whether the request says who it is: a header, or a certificate that has an entry.
  bool has_credentials(const http::Request& request);

  Result<std::size_t> reload();  // how many entries there are now

 private:
  using Entries = std::vector<AccessEntry>;
  struct Table {
    Entries entries;
    std::map<std::string, std::size_t, std::less<>> by_token, by_name, by_certificate;
  };
  struct Presented {
    std::string who;     // for the log: a token's id or a name, as it came
    std::string secret;  // what is hashed
    std::string key;     // what is remembered; never in the clear
    const AccessEntry* entry = nullptr;
  };
  static std::shared_ptr<const Table> index(Entries entries);
  std::shared_ptr<const Table> table();
  std::optional<Presented> presented(const Table& table, std::string_view header) const;
  Result<Identity> verify(const std::shared_ptr<const Table>& table, const Presented& shown,
                          const std::string& remote);
  Result<Identity> identity_of(const AccessEntry& entry) const;
  Error wrong(const std::string& who, const std::string& remote) const;
  bool remembered(const Table* table, const Digest256& digest);
  void remember(const Table* table, const Digest256& digest);
  bool begin_hash();
  void end_hash();

  std::string file_;
  const std::string decoy_hash_;  // of a secret that nobody has
  const World world_;
  const std::string key_;  // of the digests

  std::mutex mutex_;
  std::shared_ptr<const Table> table_;
  Attempts attempts_;
  std::map<Digest256, const Table*> verified_;  // by which table
  std::deque<Digest256> verified_order_;        // the oldest is forgotten first
  std::condition_variable hash_ended_;
  int hashes_running_ = 0, hashes_waiting_ = 0;
};

}  // namespace mimas::server
