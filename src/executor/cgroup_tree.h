// A group's directory and what lives in it, groups below included: is anyone there, kill them all, remove it.
// Allocates nothing and asks nobody, so that a signal handler and the guard may use it. We ourselves are
// never killed, wherever we are. Directories are absolute, of either version. Tested in
// tests/executor/cgroup_test.cc.
#pragma once

namespace mimas::executor {

// Also when there is no such directory.
bool group_empty(const char* directory);

// SIGKILL to everyone in it: at one stroke where the kernel can (cgroup.kill, since 5.14), else while they
// are frozen (version 1's freezer), else by reading and killing. Does not wait: ask group_empty(), and call
// it again while that says no.
void kill_group(const char* directory);

// False: it is still there, most often because someone is dying in it.
bool remove_group(const char* directory);

// kill_group until it is empty, then remove_group; gives up after `ms`. False: it is still there.
bool end_group(const char* directory, int ms);

}  // namespace mimas::executor
