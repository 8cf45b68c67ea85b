// How many bytes of replies are on their way at once, over all connections of a listener: whoever asks for
// much and does not read holds no more of the server than this. When a crowd of them is over, what the
// allocator kept of it goes back to the system. Thread-safe. Tested in tests/http/reply_test.cc.
#pragma once

#include <atomic>
#include <cstdint>

namespace mimas::http {

inline constexpr std::int64_t kTrimBytes = 16 << 20;  // so many at once are worth giving back

class ReplyBudget {
 public:
  explicit ReplyBudget(std::int64_t most) : most_(most) {}
  std::int64_t under_way() const { return under_way_.load(); }

  // A part of it, given back at the end. Whoever is alone gets any.
  class Share {
   public:
    Share(ReplyBudget& of, std::int64_t bytes);
    ~Share();
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    bool granted() const { return granted_; }

   private:
    ReplyBudget& of_;
    const std::int64_t bytes_;
    const bool granted_;
  };

 private:
  bool take(std::int64_t bytes);
  void give_back(std::int64_t bytes);

  const std::int64_t most_;
  std::atomic<std::int64_t> under_way_{0};
  std::atomic<std::int64_t> peak_{0};  // since the last time that memory went back
};

}  // namespace mimas::http
