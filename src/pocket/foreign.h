// Programs for another machine: reads the ELF header of what is about to be started and names the emulator
// that runs it. Stateless, thread-safe. Tested in tests/pocket/parts_test.cc.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "pocket/protos.h"

namespace mimas::pocket {

// "x86_64", "aarch64", "arm", …; empty: not an ELF file (a script, say) or not there.
std::string elf_machine(const std::string& path);
std::string own_machine();

// Words to put before a program of that machine; empty: none needed. `wanted` is PocketOptions::runner:
// {"none"} starts everything as it is, other words are used as they are, empty looks for qemu-user in PATH.
Result<std::vector<std::string>> runner_for(const std::string& machine,
                                            const std::vector<std::string>& wanted);

// The argument vector for a CommandInfo in its sandbox, runner included when the program that stays ("./x",
// "check ./x && exec ./x a") is a foreign one.
Result<std::vector<std::string>> command_words(const mv1::CommandInfo& command, const std::string& sandbox,
                                               const std::vector<std::string>& runner);

}  // namespace mimas::pocket
