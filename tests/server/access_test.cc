// Who sends a request: by values, with a hash that counts how often it is asked and clocks cranked by hand.
#include "server/access.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "base/base64.h"
#include "server/password_hash.h"

using namespace mimas;
using namespace mimas::server;

namespace {

struct Setting {
  std::int64_t now_ms = 0;
  Instant wall{1'000'000};
  int hashes = 0;
  std::string hashed;  // the hash asked about last
  std::vector<std::string> lines;

  Access::World world() {
    return {[this] { return now_ms; }, [this] { return wall; },
            [this](std::string_view secret, const std::string& hash) {
              ++hashes;
              hashed = hash;
              return hash == "hash of " + std::string(secret);
            },
            [this](const std::string& line) { lines.push_back(line); }};
  }
};

const Token kToken{"0123456789ab", std::string(64, 'a')};

std::vector<AccessEntry> entries() {
  AccessEntry ci{"ci", Role::operator_,   {"shop"}, kToken.id, "hash of " + kToken.secret, "",
                 "",   Instant{2'000'000}};
  AccessEntry ann{"ann", Role::admin, {}, "", "", "hash of sword:fish", "", {}};
  AccessEntry gate{"gate", Role::viewer, {}, "", "", "", "gate.example.org", {}};
  return {ci, ann, gate};
}

http::Request with(const std::string& authorization, const std::string& remote = "10.0.0.1") {
  http::Request request;
  if (!authorization.empty()) request.headers.push_back({"Authorization", authorization});
  request.remote = remote;
  return request;
}
std::string basic(const std::string& pair) { return "Basic " + base64_encode(pair); }

Code refusal(Access& access, const http::Request& request) {
  const auto who = access.identify(request);
  REQUIRE_FALSE(who.ok());
  return who.error().code;
}

}  // namespace

TEST_CASE("a token, a password and a certificate each say who it is") {
  Setting setting;
  Access access(entries(), "decoy", setting.world());
  const auto ci = access.identify(with("Bearer " + kToken.text()));
  REQUIRE(ci.ok());
  CHECK(ci->name == "ci");
  CHECK(ci->role == Role::operator_);
  CHECK(ci->apps == std::vector<std::string>{"shop"});
  CHECK(access.identify(with("bearer  " + kToken.text() + " "))->name == "ci");
  const auto ann = access.identify(with(basic("ann:sword:fish")));  // a password may hold colons
  REQUIRE(ann.ok());
  CHECK(ann->role == Role::admin);
  http::Request certified = with("");
  certified.certificate = "gate.example.org";
  CHECK(access.identify(certified)->name == "gate");
  CHECK(access.has_credentials(certified));
  certified.certificate = "other.example.org";
  CHECK_FALSE(access.has_credentials(certified));
  CHECK(refusal(access, certified) == Code::unauthenticated);
  CHECK_FALSE(access.has_credentials(with("")));
  CHECK(refusal(access, with("")) == Code::unauthenticated);
}

TEST_CASE("what was said counts more than the certificate") {
  Setting setting;
  Access access(entries(), "decoy", setting.world());
  http::Request both = with("Bearer " + kToken.text());
  both.certificate = "gate.example.org";
  CHECK(access.identify(both)->name == "ci");
  both.headers.front().value = "Bearer nonsense";
  CHECK(refusal(access, both) == Code::unauthenticated);
}

TEST_CASE("who was right once costs no further hash; who is wrong pays every time") {
  Setting setting;
  Access access(entries(), "decoy", setting.world());
  for (int i = 0; i < 100; ++i) CHECK(access.identify(with("Bearer " + kToken.text())).ok());
  CHECK(setting.hashes == 1);
  CHECK(access.identify(with(basic("ann:sword:fish"))).ok());
  CHECK(setting.hashes == 2);
  CHECK(refusal(access, with(basic("ann:swordfish"))) == Code::unauthenticated);
  CHECK(refusal(access, with(basic("ann:swordfish"))) ==
        Code::unauthenticated);  // what is wrong is not remembered
  CHECK(setting.hashes == 4);
}

TEST_CASE("an unknown name costs the same hash as a wrong secret, and neither says which it was") {
  Setting setting;
  Access access(entries(), "decoy", setting.world());
  const Token unknown{"ba9876543210", kToken.secret};
  const auto answer = [&](const std::string& authorization) {
    const int before = setting.hashes;
    const auto who = access.identify(with(authorization));
    REQUIRE_FALSE(who.ok());
    CHECK(setting.hashes == before + 1);
    return who.error();
  };
  const Error wrong = answer(basic("ann:x"));
  CHECK(answer(basic("bob:x")) == wrong);
  CHECK(setting.hashed == "decoy");
  CHECK(answer(basic("ci:x")) == wrong);  // known, but by a token alone
  CHECK(setting.hashed == "decoy");
  CHECK(answer("Bearer " + unknown.text()) == wrong);
  CHECK(answer("Bearer " + Token{kToken.id, std::string(64, 'b')}.text()) == wrong);
  CHECK(answer(basic("gate:")) == wrong);
}

TEST_CASE("what matches the decoy is nobody") {
  Setting setting;
  Access access(entries(), "hash of decoy", setting.world());
  CHECK(refusal(access, with(basic("bob:decoy"))) == Code::unauthenticated);
}

TEST_CASE("credentials end at their instant, remembered or not") {
  Setting setting;
  Access access(entries(), "decoy", setting.world());
  setting.wall = Instant{1'999'999};
  CHECK(access.identify(with("Bearer " + kToken.text())).ok());
  setting.wall = Instant{2'000'000};
  const auto late = access.identify(with("Bearer " + kToken.text()));
  REQUIRE_FALSE(late.ok());
  CHECK(late.error().code == Code::unauthenticated);
  CHECK(late.error().message.find("ci ended at") != std::string::npos);
}

TEST_CASE("an address that was wrong too often has to wait; others do not, nor do those who are remembered") {
  Setting setting;
  Access access(entries(), "decoy", setting.world());
  CHECK(access.identify(with("Bearer " + kToken.text())).ok());
  for (int i = 0; i < kAttempts; ++i) CHECK(refusal(access, with(basic("ann:x"))) == Code::unauthenticated);
  const int hashes = setting.hashes;
  CHECK(refusal(access, with(basic("ann:x"))) == Code::resource_exhausted);
  CHECK(refusal(access, with(basic("ann:sword:fish"))) == Code::resource_exhausted);
  CHECK(refusal(access, with("Digest x")) == Code::resource_exhausted);
  CHECK(setting.hashes == hashes);
  CHECK(access.identify(with("Bearer " + kToken.text())).ok());
  CHECK(access.identify(with(basic("ann:sword:fish"), "10.0.0.2")).ok());
  setting.now_ms = kAttemptBackMs;
  CHECK(access.identify(with(basic("ann:sword:fish"))).ok());
}

TEST_CASE("what is no credentials at all is refused without a hash, and counts") {
  Setting setting;
  Access access(entries(), "decoy", setting.world());
  int asked = 0;
  for (const std::string& odd : {std::string("Bearer"), std::string("Bearer x"), std::string("Basic !!"),
                                 "Basic " + base64_encode("no colon"), std::string("Digest username=ann"),
                                 "Bearer " + std::string(100'000, 'a'), std::string(" ")}) {
    CHECK(refusal(access, with(odd)) == Code::unauthenticated);
    ++asked;
  }
  CHECK(setting.hashes == 0);
  for (; asked < kAttempts; ++asked) refusal(access, with("Digest"));
  CHECK(refusal(access, with("Digest")) == Code::resource_exhausted);
}

TEST_CASE("the log names who was wrong and never what was sent") {
  Setting setting;
  Access access(entries(), "decoy", setting.world());
  refusal(access, with(basic("ann\nx y:topsecret")));
  refusal(access, with("Bearer " + Token{kToken.id, std::string(64, 'b')}.text()));
  REQUIRE(setting.lines.size() == 2);
  CHECK(setting.lines[0] == "wrong credentials for ann\\x0ax\\x20y from 10.0.0.1");
  CHECK(setting.lines[1] == "wrong credentials for token\\x200123456789ab from 10.0.0.1");
}

TEST_CASE("so many hashes at once and no more") {
  std::mutex mutex;
  std::condition_variable changed;
  bool go = false;
  int inside = 0, most = 0;
  Setting setting;
  Access::World world = setting.world();
  world.matches = [&](std::string_view, const std::string&) {
    std::unique_lock hold(mutex);
    most = std::max(most, ++inside);
    changed.notify_all();
    changed.wait(hold, [&] { return go; });
    --inside;
    return false;
  };
  Access access(entries(), "decoy", std::move(world));
  std::atomic<int> refused{0}, turned_away{0};
  std::vector<std::thread> callers;
  constexpr int kCallers = kHashesAtOnce + kHashesWaiting + 5;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&, i] {
      const auto who = access.identify(with(basic("ann:x"), "10.0.1." + std::to_string(i)));
      if (who.ok()) return;
      (who.error().code == Code::resource_exhausted ? turned_away : refused) += 1;
      changed.notify_all();
    });
  }
  {
    // Nobody gets on until every one beyond the bound has been turned away.
    std::unique_lock hold(mutex);
    while (turned_away < 5) changed.wait_for(hold, std::chrono::milliseconds(5));
    CHECK(inside == kHashesAtOnce);
    go = true;
  }
  changed.notify_all();
  for (std::thread& caller : callers) caller.join();
  CHECK(most == kHashesAtOnce);
  CHECK(turned_away == 5);
  CHECK(refused == kHashesAtOnce + kHashesWaiting);
}

TEST_CASE("the file is read anew, and a bad one changes nothing") {
  char name[] = "/tmp/mimas-access-XXXXXX";
  REQUIRE(::mkdtemp(name) != nullptr);
  const std::string file = std::string(name) + "/credentials";
  const std::string hash = hash_secret("swordfish").value();
  const auto put = [&](const std::string& text) {
    std::ofstream(file, std::ios::trunc) << text;
    ::chmod(file.c_str(), 0600);
  };
  const auto one = [&](const std::string& role) {
    return R"({"credentials": [{"name": "ann", "role": ")" + role + R"(", "passwordHash": ")" + hash +
           "\"}]}";
  };
  Setting setting;
  CHECK_FALSE(Access::open(file, Access::real_world([](const std::string&) {})).ok());
  put(one("viewer"));
  auto opened = Access::open(file, Access::real_world([](const std::string&) {}));
  REQUIRE(opened.ok());
  Access& access = **opened;
  CHECK(access.identify(with(basic("ann:swordfish")))->role == Role::viewer);
  CHECK(refusal(access, with(basic("ann:shark"))) == Code::unauthenticated);
  put(one("admin"));
  CHECK(access.identify(with(basic("ann:swordfish")))->role == Role::viewer);
  CHECK(access.reload().value() == 1);
  CHECK(access.identify(with(basic("ann:swordfish")))->role == Role::admin);
  put("{");
  const auto bad = access.reload();
  REQUIRE_FALSE(bad.ok());
  CHECK(bad.error().where.starts_with(file));
  CHECK(access.identify(with(basic("ann:swordfish")))->role == Role::admin);
  std::error_code ignored;
  std::filesystem::remove_all(name, ignored);
}
