#include "server/access_file.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "json/value.h"
#include "json/writer.h"
#include "server/password_hash.h"

namespace mimas::server {
namespace {

constexpr std::string_view kTokenPrefix = "mimas_";

Error wrong(std::string where, std::string why, std::string hint = {}) {
  return make_error(Code::invalid_argument, std::move(why), std::move(where), std::move(hint));
}

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '@';
}
bool is_hex_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }
bool is_plain(char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; }

Status check_names(const char* member, const std::vector<std::string>& names) {
  if (names.size() > kAccessAppsMax)
    return wrong(member, "holds more than " + std::to_string(kAccessAppsMax) + " names");
  for (const std::string& name : names) {
    if (name.empty() || name.size() > kAppNameBytesMax || !std::ranges::all_of(name, is_plain))
      return wrong(member, "holds a name that is empty, longer than 255 bytes or has control characters");
  }
  return Done{};
}

Status check_grants(const api::Grants& grants) {
  if (grants.groups) {
    if (Status fits = check_names("groups", *grants.groups); !fits) return fits;
  }
  if (grants.secrets) {
    if (Status fits = check_names("secrets", *grants.secrets); !fits) return fits;
  }
  if (grants.priority_max && (*grants.priority_max < 0 || *grants.priority_max > 100))
    return wrong("priorityMax", "must be 0 to 100");
  return Done{};
}

Result<std::string> text_of(const json::Value& value) {
  const auto text = value.string();
  if (!text) return text.error();
  return std::string(*text);
}

Result<std::vector<std::string>> names_of(const json::Value& value) {
  const auto array = value.array();
  if (!array) return array.error();
  std::vector<std::string> apps;
  for (std::size_t i = 0; i < array->size(); ++i) {
    auto app = text_of(array->at(i));
    if (!app) return std::move(app).error();
    apps.push_back(*std::move(app));
  }
  return apps;
}

// What narrows the policy; false: it is no such member.
Result<bool> take_grant(AccessEntry& entry, std::string_view name, const json::Value& value) {
  if (name == "apps" || name == "groups" || name == "secrets") {
    auto names = names_of(value);
    if (!names) return std::move(names).error();
    if (name == "groups") {
      entry.grants.groups = *std::move(names);
    } else if (name == "secrets") {
      entry.grants.secrets = *std::move(names);
    } else if (names->empty()) {
      // Everything for nobody in particular: whoever empties the list means to take rights away, not to give
      // all.
      return wrong("apps", "is empty", "leave it out to allow every application");
    } else {
      entry.apps = *std::move(names);
    }
    return true;
  }
  if (name == "priorityMax") {
    const auto most = value.int64();
    if (!most) return most.error();
    entry.grants.priority_max = *most;
    return true;
  }
  if (name != "production") return false;
  const auto production = value.boolean();
  if (!production) return production.error();
  entry.grants.production = *production;
  return true;
}

Status take_member(AccessEntry& entry, std::string_view name, const json::Value& value) {
  const auto granted = take_grant(entry, name, value);
  if (!granted) return granted.error();
  if (*granted) return Done{};
  constexpr std::array<std::string_view, 7> kTexts = {"name",         "role",        "id",      "tokenHash",
                                                      "passwordHash", "certificate", "notAfter"};
  if (std::ranges::find(kTexts, name) == kTexts.end()) {
    return wrong(std::string(name.substr(0, kAccessNameBytesMax)), "is not a member of an entry",
                 "there are name, role, apps, groups, secrets, priorityMax, production, id, tokenHash, "
                 "passwordHash, certificate and notAfter");
  }
  auto text = text_of(value);
  if (!text) return std::move(text).error();
  if (name == "name") {
    entry.name = *std::move(text);
  } else if (name == "role") {
    const auto role = parse_role(*text);
    if (!role) return role.error();
    entry.role = *role;
  } else if (name == "id") {
    entry.id = *std::move(text);
  } else if (name == "tokenHash") {
    entry.token_hash = *std::move(text);
  } else if (name == "passwordHash") {
    entry.password_hash = *std::move(text);
  } else if (name == "certificate") {
    entry.certificate = *std::move(text);
  } else {
    entry.not_after = parse_rfc3339(*text);
    if (!entry.not_after) return wrong("notAfter", "is not a date", "as in 2027-01-31T00:00:00Z");
  }
  return Done{};
}

Result<AccessEntry> entry_of(const json::Value& value) {
  if (const auto object = value.object(); !object) return object.error();
  AccessEntry entry;
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (!seen.insert(value.name(i)).second) return wrong(std::string(value.name(i)), "stands there twice");
    if (Status taken = take_member(entry, value.name(i), value.at(i)); !taken)
      return std::move(taken).error();
  }
  if (!seen.contains("role")) return wrong("role", "is missing", "viewer, operator or admin");
  if (Status fits = check_entry(entry); !fits) return std::move(fits).error();
  return entry;
}

Error in_entry(std::size_t index, const AccessEntry* entry, Error error) {
  std::string where = "entry " + std::to_string(index + 1);
  if (entry != nullptr) where += " (" + entry->name + ")";
  error.where = error.where.empty() ? std::move(where) : where + ", " + error.where;
  return error;
}

}  // namespace

Result<Role> parse_role(std::string_view text, bool none_too) {
  if (text == "viewer") return Role::viewer;
  if (text == "operator") return Role::operator_;
  if (text == "admin") return Role::admin;
  if (none_too && text == "none") return Role::none;
  return wrong("role", std::string("must be ") + (none_too ? "none, " : "") + "viewer, operator or admin");
}

Status check_entry(const AccessEntry& entry) {
  if (entry.name.empty() || entry.name.size() > kAccessNameBytesMax ||
      !std::ranges::all_of(entry.name, is_name_char))
    return wrong("name", "must be 1 to 64 letters, digits or any of -._@");
  if (entry.role == Role::none) return wrong("role", "must be viewer, operator or admin");
  if (Status fits = check_names("apps", entry.apps); !fits) return fits;
  if (Status fits = check_grants(entry.grants); !fits) return fits;
  const bool id_fits = entry.id.size() == kTokenIdDigits && std::ranges::all_of(entry.id, is_hex_digit);
  if (!entry.token_hash.empty() && !id_fits)
    return wrong("id", "must be the token's 12 hexadecimal digits", "`mimas token new` makes whole entries");
  if (entry.token_hash.empty() && !entry.id.empty()) return wrong("id", "goes with tokenHash");
  if (!entry.token_hash.empty() && !is_secret_hash(entry.token_hash))
    return wrong("tokenHash", "is not a hash that crypt(5) knows as strong");
  if (!entry.password_hash.empty() && !is_secret_hash(entry.password_hash))
    return wrong("passwordHash", "is not a hash that crypt(5) knows as strong",
                 "mkpasswd -m yescrypt makes one");
  if (entry.certificate.size() > kAppNameBytesMax || !std::ranges::all_of(entry.certificate, is_plain))
    return wrong("certificate", "is longer than 255 bytes or has control characters");
  if (entry.token_hash.empty() && entry.password_hash.empty() && entry.certificate.empty())
    return wrong({}, "has none of tokenHash, passwordHash and certificate");
  return Done{};
}

Result<std::vector<AccessEntry>> parse_access(std::string_view text) {
  const auto document = json::parse(text, {.bytes_max = kAccessFileBytesMax});
  if (!document) return document.error();
  const auto list = document->root().member("credentials");
  if (!list) return list.error();
  const auto array = list->array();
  if (!array) return array.error();
  if (document->root().size() != 1) return wrong({}, "must hold nothing beside \"credentials\"");
  if (array->size() > kAccessEntriesMax)
    return make_error(Code::too_large, "more than " + std::to_string(kAccessEntriesMax) + " entries");
  std::vector<AccessEntry> entries;
  std::set<std::string> names, ids, certificates;
  for (std::size_t i = 0; i < array->size(); ++i) {
    auto entry = entry_of(array->at(i));
    if (!entry) return in_entry(i, nullptr, std::move(entry).error());
    if (!names.insert(entry->name).second) return in_entry(i, &*entry, wrong("name", "stands there twice"));
    if (!entry->id.empty() && !ids.insert(entry->id).second)
      return in_entry(i, &*entry, wrong("id", "stands there twice"));
    if (!entry->certificate.empty() && !certificates.insert(entry->certificate).second)
      return in_entry(i, &*entry, wrong("certificate", "stands there twice"));
    entries.push_back(*std::move(entry));
  }
  return entries;
}

std::string render_access(const std::vector<AccessEntry>& entries) {
  json::Writer out(json::Writer::Style::pretty);
  out.begin_object().key("credentials").begin_array();
  const auto member = [&](const char* name, const std::string& text) {
    if (!text.empty()) out.member(name, text);
  };
  const auto list = [&](const char* name, const std::vector<std::string>& texts) {
    out.key(name).begin_array();
    for (const std::string& text : texts) out.string(text);
    out.end_array();
  };
  for (const AccessEntry& entry : entries) {
    out.begin_object().member("name", entry.name).member("role", role_name(entry.role));
    if (!entry.apps.empty()) list("apps", entry.apps);
    if (entry.grants.groups) list("groups", *entry.grants.groups);
    if (entry.grants.secrets) list("secrets", *entry.grants.secrets);
    if (entry.grants.priority_max) out.member("priorityMax", *entry.grants.priority_max);
    if (entry.grants.production) out.member("production", *entry.grants.production);
    member("id", entry.id);
    member("tokenHash", entry.token_hash);
    member("passwordHash", entry.password_hash);
    member("certificate", entry.certificate);
    if (entry.not_after) out.member("notAfter", format_rfc3339(*entry.not_after));
    out.end_object();
  }
  out.end_array().end_object();
  return out.take() + "\n";
}

namespace {

void append_hex(std::string& text, const RandomBytes& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
}

}  // namespace

Token make_token(const RandomBytes& id, const RandomBytes& secret_begin, const RandomBytes& secret_end) {
  Token token;
  append_hex(token.id, id);
  token.id.resize(kTokenIdDigits);
  append_hex(token.secret, secret_begin);
  append_hex(token.secret, secret_end);
  return token;
}

std::optional<Token> parse_token(std::string_view text) {
  if (text.size() != kTokenPrefix.size() + kTokenIdDigits + 1 + kTokenSecretDigits) return std::nullopt;
  if (!text.starts_with(kTokenPrefix)) return std::nullopt;
  text.remove_prefix(kTokenPrefix.size());
  if (text[kTokenIdDigits] != '_') return std::nullopt;
  Token token{std::string(text.substr(0, kTokenIdDigits)), std::string(text.substr(kTokenIdDigits + 1))};
  if (!std::ranges::all_of(token.id, is_hex_digit) || !std::ranges::all_of(token.secret, is_hex_digit))
    return std::nullopt;
  return token;
}

}  // namespace mimas::server
