#include "http/target.h"

namespace mimas::http {
namespace {

// Where "%2F" or "%25" stands next.
std::size_t find_kept_escape(std::string_view text, std::size_t from) {
  for (std::size_t at = text.find('%', from); at != std::string_view::npos; at = text.find('%', at + 3)) {
    const std::string_view escape = text.substr(at, 3);
    if (wire::equals_ignoring_case(escape, "%2f") || escape == "%25") return at;
  }
  return std::string_view::npos;
}

Error bad(std::string why) { return make_error(Code::invalid_argument, std::move(why)); }

Result<std::string> decode(std::string_view text, bool plus_is_space) {
  Result<std::string> decoded = wire::percent_decode(text, plus_is_space);
  if (decoded.ok() && decoded->find('\0') != std::string::npos)
    return bad("the request target has a NUL in it");
  return decoded;
}

// A slash in a name is not one between names: both it and what spells it stay as they were sent.
Result<std::string> decode_path(std::string_view text) {
  Result<std::string> decoded = decode(text, false);
  if (!decoded.ok()) return decoded;
  std::string path;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t stays = std::min(find_kept_escape(text, at), text.size());
    path += *wire::percent_decode(text.substr(at, stays - at), false);
    path += text.substr(stays, 3);
    at = std::min(stays + 3, text.size());
  }
  return path;
}

Status parse_query(std::string_view text, std::vector<QueryParameter>& into) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    if (into.size() == kQueryParametersMax) return bad("too many query parameters");
    const std::size_t equals = std::min(pair.find('='), pair.size());
    Result<std::string> name = decode(pair.substr(0, equals), true);
    if (!name) return std::move(name).error();
    Result<std::string> value = decode(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!value) return std::move(value).error();
    into.push_back(QueryParameter{std::move(*name), std::move(*value)});
  }
  return Done{};
}

}  // namespace

Result<Target> parse_target(std::string_view target) {
  const std::size_t question = std::min(target.find('?'), target.size());
  const std::string_view path = target.substr(0, question);

  Target result;
  Result<std::string> decoded = decode_path(path);
  if (!decoded) return std::move(decoded).error();
  result.path = std::move(*decoded);
  Status query = parse_query(target.substr(std::min(question + 1, target.size())), result.query);
  if (!query) return std::move(query).error();
  return result;
}

}  // namespace mimas::http
