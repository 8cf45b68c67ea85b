#include "pocket/foreign.h"

#include <elf.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

namespace mimas::pocket {
namespace {

struct Machine {
  std::uint16_t number;
  unsigned char elf_class;
  const char* name;
};
constexpr Machine kMachines[] = {
    {EM_X86_64, ELFCLASS64, "x86_64"}, {EM_AARCH64, ELFCLASS64, "aarch64"}, {EM_ARM, ELFCLASS32, "arm"},
    {EM_386, ELFCLASS32, "i386"},      {EM_RISCV, ELFCLASS64, "riscv64"},
};

std::string find_in_path(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string candidate = folder + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

// The kernel runs these without help.
bool native(const std::string& machine, const std::string& own) {
  return machine.empty() || machine == own || (machine == "i386" && own == "x86_64");
}

std::string quote(const std::string& word) {
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string in_sandbox(const std::string& program, const std::string& sandbox) {
  return program.starts_with('/') ? program : sandbox + "/" + program;
}

// Where the name of the program that stays stands in a shell command: after the last "exec " that begins a
// command, or else at its beginning.
std::size_t program_begin(const std::string& text) {
  constexpr std::string_view kExec = "exec ";
  std::size_t at = text.rfind(kExec);
  const bool a_word = at != std::string::npos && (at == 0 || std::strchr(" \t;&|", text[at - 1]) != nullptr);
  at = text.find_first_not_of(" \t", a_word ? at + kExec.size() : 0);
  return at == std::string::npos ? text.size() : at;
}

}  // namespace

std::string elf_machine(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  unsigned char head[20] = {};
  file.read(reinterpret_cast<char*>(head), sizeof head);
  if (file.gcount() != sizeof head || std::memcmp(head, ELFMAG, SELFMAG) != 0) return {};
  const bool big_endian = head[EI_DATA] == ELFDATA2MSB;
  const int number = big_endian ? head[18] * 256 + head[19] : head[19] * 256 + head[18];
  for (const Machine& machine : kMachines)
    if (machine.number == number && machine.elf_class == head[EI_CLASS] && !big_endian) return machine.name;
  return "machine " + std::to_string(number);
}

std::string own_machine() {
  static const std::string machine = elf_machine("/proc/self/exe");
  return machine;
}

Result<std::vector<std::string>> runner_for(const std::string& machine,
                                            const std::vector<std::string>& wanted) {
  if (native(machine, own_machine())) return std::vector<std::string>{};
  if (wanted.size() == 1 && wanted.front() == "none") return std::vector<std::string>{};
  if (!wanted.empty()) return wanted;
  for (const std::string& name : {"qemu-" + machine + "-static", "qemu-" + machine}) {
    const std::string found = find_in_path(name);
    if (!found.empty()) return std::vector<std::string>{found};
  }
  return make_error(Code::unsupported,
                    "the program is for " + machine + ", this machine is " + own_machine() +
                        ", and no qemu-" + machine + "-static is in PATH",
                    "", "install qemu-user-static or name a runner");
}

Result<std::vector<std::string>> command_words(const mv1::CommandInfo& command, const std::string& sandbox,
                                               const std::vector<std::string>& runner) {
  std::string text = command.value();
  if (text.empty()) return make_error(Code::invalid_argument, "the command has no value");
  const std::size_t begin = command.shell() ? program_begin(text) : 0;
  const std::size_t end =
      command.shell() ? std::min(text.find_first_of(" \t;&|<>", begin), text.size()) : text.size();
  const std::string program = text.substr(begin, end - begin);
  const bool a_path = program.find('/') != std::string::npos;
  const Result<std::vector<std::string>> prefix =
      runner_for(a_path ? elf_machine(in_sandbox(program, sandbox)) : "", runner);
  if (!prefix) return prefix.error();
  if (command.shell()) {
    std::string words;
    for (const std::string& word : *prefix) words += quote(word) + " ";
    text.insert(begin, words);
    return std::vector<std::string>{"/bin/sh", "-c", text};
  }
  std::vector<std::string> words = *prefix;
  words.push_back(in_sandbox(program, sandbox));
  if (!a_path) words.back() = program;
  for (int i = 1; i < command.arguments_size(); ++i) words.push_back(command.arguments(i));
  return words;
}

}  // namespace mimas::pocket
