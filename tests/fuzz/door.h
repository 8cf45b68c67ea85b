// What every target has in common: libFuzzer's entry point, with the bytes as a view.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

void try_bytes(std::string_view bytes);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
inline int try_all(const std::uint8_t* data, std::size_t size) {
  try_bytes({reinterpret_cast<const char*>(data), size});
  return 0;
}
#define FUZZ_DOOR                                                                     \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
    return try_all(data, size);                                                       \
  }
