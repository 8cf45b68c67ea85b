#include "wire/endpoint.h"

#include <algorithm>

#include "wire/chars.h"
#include "wire/http.h"

namespace mimas::wire {
namespace {

constexpr std::size_t kHostBytesMax = 255;
constexpr std::size_t kEndpointsMax = 64;

Error bad_endpoint(std::string_view text, std::string why) {
  // The text may hold anything; only its harmless part is repeated.
  std::string shown;
  for (char c : text.substr(0, 100)) shown += is_control(c) ? '?' : c;
  return make_error(Code::invalid_argument, "'" + shown + "' is not host:port: " + std::move(why), {},
                    "write host:port, or [address]:port for IPv6");
}

bool is_name_char(char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_'; }

// Between the brackets: hexadecimal groups, perhaps an IPv4 tail, perhaps "%zone".
bool is_ipv6_literal(std::string_view host) {
  const std::size_t zone = std::min(host.find('%'), host.size());
  const std::string_view address = host.substr(0, zone);
  return address.find(':') != std::string_view::npos &&
         std::all_of(address.begin(), address.end(),
                     [](char c) { return hex_value(c) >= 0 || c == ':' || c == '.'; }) &&
         (zone == host.size() ||
          (zone + 1 < host.size() &&
           std::all_of(host.begin() + static_cast<std::ptrdiff_t>(zone) + 1, host.end(), is_name_char)));
}

// -1 unless 0..65535 in at most five digits.
int parse_port(std::string_view digits) {
  if (digits.empty() || digits.size() > 5 || !std::all_of(digits.begin(), digits.end(), is_digit)) return -1;
  int port = 0;
  for (char c : digits) port = port * 10 + (c - '0');
  return port <= 65535 ? port : -1;
}

// "h", "h:1", "[::1]", "[::1]:1"; nothing before, nothing behind.
Result<Endpoint> parse_authority(std::string_view text, std::uint16_t default_port, bool allow_zero) {
  Endpoint out;
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return bad_endpoint(text, "a bracket is not closed");
    const std::string_view host = text.substr(1, close - 1);
    if (!is_ipv6_literal(host)) return bad_endpoint(text, "no IPv6 address stands in the brackets");
    out.host = host;
    rest = text.substr(close + 1);
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    const std::string_view host = text.substr(0, colon);
    if (host.empty()) return bad_endpoint(text, "the host is empty");
    if (text.find(':', colon + 1) < text.size()) return bad_endpoint(text, "an IPv6 address needs brackets");
    if (!std::all_of(host.begin(), host.end(), is_name_char))
      return bad_endpoint(text, "the host has a forbidden character");
    out.host = host;
    rest = text.substr(colon);
  }
  if (out.host.size() > kHostBytesMax) return bad_endpoint(text, "the host is longer than 255 bytes");
  if (rest.empty()) {
    if (default_port == 0) return bad_endpoint(text, "the port is missing");
    out.port = default_port;
    return out;
  }
  const int port = rest.front() == ':' ? parse_port(rest.substr(1)) : -1;
  if (port < 0 || (port == 0 && !allow_zero))
    return bad_endpoint(text, "the port is not a number from 1 to 65535");
  out.port = static_cast<std::uint16_t>(port);
  return out;
}

// Takes "name://" off, in any case; false when it is not there.
bool take_scheme(std::string_view& text, std::string_view scheme_and_slashes) {
  if (!equals_ignoring_case(text.substr(0, scheme_and_slashes.size()), scheme_and_slashes)) return false;
  text.remove_prefix(scheme_and_slashes.size());
  return true;
}

Error no_https(std::string_view text) {
  return make_error(Code::unsupported, "https is not supported here", std::string(text.substr(0, 100)),
                    "use http");
}

}  // namespace

std::string Endpoint::text() const {
  const bool brackets = host.find(':') != std::string::npos;
  return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Endpoint> parse_endpoint(std::string_view text, std::uint16_t default_port, bool allow_zero) {
  std::string_view rest = text;
  if (take_scheme(rest, "https://")) return no_https(rest);
  if (take_scheme(rest, "http://")) {
    if (rest.ends_with('/')) rest.remove_suffix(1);
  } else if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    rest.remove_prefix(at + 1);  // libprocess: "master@h:5050"
  }
  return parse_authority(rest, default_port, allow_zero);
}

Result<std::vector<Endpoint>> parse_endpoints(std::string_view text, std::uint16_t default_port) {
  std::vector<Endpoint> out;
  for (;;) {
    const std::size_t comma = std::min(text.find(','), text.size());
    auto one = parse_endpoint(trim_blanks(text.substr(0, comma)), default_port);
    if (!one) return one.error();
    if (std::find(out.begin(), out.end(), *one) == out.end()) out.push_back(std::move(*one));
    if (out.size() > kEndpointsMax) return make_error(Code::too_large, "more than 64 endpoints in one list");
    if (comma == text.size()) return out;
    text.remove_prefix(comma + 1);
  }
}

Result<Url> parse_url(std::string_view text) {
  const auto bad = [](std::string why) {
    return make_error(Code::invalid_argument, "not a URL: " + std::move(why));
  };
  const std::size_t mark = text.find("://");
  if (mark == std::string_view::npos || mark == 0) return bad("no scheme such as http://");
  Url out;
  for (char c : text.substr(0, mark)) {
    if (!is_alpha(c) && !is_digit(c) && c != '+' && c != '-' && c != '.')
      return bad("the scheme has a forbidden character");
    out.scheme += to_lower(c);
  }
  const std::string_view rest = text.substr(mark + 3);
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  const std::uint16_t port = out.scheme == "http" ? 80 : out.scheme == "https" ? 443 : 0;
  if (rest.substr(0, end).find('@') != std::string_view::npos)
    return bad("a user name in a URL is not supported");
  auto endpoint = parse_authority(rest.substr(0, end), port, false);
  if (!endpoint) return endpoint.error();
  out.endpoint = std::move(*endpoint);
  std::string_view target = rest.substr(end);
  target = target.substr(0, target.find('#'));
  for (char c : target) {
    if (is_control(c) || c == ' ') return bad("the path has a blank or a control character");
  }
  if (!target.starts_with('/')) out.target = "/";
  out.target += target;
  return out;
}

Result<Endpoint> parse_redirect(std::string_view location, std::string_view scheme) {
  std::string_view rest = trim_blanks(location);
  const bool tls = scheme == "https";
  if (take_scheme(rest, tls ? "http://" : "https://")) {
    return make_error(Code::unsupported, "a redirect from " + std::string(scheme) + " to another scheme",
                      std::string(rest.substr(0, 100)),
                      tls ? "let the masters speak https alone" : "reach the masters by https");
  }
  std::uint16_t default_port = 0;
  if (take_scheme(rest, tls ? "https://" : "http://") || take_scheme(rest, "//")) {
    default_port = tls ? 443 : 80;
  }
  // A path alone names no leader; parse_authority refuses its empty host.
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  for (char c : rest) {
    if (is_control(c)) return bad_endpoint(location, "a control character");
  }
  return parse_authority(rest.substr(0, end), default_port, false);
}

std::string percent_encode(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    if (is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = text.size() - i > 2 ? hex_value(text[i + 1]) : -1;
      const int low = text.size() - i > 2 ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0)
        return make_error(Code::invalid_argument, "'%' is not followed by two hexadecimal digits");
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

}  // namespace mimas::wire
