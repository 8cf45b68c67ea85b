#include "server/mailbox.h"

#include <doctest/doctest.h>

#include <thread>

#include "server/replies.h"

using namespace mimas;

TEST_CASE("a batch is everything that arrived, oldest first") {
  server::Mailbox mailbox(10);
  CHECK(mailbox.offer(engine::KillJob{1, JobId("mimas-1"), ""}));
  CHECK(mailbox.offer(engine::KillJob{2, JobId("mimas-2"), ""}));
  const auto batch = mailbox.take(0);
  REQUIRE(batch.size() == 2);
  CHECK(std::get<engine::KillJob>(batch[0]).request == 1);
  CHECK(mailbox.take(0).empty());
}

TEST_CASE("a full mailbox refuses a command, and takes it again once the loop has emptied it") {
  server::Mailbox mailbox(2);
  CHECK(mailbox.offer(engine::Settle{}));
  CHECK(mailbox.offer(engine::Settle{}));
  CHECK_FALSE(mailbox.offer(engine::Settle{}));
  CHECK(mailbox.take(0).size() == 2);
  CHECK(mailbox.offer(engine::Settle{}));
}

TEST_CASE("whoever waits for room is let in when the loop takes, and turned away when it closes") {
  server::Mailbox mailbox(1);
  REQUIRE(mailbox.offer(engine::Settle{}));
  bool let_in = false;
  std::thread waiter([&] { let_in = mailbox.put(engine::Settle{}); });
  CHECK(mailbox.take(10'000).size() == 1);
  waiter.join();
  CHECK(let_in);  // and it fills the one place again
  REQUIRE(mailbox.offer(engine::Settle{}) == false);
  bool refused = false;
  std::thread blocked([&] { refused = !mailbox.put(engine::Settle{}); });
  mailbox.close();
  blocked.join();
  CHECK(refused);
  CHECK_FALSE(mailbox.offer(engine::Settle{}));
}

TEST_CASE("an answer reaches the one who waits, and one that nobody waits for is dropped") {
  server::Replies replies;
  const auto request = replies.open();
  std::thread loop([&] {
    replies.fulfil({request + 100, engine::Answer{Done{}}});
    replies.fulfil({request, engine::Answer{engine::JobAccepted{JobId("mimas-7")}}});
  });
  const auto answer = replies.wait(request, 10'000);
  loop.join();
  REQUIRE(answer.has_value());
  REQUIRE(answer->ok());
  CHECK(std::get<engine::JobAccepted>(answer->value()).job.value == "mimas-7");
  CHECK_FALSE(replies.wait(request, 0).has_value());
}

TEST_CASE("without an answer the wait ends at its deadline, or when the server closes") {
  server::Replies replies;
  CHECK_FALSE(replies.wait(replies.open(), 1).has_value());
  const auto request = replies.open();
  std::thread closer([&] { replies.close(); });
  CHECK_FALSE(replies.wait(request, 60'000).has_value());
  closer.join();
}
