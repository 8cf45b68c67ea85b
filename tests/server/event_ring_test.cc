#include "server/event_ring.h"

#include <doctest/doctest.h>

#include <thread>

using namespace mimas;
using server::EventRing;

namespace {

api::Event alert(int number) { return api::AlertChanged{"n" + std::to_string(number), "text"}; }

const std::size_t kFour = 4 * api::weight_of(alert(10));

void append(EventRing& ring, int from, int to) {
  for (int i = from; i <= to; ++i) ring.append({alert(i)});
}

}  // namespace

TEST_CASE("numbers grow by one, and a reader gets what came after its place") {
  EventRing ring("e");
  CHECK(ring.last() == 0);
  ring.append({alert(1), alert(2)});
  ring.append({alert(3)});
  CHECK(ring.last() == 3);
  const auto taken = ring.take(1, 10, 0);
  REQUIRE(taken.events.size() == 2);
  CHECK(taken.events[0]->number() == 2);
  CHECK(taken.events[1]->number() == 3);
  CHECK(*taken.events[1]->text() == R"({"name":"n3","text":"text"})");
  CHECK(ring.take(3, 10, 0).events.empty());
  CHECK(ring.take(0, 2, 0).events.size() == 2);
}

TEST_CASE("a reader whose place is gone is told so, one at the edge is not") {
  EventRing ring("e", kFour);
  append(ring, 1, 10);  // 7, 8, 9, 10 are kept
  CHECK(ring.take(5, 10, 0).lost);
  const auto edge = ring.take(6, 10, 0);
  CHECK_FALSE(edge.lost);
  REQUIRE(edge.events.size() == 4);
  CHECK(edge.events.front()->number() == 7);
  CHECK(ring.counts().held == 4);
  CHECK(ring.counts().made == 10);
}

TEST_CASE("a commit larger than the ring is kept whole, and goes with the next one") {
  EventRing ring("e", kFour);
  append(ring, 1, 1);
  std::vector<api::Event> launches;
  for (int i = 0; i < 20'000; ++i) launches.push_back(alert(i));
  ring.append(launches);
  const auto taken = ring.take(1, 30'000, 0);  // who was there when it began misses nothing
  CHECK_FALSE(taken.lost);
  CHECK(taken.events.size() == 20'000);
  CHECK(ring.counts().held == 20'000);
  ring.append({alert(1)});
  CHECK(ring.counts().held == 4);
  CHECK(ring.counts().bytes <= static_cast<std::int64_t>(kFour));
}

TEST_CASE("a description that was replaced counts with all that it says") {
  const auto with_env = [](std::size_t bytes) {
    JobSpec spec;
    spec.env = {{"A", std::string(bytes, 'x')}};
    Job job;
    job.spec = std::make_shared<const JobSpec>(spec);
    return std::make_shared<const Job>(job);
  };
  const api::Event small = api::JobChanged{with_env(1), with_env(1)};
  const api::Event large = api::JobChanged{with_env(1), with_env(1 << 20)};
  CHECK(api::weight_of(large) >= api::weight_of(small) + (1 << 20) - 1);
  EventRing ring("e", 8u << 20);
  for (int i = 0; i < 100; ++i) ring.append({large});
  CHECK(ring.counts().held == 7);
}

TEST_CASE("an id says where to go on, or why that cannot be") {
  EventRing ring("kx", kFour);
  append(ring, 1, 10);
  CHECK(ring.id(7) == "kx-7");
  CHECK(ring.resume("kx-6").after == 6);
  CHECK(ring.resume("kx-10").after == 10);
  CHECK(ring.resume("kx-5").why_not.find("too old") != std::string::npos);
  CHECK(ring.resume("kx-11").why_not.find("not been given") != std::string::npos);
  CHECK(ring.resume("ky-7").why_not.find("last start") != std::string::npos);
  for (const char* stranger : {"kx", "kx-", "-", "7", "kx-7a", "kx-99999999999999999999999", "kx--7"})
    CHECK_FALSE(ring.resume(stranger).after);
}

TEST_CASE("a place before the first event can be gone on from while nothing is lost") {
  EventRing ring("e", kFour);
  CHECK(ring.resume("e-0").after == 0);
  append(ring, 1, 4);
  CHECK(ring.resume("e-0").after == 0);
  append(ring, 5, 5);
  CHECK_FALSE(ring.resume("e-0").after);
}

TEST_CASE("a later start has a greater epoch of the same length") {
  const std::string before = server::epoch_of(Instant{1'795'262'400'123});
  const std::string after = server::epoch_of(Instant{1'795'262'400'124});
  CHECK(before.size() == after.size());
  CHECK(before < after);
}

TEST_CASE("the text of an event is made once, forgotten when it is old, and the same again") {
  EventRing ring("e");
  append(ring, 1, 3);
  const auto events = ring.take(0, 10, 0).events;
  const auto first = events[0]->text(), last = events[2]->text();
  CHECK(first == events[0]->text());
  ring.forget_texts(3);
  CHECK(events[0]->text() != first);
  CHECK(*events[0]->text() == *first);
  CHECK(events[2]->text() == last);
  ring.forget_texts(100);  // beyond what there is
}

TEST_CASE("a waiting reader wakes for an event and for the end") {
  EventRing ring("e");
  std::thread writer([&] { ring.append({alert(1)}); });
  CHECK(ring.take(0, 10, 60'000).events.size() == 1);
  writer.join();
  std::thread closer([&] { ring.close(0); });
  CHECK(ring.take(1, 10, 60'000).closed);
  closer.join();
}

TEST_CASE("the end waits for readers to say goodbye, and counts what they did") {
  EventRing ring("e");
  append(ring, 1, 1);
  std::thread reading([&] {
    EventRing::Reader reader(ring);
    reader.sent(5);
    reader.overrun();
    while (!ring.take(1, 1, 60'000).closed) {
    }
  });
  while (ring.counts().readers == 0) std::this_thread::yield();
  ring.close(60'000);
  CHECK(ring.counts().readers == 0);
  CHECK(ring.counts().sent == 5);
  CHECK(ring.counts().overruns == 1);
  reading.join();
}
