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

}  // namespace mimas::server
