#include "cli/token_command.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "cli/exit.h"
#include "cli/print.h"
#include "cli/table.h"
#include "cli/usage_error.h"
#include "net/clock.h"
#include "server/password_hash.h"
#include "server/private_file.h"

namespace mimas::cli {
namespace {

using server::AccessEntry;

Result<std::vector<AccessEntry>> entries_of(const std::string& text) {
  if (text.empty()) return std::vector<AccessEntry>{};
  return server::parse_access(text);
}

// One line from a file or, as "-", from standard input, without its line break.
Result<std::string> read_password(const std::string& path) {
  constexpr std::size_t kBytesMax = server::kSecretBytesMax + 2;
  std::string text;
  if (path != "-") {
    auto read = server::read_private(path, kBytesMax);
    if (!read) return usage_error("--password", std::move(read).error());
    text = *std::move(read);
  } else {
    char buffer[512];
    for (ssize_t got = 0; (got = ::read(STDIN_FILENO, buffer, sizeof buffer)) != 0;) {
      if (got < 0) return make_error(Code::io, std::strerror(errno), "standard input");
      text.append(buffer, static_cast<std::size_t>(got));
      if (text.size() > kBytesMax) break;
    }
  }
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (text.find('\n') != std::string::npos) return usage_error("--password", "must be one line");
  return text;
}

Result<std::string> hash_of(const char* flag, const std::string& secret) {
  auto hash = server::hash_secret(secret);
  if (!hash) return usage_error(flag, std::move(hash).error());
  return hash;
}

Result<AccessEntry> entry_of(const Tokens& command) {
  AccessEntry entry;
  entry.name = command.name;
  entry.apps = command.apps;
  if (!command.groups.empty()) entry.grants.groups = command.groups;
  if (!command.secrets.empty()) entry.grants.secrets = command.secrets;
  entry.grants.priority_max = command.priority_max;
  entry.grants.production = command.production;
  entry.certificate = command.certificate;
  const auto role = server::parse_role(command.role);
  if (!role) return usage_error("--role", role.error().message);
  entry.role = *role;
  if (!command.not_after.empty()) {
    entry.not_after = parse_rfc3339(command.not_after);
    if (!entry.not_after) return usage_error("--not-after", "must be a date as in 2027-01-31T00:00:00Z");
  }
  return entry;
}

Result<int> make_new(const Tokens& command) {
  auto entry = entry_of(command);
  if (!entry) return std::move(entry).error();
  std::string shown;
  if (!command.password_file.empty()) {
    const auto password = read_password(command.password_file);
    if (!password) return password.error();
    auto hash = hash_of("--password", *password);
    if (!hash) return std::move(hash).error();
    entry->password_hash = *std::move(hash);
  } else if (command.certificate.empty()) {
    const server::Token made =
        server::make_token(net::random_bytes(), net::random_bytes(), net::random_bytes());
    auto hash = hash_of("token", made.secret);
    if (!hash) return std::move(hash).error();
    entry->id = made.id;
    entry->token_hash = *std::move(hash);
    shown = made.text() + "\n";
  }
  if (Status written =
          server::change_private(command.file, server::kAccessFileBytesMax,
                                 [&](const std::string& text) { return with_entry(text, *entry); });
      !written)
    return std::move(written).error();
  if (Status printed = print(shown); !printed) return std::move(printed).error();
  complain(command.file + " has it; a running server reads it on SIGHUP" +
           (shown.empty() ? "" : ". The token is shown this once"));
  return kExitOk;
}

Result<int> revoke(const Tokens& command) {
  if (Status written =
          server::change_private(command.file, server::kAccessFileBytesMax,
                                 [&](const std::string& text) { return without_entry(text, command.name); });
      !written)
    return std::move(written).error();
  complain(command.name + " is out of " + command.file + "; a running server knows it on SIGHUP");
  return kExitOk;
}

Result<int> list(const Tokens& command) {
  const auto text = server::read_private(command.file, server::kAccessFileBytesMax);
  if (!text) return text.error();
  const auto entries = entries_of(*text);
  if (!entries) return entries.error();
  if (Status printed = print(token_table(*entries, net::wall_now())); !printed)
    return std::move(printed).error();
  return kExitOk;
}

}  // namespace

Result<std::string> with_entry(const std::string& text, const AccessEntry& entry) {
  auto entries = entries_of(text);
  if (!entries) return std::move(entries).error();
  if (Status fits = server::check_entry(entry); !fits) return std::move(fits).error();
  if (std::ranges::any_of(*entries, [&](const AccessEntry& other) { return other.name == entry.name; }))
    return make_error(Code::conflict, "there is an entry of the name " + entry.name, {},
                      "take another name, or `mimas token revoke " + entry.name + "` first");
  entries->push_back(entry);
  std::string made = server::render_access(*entries);
  // What the server would refuse must not get into its file.
  if (const auto read = server::parse_access(made); !read) return read.error();
  return made;
}

Result<std::string> without_entry(const std::string& text, const std::string& name) {
  auto entries = entries_of(text);
  if (!entries) return std::move(entries).error();
  if (std::erase_if(*entries, [&](const AccessEntry& entry) { return entry.name == name; }) == 0)
    return make_error(Code::not_found, "there is no entry of the name " + name, {}, "mimas token list");
  return server::render_access(*entries);
}

// What its jobs may be, in few words; "-": as the policy says.
static std::string limits_text(const AccessEntry& entry) {
  const api::Grants grants = api::grants_of(entry.grants, entry.apps);
  std::string text;
  const auto add = [&](const std::string& word) { text += (text.empty() ? "" : " ") + word; };
  const auto joined = [](const std::vector<std::string>& names) {
    std::string line;
    for (const std::string& name : names) line += (line.empty() ? "" : ",") + name;
    return line.empty() ? std::string("none") : line;
  };
  if (grants.groups && *grants.groups != entry.apps) add("groups=" + joined(*grants.groups));
  if (grants.secrets && !grants.secrets->empty()) add("secrets=" + joined(*grants.secrets));
  if (grants.priority_max) add("priority<=" + std::to_string(*grants.priority_max));
  if (grants.production) add(*grants.production ? "production" : "no-production");
  return text.empty() ? "-" : text;
}

std::string token_table(const std::vector<AccessEntry>& entries, Instant now) {
  Table rows({"NAME", "ROLE", "APPS", "LIMITS", "BY", "UNTIL"});
  for (const AccessEntry& entry : entries) {
    std::string apps, by;
    for (const std::string& app : entry.apps) apps += (apps.empty() ? "" : ",") + app;
    const auto add = [&](const char* word) { by += (by.empty() ? "" : ",") + std::string(word); };
    if (!entry.token_hash.empty()) add("token");
    if (!entry.password_hash.empty()) add("password");
    if (!entry.certificate.empty()) add("certificate");
    std::string until = entry.not_after ? format_rfc3339(*entry.not_after) : "-";
    if (entry.not_after && *entry.not_after <= now) until += " (over)";
    rows.add({{entry.name},
              {std::string(server::role_name(entry.role))},
              {apps.empty() ? "*" : apps},
              {limits_text(entry)},
              {by},
              {until}});
  }
  return rows.text(false);
}

Result<int> token(const Tokens& command) {
  if (command.what == "new") return make_new(command);
  if (command.what == "revoke") return revoke(command);
  return list(command);
}

}  // namespace mimas::cli
