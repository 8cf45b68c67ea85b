// The operator's secrets: a directory with a file for each (--secrets), "DIR/token" or "DIR/shop/token"
// (model/secret.h). Read anew whenever a task is started, so that a changed file counts from the next start
// on. Nobody else may read the files, nor look into the directory. Thread-safe. Tested in
// tests/server/secrets_test.cc.
#pragma once

#include <string>

#include "base/result.h"

namespace mimas::server {

class Secrets {
 public:
  Secrets() = default;  // there are none
  // Errors: `directory` is none, or others may look into it.
  static Result<Secrets> open(std::string directory);

  bool any() const { return !directory_.empty(); }
  // The file's text less one line break at its end, at most kSecretValueBytesMax. Errors name the secret and
  // the remedy, never the value.
  Result<std::string> read(const std::string& name) const;

 private:
  std::string directory_;
};

}  // namespace mimas::server
