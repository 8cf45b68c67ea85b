// parse_job_query of api/render.h.
#include <algorithm>
#include <array>
#include <charconv>

#include "api/faults.h"
#include "api/job_limits.h"
#include "api/render.h"
#include "base/base64.h"

namespace mimas::api {
namespace {

constexpr std::string_view kCursorPrefix = "after:";

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// The terms of a comma list, trimmed, without empty ones.
std::vector<std::string_view> terms_of(std::string_view list) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t comma = list.find(',');
    const std::string_view term = trim(list.substr(0, comma));
    if (!term.empty()) out.push_back(term);
    if (comma == std::string_view::npos) return out;
    list.remove_prefix(comma + 1);
  }
}

std::optional<std::int64_t> parse_count(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

struct TextFilter {
  std::string_view name;
  std::string JobQuery::*member;
};
constexpr std::array<TextFilter, 8> kTextFilters{{
    {"appName", &JobQuery::app_name},
    {"applicationName", &JobQuery::application_name},
    {"user", &JobQuery::user},
    {"name", &JobQuery::name},
    {"capacityGroup", &JobQuery::capacity_group},
    {"jobGroupStack", &JobQuery::group_stack},
    {"jobGroupDetail", &JobQuery::group_detail},
    {"jobGroupSequence", &JobQuery::group_sequence},
}};

const std::vector<std::string_view>& known_parameters() {
  static const std::vector<std::string_view> kKnown = [] {
    std::vector<std::string_view> out{"type",     "labels", "labels.op", "taskState",
                                      "archived", "fields", "limit",     "cursor"};
    for (const TextFilter& filter : kTextFilters) out.push_back(filter.name);
    return out;
  }();
  return kKnown;
}

class QueryReader {
 public:
  void read(const Parameter& parameter) {
    const std::string_view name = parameter.name, value = trim(parameter.value);
    const auto& known = known_parameters();
    if (std::ranges::find(known, name) == known.end()) {
      const std::string_view meant = nearest_name(name, known);
      fault(parameter, meant.empty() ? "unknown query parameter"
                                     : "unknown query parameter, did you mean `" + std::string(meant) + "`?");
      return;
    }
    if (value.empty()) return;  // as if it were not there
    if (name == "labels") return read_labels(parameter);
    if (name == "taskState") return read_states(parameter);
    if (name == "fields") return read_fields(parameter);
    if (std::ranges::find(once_, name) != once_.end()) return fault(parameter, "is given twice");
    once_.push_back(name);
    read_single(parameter, value);
  }

  Checked<JobQuery> take() { return {std::move(query_), faults_.take()}; }

 private:
  void fault(const Parameter& parameter, std::string detail, std::string limit = {}) {
    // A query may hold any bytes; those that are no text are replaced when the answer is written.
    faults_.add(cut_text(parameter.name, kTextBytesMax), std::move(detail), parameter.value,
                std::move(limit));
  }

  bool too_many(const Parameter& parameter, std::size_t terms) {
    if (terms <= kQueryTermsMax) return false;
    fault(parameter, "must not have more than " + std::to_string(kQueryTermsMax) + " terms",
          std::to_string(kQueryTermsMax));
    return true;
  }

  void read_labels(const Parameter& parameter) {
    for (std::string_view term : terms_of(parameter.value)) {
      const std::size_t equals = term.find('=');
      const std::string_view key = trim(term.substr(0, equals));
      if (key.empty()) return fault(parameter, "a label must have a name: `name`, `name=` or `name=value`");
      const bool has_value = equals != std::string_view::npos;
      query_.labels.emplace_back(key, has_value ? trim(term.substr(equals + 1)) : std::string_view());
      query_.label_has_value.push_back(has_value);
      if (too_many(parameter, query_.labels.size())) return;
    }
  }

  void read_states(const Parameter& parameter) {
    for (std::string_view term : terms_of(parameter.value)) {
      if (term == "ANY" || term == "ALL") {
        query_.any_state = true;
      } else if (const auto state = parse_task_state(term)) {
        query_.task_states.push_back(*state);
      } else {
        return fault(
            parameter,
            "must be one of QUEUED, DISPATCHED, STARTING, RUNNING, FINISHED, FAILED, STOPPED, CRASHED "
            "and ANY");
      }
      if (too_many(parameter, query_.task_states.size())) return;
    }
  }

  void read_fields(const Parameter& parameter) {
    for (std::string_view term : terms_of(parameter.value)) {
      query_.fields.emplace_back(term);
      if (too_many(parameter, query_.fields.size())) return;
    }
  }

  void read_single(const Parameter& parameter, std::string_view value) {
    const std::string_view name = parameter.name;
    for (const TextFilter& filter : kTextFilters) {
      if (name == filter.name) query_.*filter.member = std::string(value);
    }
    if (name == "type") {
      if (value != "service" && value != "batch") return fault(parameter, "must be service or batch");
      query_.type = std::string(value);
    } else if (name == "labels.op") {
      if (value != "and" && value != "or") return fault(parameter, "must be and or or");
      query_.labels_all = value == "and";
    } else if (name == "archived") {
      if (value != "true" && value != "false") return fault(parameter, "must be true or false");
      query_.any_state = query_.any_state || value == "true";
    } else if (name == "limit") {
      const auto limit = parse_count(value);
      if (!limit || *limit > kPageMax) {
        return fault(parameter,
                     "must be a whole number from 1 to " + std::to_string(kPageMax) + ", or 0 for all",
                     "1.." + std::to_string(kPageMax));
      }
      query_.limit = *limit;
    } else if (name == "cursor") {
      read_cursor(parameter, value);
    }
  }

  void read_cursor(const Parameter& parameter, std::string_view value) {
    const auto text = base64_decode(value);
    if (text.ok() && text->starts_with(kCursorPrefix)) {
      if (const auto number = parse_count(std::string_view(*text).substr(kCursorPrefix.size()))) {
        query_.after_number = *number;
        return;
      }
    }
    fault(parameter, "is not a cursor of this server: send back what X-Next-Cursor held");
  }

  JobQuery query_;
  Faults faults_;
  std::vector<std::string_view> once_;
};

}  // namespace

Checked<JobQuery> parse_job_query(const std::vector<Parameter>& parameters) {
  QueryReader reader;
  for (const Parameter& parameter : parameters) reader.read(parameter);
  return reader.take();
}

std::string make_cursor(std::int64_t after_number) {
  // Base64 of plain ASCII has no '+' or '/'; without its padding it needs no escaping in a URL.
  std::string text = base64_encode(std::string(kCursorPrefix) + std::to_string(after_number));
  while (text.ends_with('=')) text.pop_back();
  return text;
}

}  // namespace mimas::api
