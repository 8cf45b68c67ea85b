// Why the driver gave up for good; the process ends with a documented exit code.
#pragma once

#include <string_view>

namespace mimas::mesos {

enum class Fatal { none, failed_over, framework_removed, unauthorized, rejected, wrong_framework_id };

// For an ERROR event's text (mesos-protocol §2.3): `none` means "not known to be hopeless, subscribe again".
Fatal classify_error_event(std::string_view message);

}  // namespace mimas::mesos
