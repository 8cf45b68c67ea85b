// The architectures that executors are built for, and the names people give them. Tested in
// tests/model/architecture_test.cc.
#pragma once

#include <array>
#include <string_view>

namespace mimas {

inline constexpr std::array<std::string_view, 4> kArchitectures{"x86_64", "arm64", "armhf", "armel"};

// One of kArchitectures for any of its names (an agent's attribute `arch`, uname's machine), as "armhf" for
// "arm"; empty for a name that nobody knows. Exact: "ARM" is none.
std::string_view executor_architecture(std::string_view name);

}  // namespace mimas
