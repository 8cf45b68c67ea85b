// Linked into the static executor only. The C++ library's allocation and error paths, which would throw, end
// the process instead: without them the whole exception machinery (unwinder, demangler, type tables: most of
// a small binary) stays out. Our own code is compiled without exceptions and never gets here except out of
// memory.
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>

namespace {

[[noreturn]] void die(const char* what) {
  constexpr char kPrefix[] = "mimas-executor: ";
  if (::write(STDERR_FILENO, kPrefix, sizeof kPrefix - 1) < 0 ||
      ::write(STDERR_FILENO, what, std::strlen(what)) < 0 || ::write(STDERR_FILENO, "\n", 1) < 0) {
    std::abort();
  }
  std::abort();
}

void* allocate(std::size_t size) {
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) die("out of memory");
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

extern "C" void __cxa_pure_virtual() { die("a pure virtual function was called"); }

namespace std {

void __throw_bad_alloc() { die("out of memory"); }
void __throw_bad_array_new_length() { die("out of memory"); }
void __throw_logic_error(const char* what) { die(what); }
void __throw_length_error(const char* what) { die(what); }
void __throw_out_of_range(const char* what) { die(what); }
void __throw_out_of_range_fmt(const char* what, ...) { die(what); }
void __throw_invalid_argument(const char* what) { die(what); }
void __throw_runtime_error(const char* what) { die(what); }
void __throw_bad_function_call() { die("an empty function was called"); }

}  // namespace std
