#include "server/back_up.h"

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <utility>

namespace mimas::server {
namespace {

// Shared by the one who waits and the loop, which drops it when it is done or ends.
class Task {
 public:
  Task(store::Store& store, std::string path) : store_(store), path_(std::move(path)) {}
  ~Task() { tell(make_error(Code::unavailable, "the server ended before the backup was complete")); }

  std::future<Status> outcome() { return outcome_.get_future(); }
  void give_up() { given_up_ = true; }

  // On the loop's thread. True: it is over.
  bool go_on() {
    if (given_up_) {
      backup_.reset();
      return true;
    }
    if (backup_ == nullptr) {
      auto begun = store_.back_up(path_);
      if (!begun.ok()) return tell(std::move(begun).error());
      backup_ = *std::move(begun);
    }
    const Result<bool> complete = backup_->step();
    if (complete.ok() && !*complete) return false;
    backup_.reset();
    return tell(complete.ok() ? Status(Done{}) : Status(complete.error()));
  }

 private:
  bool tell(Status status) {
    if (!std::exchange(told_, true)) outcome_.set_value(std::move(status));
    return true;
  }

  store::Store& store_;
  const std::string path_;
  std::unique_ptr<store::Backup> backup_;
  std::promise<Status> outcome_;
  std::atomic<bool> given_up_ = false;
  bool told_ = false;
};

}  // namespace

Status back_up(Mailbox& mailbox, store::Store& store, const std::string& path, std::int64_t timeout_ms) {
  std::future<Status> outcome;
  std::weak_ptr<Task> watched;
  {
    auto task = std::make_shared<Task>(store, path);
    outcome = task->outcome();
    watched = task;
    // The loop alone holds it from here on: when it drops the task, the outcome is told.
    if (!mailbox.offer_errand([task = std::move(task)] { return task->go_on(); })) {
      return make_error(Code::resource_exhausted, "too many backups are being made", path,
                        "try again when they are done");
    }
  }
  if (outcome.wait_for(std::chrono::milliseconds(timeout_ms)) == std::future_status::ready) {
    return outcome.get();
  }
  if (const auto task = watched.lock()) task->give_up();
  return make_error(Code::timeout, "the backup took too long and was given up", path);
}

}  // namespace mimas::server
