// The metadata service (metadata.h) as a part of the loop: a listener for each task, on a loopback address of
// its own or on the address the operator names (a bridge's, for containers with a network of their own), on a
// port the kernel picks. Bounds: 8 connections at once per task, 10 s for each, answers of the provider kept
// for 60 s, 10 s for the provider. Single thread. Tested in tests/executor/metadata_service_test.cc.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "executor/helper_program.h"
#include "executor/metadata.h"
#include "executor/part.h"
#include "net/socket.h"

namespace mimas::executor {

inline constexpr std::size_t kMetadataConnectionsMax = 8;
inline constexpr std::int64_t kMetadataConnectionMs = 10'000;
inline constexpr std::int64_t kCredentialsMs = 60'000;
inline constexpr std::int64_t kProviderMs = 10'000;

class MetadataService : public Part {
 public:
  // `environment` is ours, for the provider; it must outlive the service.
  MetadataService(MetadataOptions options, const char* const* environment, RandomBytes (*random)());

  void starting(TaskOrder& order, Instant now) override;
  void started(const TaskOrder& order, const RunFacts& facts, Instant now) override;
  void ended(std::string_view task_id, const ProcessEnd& end, Instant now) override;
  void child_ended(std::int64_t pid, int wait_status, Instant now) override;
  void add_to(std::vector<pollfd>& polled) const override;
  Instant wake_at() const override;
  void pump(Instant now, std::vector<PartNews>& news) override;

 private:
  struct Client {
    net::Socket socket;
    std::string in;
    std::string out;
    std::size_t sent = 0;
    bool waits = false;  // for the provider
    bool head_only = false;
    Instant deadline = kNever;
    bool done = false;
  };
  struct Task {
    Identity identity;
    std::string token;
    net::Socket listener;
    std::deque<Client> clients;
    HelperProgram provider;
    std::string credentials;
    Instant credentials_until{0};
  };

  Result<net::Socket> listen(std::string& address);
  void accept(Task& task, Instant now);
  void serve(Task& task, Client& client, Instant now);
  void respond(Task& task, Client& client, Instant now);
  void ask(Task& task, Instant now);
  void answer_waiting(Task& task, const MetadataReply& reply);
  void take_provider(Task& task, Instant now);

  MetadataOptions options_;
  const char* const* environment_;
  RandomBytes (*random_)();
  std::string host_;
  std::vector<std::unique_ptr<Task>> tasks_;
  std::string complaint_;  // for the next pump
};

}  // namespace mimas::executor
