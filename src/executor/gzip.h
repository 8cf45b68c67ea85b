// A file as gzip (RFC 1952, 1951), for rotated logs: hash chains of 16 over a window of 32 KiB, one Huffman
// code for every 64 KiB. Lines of text come out about as small as from `gzip -2`. zlib's deflate would be 50
// KB of an executor of some hundred; this is a tenth of that, and logs need nothing else of it.
//
// Takes 600 KiB of memory while it works and as long as the disk does: for a helper process, never for the
// loop. Tested against gzip itself in tests/executor/gzip_test.cc.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace mimas::executor {

// From the descriptor's position to the end of `in`. Errors: io; too_large when that is more than
// `bytes_max`.
Status gzip(int in, int out, std::int64_t bytes_max = INT64_MAX);

}  // namespace mimas::executor
