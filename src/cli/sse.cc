#include "cli/sse.h"

#include <utility>

namespace mimas::cli {
namespace {

constexpr std::size_t kEventBytesMax = 16u << 20;

}  // namespace

void EventParser::take_line(std::string_view line, std::vector<ServerEvent>& events) {
  if (line.empty()) {
    if (has_data_) {
      if (event_.kind.empty()) event_.kind = "message";
      events.push_back(std::move(event_));
    }
    event_ = {};
    has_data_ = false;
    return;
  }
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "data") {
    if (has_data_) event_.data += '\n';
    event_.data += value;
    has_data_ = true;
  } else if (name == "event") {
    event_.kind = value;
  } else if (name == "id" && value.find('\0') == std::string_view::npos) {
    event_.id = value;
  }
}

Result<std::vector<ServerEvent>> EventParser::take(std::string_view bytes) {
  std::vector<ServerEvent> events;
  for (const char c : bytes) {
    const bool second_half = c == '\n' && after_return_;
    after_return_ = c == '\r';
    if (second_half) continue;
    if (c == '\n' || c == '\r') {
      take_line(rest_, events);
      rest_.clear();
    } else {
      rest_ += c;
    }
    if (rest_.size() + event_.data.size() > kEventBytesMax)
      return make_error(Code::protocol, "the server sends an event of more than 16 MiB");
  }
  return events;
}

}  // namespace mimas::cli
