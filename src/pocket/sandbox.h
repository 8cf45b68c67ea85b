// The folders that executors work in, below an agent's own. Down to a sandbox all is ours; in it a task does
// what it likes, so there we go by descriptors. Thread-safe. Tested in tests/pocket/agent_operations_test.cc
// and tests/pocket/hostile_test.cc.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "files/folder.h"
#include "pocket/agent_model.h"

namespace mimas::pocket {

// <agent dir>/slaves/<agent>/frameworks/<fw>/executors/<ex>/runs/<container>, made with its `latest` link.
Result<std::string> make_sandbox(const std::string& agent_dir, const std::string& agent_id,
                                 const ContainerRef& container);

// The volumes' folders as links in the sandbox, at their `container_path`s. Errors name the path that is
// absolute, leads out of the sandbox or is taken.
Status link_volumes(const std::string& agent_dir, const std::string& sandbox,
                    const std::vector<mv1::Resource>& volumes);

// Those that a path needs: "a" and "a/b" for "a/b/c". A link is in the way.
Status make_folders_above(const files::Folder& sandbox, const std::string& path);

// `link` to `target`, replacing what it was at once; both below folders of ours.
void relink(const std::string& link, const std::string& target);

}  // namespace mimas::pocket
