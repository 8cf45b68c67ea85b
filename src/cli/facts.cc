#include "cli/facts.h"

#include <algorithm>
#include <ctime>
#include <vector>

#include "cli/job_text.h"
#include "cli/table.h"

namespace mimas::cli {
namespace {

constexpr std::size_t kRowsMax = 100'000;
constexpr std::size_t kColumnsMax = 40;
constexpr int kLevelsMax = 5;
constexpr std::size_t kNameWidth = 12;

bool is_scalar(json::Value value) { return !value.is_object() && !value.is_array(); }

// "a, b" for lists of scalars, "k=v, l=w" for flat objects, JSON for what is deeper.
std::string in_a_cell(json::Value value) {
  if (is_scalar(value)) return scalar(value);
  std::string text;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (!is_scalar(value.at(i))) return value.dump();
    text += (i == 0 ? "" : ", ") + (value.is_object() ? std::string(value.name(i)) + "=" : std::string()) +
            scalar(value.at(i));
  }
  return text;
}

std::string heading(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z' && !text.empty()) text += ' ';
    text += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return text;
}

bool is_table(json::Value value) {
  if (!value.is_array() || value.size() == 0) return false;
  for (std::size_t i = 0; i < value.size() && i < kRowsMax; ++i) {
    if (!value.at(i).is_object()) return false;
  }
  return true;
}

std::string table_of(json::Value list, bool colour) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < list.size() && i < kRowsMax; ++i) {
    const json::Value row = list.at(i);
    for (std::size_t k = 0; k < row.size() && names.size() < kColumnsMax; ++k) {
      std::string name(row.name(k));
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
    }
  }
  std::vector<std::string> headings;
  for (const std::string& name : names) headings.push_back(heading(printable(name)));
  Table table(std::move(headings));
  for (std::size_t i = 0; i < list.size() && i < kRowsMax; ++i) {
    std::vector<Cell> row;
    for (const std::string& name : names) {
      const std::optional<json::Value> value = list.at(i).find(name);
      const std::string text = value ? in_a_cell(*value) : std::string();
      row.push_back({text, name == "state" ? state_tone(text) : Tone::plain});
    }
    table.add(std::move(row));
  }
  return table.text(colour);
}

void write_object(json::Value object, const std::string& prefix, int level, bool colour, std::string& lines,
                  std::string& tables) {
  for (std::size_t i = 0; i < object.size() && i < kRowsMax; ++i) {
    const json::Value value = object.at(i);
    const std::string name = prefix + std::string(object.name(i));
    if (is_table(value)) {
      tables += "\n" + printable(name) + "\n" + table_of(value, colour);
    } else if (value.is_object() && level < kLevelsMax) {
      write_object(value, name + ".", level + 1, colour, lines, tables);
    } else {
      add_fact(lines, printable(name), in_a_cell(value));
    }
  }
}

}  // namespace

std::string scalar(const std::optional<json::Value>& value) {
  if (!value) return "";
  if (value->is_string()) return std::string(*value->string());
  if (value->is_integer()) return std::to_string(*value->int64());
  if (value->is_number() || value->is_bool()) return value->dump();
  return "";
}

std::string field(json::Value object, std::string_view name) { return scalar(object.find(name)); }

std::string moment(json::Value object, std::string_view name) {
  std::string text = field(object, name);
  const std::optional<Instant> at = parse_rfc3339(text);
  if (!at) return text;
  const std::time_t seconds = static_cast<std::time_t>(at->ms / 1'000);
  std::tm local{};
  char out[40];
  if (::localtime_r(&seconds, &local) == nullptr ||
      std::strftime(out, sizeof out, "%Y-%m-%d %H:%M:%S%z", &local) == 0)
    return text;
  text = out;
  text.insert(text.size() - 2, ":");  // "+0100": as RFC 3339 and ISO 8601 have it
  return text;
}

std::string age_since(json::Value object, std::string_view name, Instant now) {
  const std::optional<Instant> at = parse_rfc3339(field(object, name));
  if (!at) return "";
  const std::int64_t secs = std::max<std::int64_t>(now - *at, 0) / 1'000;
  if (secs < 120) return std::to_string(secs) + "s";
  if (secs < 120 * 60) return std::to_string(secs / 60) + "m";
  if (secs < 48 * 3'600) return std::to_string(secs / 3'600) + "h";
  return std::to_string(secs / 86'400) + "d";
}

void add_fact(std::string& page, std::string_view name, const std::string& value) {
  if (value.empty()) return;
  page += name;
  page.append(name.size() < kNameWidth ? kNameWidth - name.size() : 1, ' ');
  page += printable(value) + "\n";
}

std::string facts_text(json::Value value, bool colour) {
  if (is_scalar(value)) return printable(scalar(value)) + "\n";
  if (is_table(value)) return table_of(value, colour);
  if (value.is_array() && value.size() == 0) return "nothing\n";
  if (value.is_array()) {
    std::string lines;
    for (std::size_t i = 0; i < value.size() && i < kRowsMax; ++i)
      lines += printable(in_a_cell(value.at(i))) + "\n";
    return lines;
  }
  std::string lines;
  std::string tables;
  write_object(value, "", 1, colour, lines, tables);
  if (lines.empty() && !tables.empty()) tables.erase(0, 1);
  return lines.empty() && tables.empty() ? "nothing\n" : lines + tables;
}

std::string ids_text(json::Value list) {
  std::string lines;
  const auto add = [&](json::Value one) {
    const std::string id = field(one, "id");
    if (!id.empty()) lines += printable(id) + "\n";
  };
  if (list.is_object()) add(list);
  for (std::size_t i = 0; list.is_array() && i < list.size() && i < kRowsMax; ++i) add(list.at(i));
  return lines;
}

}  // namespace mimas::cli
