// The one rule for what mimas keeps for itself in a data directory: others see nothing of it. Folders are
// 0700; through those on the way to sandboxes others may pass, and list nothing (0711), where an agent that
// is root runs tasks as other users; files are 0600. What is found wider, from an earlier version, is
// narrowed when it is opened; 0750 and 0640, which somebody has chosen, stay. Sandboxes, which are their
// tasks', are for files/folder.h. Errors: io. Thread-safe. Tested in tests/files/own_test.cc.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace mimas::files {

enum class Passage { closed, open };
// Open where we are root: who is not runs everything as himself.
Passage passage_of_sandboxes();

// The directory that somebody names as ours. Made with its missing parents; taken over when it is empty; else
// left as it is, for it may be somebody's home: what is ours in it has modes of its own.
Status make_data_folder(const std::string& path, Passage passage = Passage::closed);

// One inside of it, which nobody but us uses; with its missing parents.
Status make_own_folder(const std::string& path, Passage passage = Passage::closed);

// A file of ours that is there is made so; of one that is not nothing is said.
Status narrow_own_file(const std::string& path);

// The whole file, by another name and a rename: a crash leaves the old one or the new one. Not synced to
// disk.
Status write_own_file(const std::string& path, std::string_view bytes);
Status append_own_file(const std::string& path, std::string_view bytes);

// The first folder on the way to `path`, or this itself, that others may not pass; empty: none.
std::string closed_folder(const std::string& path);

}  // namespace mimas::files
