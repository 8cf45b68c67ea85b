#include "base/time.h"

#include <algorithm>
#include <array>

namespace mimas {
namespace {

struct Civil {
  std::int64_t year;
  unsigned month, day;
};

// Days since the epoch to a proleptic Gregorian date, by counting in 400-year eras that start on 1 March.
Civil civil_from_days(std::int64_t days) {
  days += 719468;
  const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const auto day_of_era = static_cast<unsigned>(days - era * 146097);
  const unsigned year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned shifted_month = (5 * day_of_year + 2) / 153;
  const unsigned day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  const unsigned month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  const std::int64_t year = static_cast<std::int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0);
  return {year, month, day};
}

void put_padded(std::string& out, std::int64_t number, int width) {
  std::string digits = std::to_string(number);
  out.append(static_cast<std::size_t>(std::max(0, width - static_cast<int>(digits.size()))), '0');
  out += digits;
}

}  // namespace

std::string format_rfc3339(Instant at) {
  constexpr std::int64_t kDayMs = 86'400'000;
  constexpr std::int64_t kFirst = -62'167'219'200'000;  // 0000-01-01T00:00:00.000Z
  constexpr std::int64_t kLast = 253'402'300'799'999;   // 9999-12-31T23:59:59.999Z
  const std::int64_t ms = std::clamp(at.ms, kFirst, kLast);
  std::int64_t days = ms / kDayMs;
  std::int64_t rest = ms % kDayMs;
  if (rest < 0) {
    rest += kDayMs;
    --days;
  }
  const Civil date = civil_from_days(days);
  std::string out;
  out.reserve(24);
  put_padded(out, date.year, 4);
  out += '-';
  put_padded(out, date.month, 2);
  out += '-';
  put_padded(out, date.day, 2);
  out += 'T';
  put_padded(out, rest / 3'600'000, 2);
  out += ':';
  put_padded(out, rest / 60'000 % 60, 2);
  out += ':';
  put_padded(out, rest / 1000 % 60, 2);
  out += '.';
  put_padded(out, rest % 1000, 3);
  out += 'Z';
  return out;
}

// Reads digits at their places and believes them if writing the answer gives the same text back.
std::optional<Instant> parse_rfc3339(std::string_view text) {
  std::string whole(text);
  if (whole.size() == 20 && whole.back() == 'Z') whole.replace(19, 1, ".000Z");
  if (whole.size() != 24) return std::nullopt;
  const auto number = [&whole](std::size_t at, std::size_t digits) {
    std::int64_t value = 0;
    for (std::size_t i = at; i < at + digits; ++i) value = value * 10 + (whole[i] - '0');
    return value;
  };
  // Days since the epoch: the inverse of civil_from_days.
  const std::int64_t month = number(5, 2);
  const std::int64_t year = number(0, 4) - (month <= 2 ? 1 : 0);
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + number(8, 2) - 1;
  const std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  const std::int64_t days = era * 146'097 + day_of_era - 719'468;
  const std::int64_t seconds = ((days * 24 + number(11, 2)) * 60 + number(14, 2)) * 60 + number(17, 2);
  const Instant at{seconds * 1'000 + number(20, 3)};
  return format_rfc3339(at) == whole ? std::optional(at) : std::nullopt;
}

Result<std::int64_t> parse_mesos_duration_ms(std::string_view text) {
  struct Unit {
    std::string_view name;
    std::int64_t ns;
  };
  constexpr std::array<Unit, 8> kUnits{{{"ns", 1},
                                        {"us", 1'000},
                                        {"ms", 1'000'000},
                                        {"secs", 1'000'000'000},
                                        {"mins", 60'000'000'000},
                                        {"hrs", 3'600'000'000'000},
                                        {"days", 86'400'000'000'000},
                                        {"weeks", 604'800'000'000'000}}};
  const auto bad =
      make_error(Code::invalid_argument, "'" + std::string(text) + "' is not a duration", {},
                 "write a number directly followed by ns, us, ms, secs, mins, hrs, days or weeks");
  std::size_t at = 0;
  std::int64_t whole = 0;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
    if (at >= 10) return bad;
    whole = whole * 10 + (text[at++] - '0');
  }
  if (at == 0) return bad;
  std::int64_t fraction_billionths = 0;
  if (at < text.size() && text[at] == '.') {
    const std::size_t first = ++at;
    std::int64_t scale = 100'000'000;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
      fraction_billionths += (text[at++] - '0') * scale;
      scale /= 10;
    }
    if (at == first) return bad;
  }
  for (const Unit& unit : kUnits) {
    if (text.substr(at) != unit.name) continue;
    if (whole > INT64_MAX / unit.ns - 1) return bad;
    // ns × billionths can pass 2^63 for long units, so the fraction is scaled through microseconds there.
    const std::int64_t fraction_ns = unit.ns < 1'000'000'000
                                         ? fraction_billionths * unit.ns / 1'000'000'000
                                         : fraction_billionths / 1000 * (unit.ns / 1'000'000'000) * 1000;
    return (whole * unit.ns + fraction_ns) / 1'000'000;
  }
  return bad;
}

}  // namespace mimas
