// What the rules' cases (rules_link_test.cc) do not show of the connections: messages, and who is silent.
#include "executor/agent_link.h"

#include <doctest/doctest.h>

#include "executor/bench.h"
#include "executor/tiny_agent.h"

namespace mimas::executor {
namespace {

constexpr Instant kNow{0};

Settings over(const TinyAgent& agent) {
  Settings settings = checkpointing();
  settings.agent = {"127.0.0.1", agent.port()};
  return settings;
}

// Lets bytes move until `done`.
template <class Done>
void pump_until(AgentLink& link, std::vector<LinkNews>& news, Done done) {
  for (int i = 0; i < kPatienceMs / 10 && !done(); ++i) {
    std::vector<pollfd> polled;
    link.add_to(polled);
    ::poll(polled.data(), polled.size(), 10);
    link.pump(kNow, news);
  }
  REQUIRE(done());
}

TEST_CASE("of messages eight wait, updates all, in their order") {
  TinyAgent agent;
  AgentLink link(over(agent));
  for (int i = 0; i < 20; ++i) link.post("message " + std::to_string(i), CallKind::message, kNow);
  for (int i = 0; i < 20; ++i) link.post("update " + std::to_string(i), CallKind::update, kNow);
  agent.accept();
  std::vector<LinkNews> news;
  std::vector<std::string> bodies;
  for (std::size_t i = 0; i < kMessagesMax + 20; ++i) {
    link.pump(kNow, news);
    const std::string request = agent.request();
    bodies.push_back(request.substr(request.find("\r\n\r\n") + 4));
    agent.accepted();
    pump_until(link, news, [&] {
      std::vector<pollfd> polled;
      link.add_to(polled);
      return (polled[0].events & POLLOUT) != 0 || link.wake_at() == kNever;  // the next, or none
    });
  }
  CHECK(bodies.front() == "message 0");
  CHECK(bodies[kMessagesMax - 1] == "message " + std::to_string(kMessagesMax - 1));
  CHECK(bodies[kMessagesMax] == "update 0");
  CHECK(bodies.back() == "update 19");
  CHECK(news.empty());
  link.post("message again", CallKind::message, kNow);
  link.pump(kNow, news);
  CHECK(agent.request().ends_with("message again"));
}

TEST_CASE("an agent is not quiet while a record is on its way") {
  TinyAgent agent;
  AgentLink link(over(agent));
  CHECK(link.quiet());  // nobody there to say anything
  link.subscribe("{}", kNow);
  agent.accept();
  std::vector<LinkNews> news;
  link.pump(kNow, news);
  agent.request();
  agent.begin_stream();
  agent.event("{}");
  pump_until(link, news, [&] { return news.size() == 1; });
  CHECK(link.quiet());
  agent.send("4\r\n5\n{\"\r\n");  // "5\n{\"": two bytes of five
  const auto loud = [&] { return !link.quiet(); };
  std::vector<pollfd> polled;
  link.add_to(polled);
  REQUIRE(::poll(polled.data(), polled.size(), kPatienceMs) > 0);
  CHECK(loud());  // unread
  link.pump(kNow, news);
  CHECK(loud());  // read, and not whole
  agent.send("3\r\na\"}\r\n");
  pump_until(link, news, [&] { return news.size() == 2; });
  CHECK(link.quiet());
}

}  // namespace
}  // namespace mimas::executor
