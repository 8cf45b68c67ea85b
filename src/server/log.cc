#include "server/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace mimas::server {

struct Log::Impl {
  spdlog::logger logger{"mimas", std::make_shared<spdlog::sinks::stderr_color_sink_mt>()};
};

Log::Log(const std::string& level) : impl_(std::make_unique<Impl>()) {
  impl_->logger.set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%L%$ %v", spdlog::pattern_time_type::utc);
  const auto parsed = spdlog::level::from_str(level);
  const bool unknown_name = parsed == spdlog::level::off && level != "off";
  impl_->logger.set_level(unknown_name ? spdlog::level::info : parsed);
}
Log::~Log() = default;

// Lines are data, never format strings.
void Log::debug(const std::string& line) { impl_->logger.debug("{}", line); }
void Log::info(const std::string& line) { impl_->logger.info("{}", line); }
void Log::warning(const std::string& line) { impl_->logger.warn("{}", line); }
void Log::error(const std::string& line) { impl_->logger.error("{}", line); }

std::string one_line(std::string_view text, std::size_t bytes_max) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string line;
  for (const char c : text.substr(0, bytes_max)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f && c != '"' && c != '\\') {
      line += c;
    } else {
      line += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return text.size() > bytes_max ? line + "…" : line;
}

}  // namespace mimas::server
