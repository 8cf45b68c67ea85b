// A backup for an http worker, made by the loop between its batches (store/backup.h, an Errand of mailbox.h).
// Tested in tests/server/back_up_test.cc.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "server/mailbox.h"
#include "store/store.h"

namespace mimas::server {

inline constexpr std::int64_t kBackupMs = 600'000;  // then it is given up

// Waits until the copy is on disk under `path`. Errors: conflict when there is such a file;
// resource_exhausted when there is no room, or too many are at it; timeout; unavailable when the server ends.
// Thread-safe; touches the store on the loop's thread alone.
Status back_up(Mailbox& mailbox, store::Store& store, const std::string& path,
               std::int64_t timeout_ms = kBackupMs);

}  // namespace mimas::server
