// A Security whose place another may take while connections stand: those keep what they began with, new ones
// get the other. For certificates that are renewed under a running listener. Thread-safe. Tested in
// tests/http/tls_test.cc.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "net/secure.h"

namespace mimas::net {

class ReloadableSecurity final : public Security {
 public:
  explicit ReloadableSecurity(std::shared_ptr<const Security> first) : current_(std::move(first)) {}

  void replace(std::shared_ptr<const Security> with) {
    const std::lock_guard hold(mutex_);
    current_ = std::move(with);
  }

  Result<std::unique_ptr<SecureSession>> begin(const std::string& peer) const override {
    return current()->begin(peer);
  }

 private:
  std::shared_ptr<const Security> current() const {
    const std::lock_guard hold(mutex_);
    return current_;
  }

  mutable std::mutex mutex_;
  std::shared_ptr<const Security> current_;
};

}  // namespace mimas::net
