// The credentials file: its text, its hashes, and how it is kept.
#include "server/access_file.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "server/password_hash.h"
#include "server/private_file.h"

using namespace mimas;
using namespace mimas::server;

namespace {

// Of the secret "x".
const std::string& hash() {
  static const std::string made = hash_secret("x").value();
  return made;
}

std::string file_of(const std::string& entries) { return R"({"credentials": [)" + entries + "]}"; }
std::string ann(const std::string& more = "") {
  return R"({"name": "ann", "role": "admin", "passwordHash": ")" + hash() + "\"" + more + "}";
}

Error refusal(const std::string& text) {
  const auto parsed = parse_access(text);
  REQUIRE_FALSE(parsed.ok());
  CHECK(parsed.error().text().find(hash()) == std::string::npos);
  return parsed.error();
}

struct Folder {
  Folder() {
    char name[] = "/tmp/mimas-access-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string put(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    const std::string file = path + "/" + name;
    std::ofstream(file) << text;
    ::chmod(file.c_str(), mode);
    return file;
  }
  std::string path;
};

mode_t mode_of(const std::string& file) {
  struct stat about {};
  REQUIRE(::stat(file.c_str(), &about) == 0);
  return about.st_mode & 07777;
}

}  // namespace

TEST_CASE("entries are read with all they may have, and rendering them gives them back") {
  const auto entries = parse_access(file_of(
      ann() +
      R"(, {"name": "ci", "role": "operator", "apps": ["shop", "web"], "id": "0123456789ab", "tokenHash": ")" +
      hash() + R"(", "notAfter": "2027-01-31T00:00:00Z"},
      {"name": "gate", "role": "viewer", "certificate": "gate.example.org"})"));
  REQUIRE(entries.ok());
  REQUIRE(entries->size() == 3);
  CHECK((*entries)[0].name == "ann");
  CHECK((*entries)[0].role == Role::admin);
  CHECK((*entries)[0].apps.empty());
  CHECK((*entries)[1].apps == std::vector<std::string>{"shop", "web"});
  CHECK((*entries)[1].not_after == parse_rfc3339("2027-01-31T00:00:00Z"));
  CHECK((*entries)[2].certificate == "gate.example.org");
  CHECK(parse_access(render_access(*entries)).value() == *entries);
  CHECK((*entries)[1].grants == api::Grants{});
  const auto limited = parse_access(
      file_of(ann(R"(, "groups": ["a"], "secrets": [], "priorityMax": 0, "production": false)")));
  REQUIRE(limited.ok());
  CHECK((*limited)[0].grants == api::Grants{{{"a"}}, std::vector<std::string>{}, 0, false});
  CHECK(parse_access(render_access(*limited)).value() == *limited);
}

TEST_CASE("what is wrong is named with its entry, and gives nobody anything") {
  CHECK(refusal("").code == Code::invalid_argument);
  CHECK(refusal("[]").text().find("object") != std::string::npos);
  CHECK(refusal("{}").text().find("credentials") != std::string::npos);
  CHECK(parse_access(file_of(""))->empty());  // nobody, and not everybody
  CHECK(refusal(file_of(ann() + "," + ann())).where == "entry 2 (ann), name");
  CHECK(refusal(file_of(ann(R"(, "app": ["shop"])"))).where == "entry 1, app");
  CHECK(refusal(file_of(ann(R"(, "apps": [])"))).where == "entry 1, apps");
  CHECK(refusal(file_of(ann(R"(, "priorityMax": 101)"))).where == "entry 1, priorityMax");
  CHECK(refusal(file_of(ann(R"(, "groups": [""])"))).where == "entry 1, groups");
  CHECK(refusal(file_of(ann(R"(, "production": "yes")"))).message.find("expected") != std::string::npos);
  CHECK(refusal(file_of(ann(R"(, "apps": [1])"))).message.find("expected a string") != std::string::npos);
  CHECK(refusal(file_of(ann(R"(, "role": "viewer")"))).message == "stands there twice");
  CHECK(refusal(file_of(ann(R"(, "notAfter": "tomorrow")"))).where == "entry 1, notAfter");
  CHECK(refusal(file_of(ann(R"(, "id": "0123456789ab")"))).where == "entry 1, id");
  CHECK(refusal(file_of(R"({"name": "a", "role": "root", "certificate": "c"})")).where == "entry 1, role");
  CHECK(refusal(file_of(R"({"name": "a", "role": "none", "certificate": "c"})")).where == "entry 1, role");
  CHECK(refusal(file_of(R"({"name": "a", "certificate": "c"})")).where == "entry 1, role");
  CHECK(refusal(file_of(R"({"name": "a b", "role": "admin", "certificate": "c"})")).where == "entry 1, name");
  CHECK(refusal(file_of(R"({"name": "a", "role": "admin"})")).where == "entry 1");
  CHECK(refusal(file_of(R"({"name": "a", "role": "admin", "passwordHash": "swordfish"})")).where ==
        "entry 1, passwordHash");
  // DES and MD5 are hashes that anybody can undo.
  for (const char* weak : {"rqXexS6ZhobKA", "$1$abcdefgh$G//4keteveJp0qb8z2DxG/", "$y$", "*", "$y$j9T$"}) {
    CAPTURE(weak);
    CHECK(refusal(file_of(R"({"name": "a", "role": "admin", "passwordHash": ")" + std::string(weak) + "\"}"))
              .where == "entry 1, passwordHash");
  }
}

TEST_CASE("bounds: one below is taken, one above is not") {
  const auto many = [](std::size_t count) {
    std::string entries;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string n = std::to_string(i);
      entries += (i == 0 ? "" : ",") +
                 (R"({"name": "n)" + n + R"(", "role": "viewer", "certificate": "c)" + n + "\"}");
    }
    return file_of(entries);
  };
  CHECK(parse_access(many(kAccessEntriesMax)).ok());
  CHECK(refusal(many(kAccessEntriesMax + 1)).code == Code::too_large);
  AccessEntry entry{std::string(kAccessNameBytesMax, 'n'), Role::viewer, {}, "", "", "", "c", {}};
  CHECK(check_entry(entry).ok());
  entry.name += 'n';
  CHECK_FALSE(check_entry(entry).ok());
  entry.name = "n";
  entry.apps.assign(kAccessAppsMax, std::string(kAppNameBytesMax, 'a'));
  CHECK(check_entry(entry).ok());
  entry.apps.push_back("a");
  CHECK_FALSE(check_entry(entry).ok());
  entry.apps = {std::string(kAppNameBytesMax + 1, 'a')};
  CHECK_FALSE(check_entry(entry).ok());
}

TEST_CASE("a token is its own text, and nothing else is one") {
  const Token token = make_token({0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xff}, {0xfe}, {0x10});
  CHECK(token.id == "0123456789ab");
  CHECK(token.secret.size() == kTokenSecretDigits);
  const auto read = parse_token(token.text());
  REQUIRE(read);
  CHECK(read->id == token.id);
  CHECK(read->secret == token.secret);
  for (std::size_t i = 0; i < token.text().size(); ++i) {
    CHECK_FALSE(parse_token(token.text().substr(0, i)));
    std::string changed = token.text();
    changed[i] = 'G';
    CHECK_FALSE(parse_token(changed));
  }
  CHECK_FALSE(parse_token(token.text() + "0"));
}

TEST_CASE("a hash matches its secret and no other, and no two are alike") {
  CHECK(hash().starts_with("$y$"));
  CHECK(is_secret_hash(hash()));
  CHECK(hash_secret("x").value() != hash());
  CHECK(secret_matches("x", hash()));
  for (const char* other : {"", "X", "xx", "x "}) CHECK_FALSE(secret_matches(other, hash()));
  CHECK_FALSE(secret_matches(std::string_view("x\0", 2), hash()));  // what C would cut short
  CHECK_FALSE(secret_matches("x", "*"));
  CHECK_FALSE(secret_matches("x", ""));
  CHECK_FALSE(hash_secret("").ok());
  CHECK_FALSE(hash_secret(std::string(kSecretBytesMax + 1, 'x')).ok());
  CHECK_FALSE(hash_secret(std::string_view("x\0y", 3)).ok());
  CHECK(secret_matches("x", "$6$saltsalt$" + std::string(86, '.')) == false);
  CHECK(same_bytes("ab", "ab"));
  CHECK_FALSE(same_bytes("ab", "ac"));
  CHECK_FALSE(same_bytes("ab", "abc"));
}

TEST_CASE("a file that others may read or write is refused, with the remedy") {
  const Folder folder;
  for (const mode_t mode : {0600, 0400, 0640}) {
    const auto text = read_private(folder.put("f" + std::to_string(mode), "secret", mode), 100);
    REQUIRE(text.ok());
    CHECK(*text == "secret");
  }
  for (const mode_t mode : {0644, 0604, 0660, 0602, 0601}) {
    const std::string file = folder.put("g" + std::to_string(mode), "secret", mode);
    CHECK(read_private(file, 100).error().hint == "chmod 600 " + file);
    CHECK_FALSE(check_private(file).ok());
    CHECK_FALSE(change_private(file, 100, [](const std::string&) { return std::string("new"); }).ok());
  }
  CHECK(read_private(folder.put("big", std::string(101, 'x')), 100).error().code == Code::too_large);
  CHECK_FALSE(read_private(folder.path, 100).ok());
  CHECK_FALSE(read_private(folder.path + "/none", 100).ok());
}

TEST_CASE("a file is replaced as a whole, keeps its mode, and a change that fails leaves it alone") {
  const Folder folder;
  const std::string file = folder.path + "/made";
  const auto append = [](const std::string& before) { return before + "+"; };
  CHECK(change_private(file, 100, append).ok());
  CHECK(mode_of(file) == 0600);
  ::chmod(file.c_str(), 0640);
  CHECK(change_private(file, 100, append).ok());
  CHECK(mode_of(file) == 0640);
  CHECK(read_private(file, 100).value() == "++");
  const Status refused = change_private(
      file, 100, [](const std::string&) -> Result<std::string> { return make_error(Code::conflict, "no"); });
  CHECK(refused.error().code == Code::conflict);
  CHECK(read_private(file, 100).value() == "++");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);
  CHECK_FALSE(change_private(folder.path + "/no/such", 100, append).ok());
}
