// The subscription machine by values: how mesos-protocol §1.4 to §1.9 is decided.
#include "mesos/subscription.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "machine.h"
#include "recording.h"

using namespace mimas;
using namespace mimas::mesos;
using namespace rules;
using Next = Reaction::Next;

TEST_CASE("the first attempt goes to the first master at once") {
  auto m = machine();
  const auto attempt = m.next_attempt(1'000);
  CHECK(attempt.to == kA);
  CHECK(attempt.at_ms == 1'000);
  CHECK(m.phase() == Phase::connecting);
}

TEST_CASE("masters that do not answer are tried in turn, with waits that grow and never pass the cap") {
  auto m = machine({kA, kB, kC});
  std::int64_t now = 0, longest = 0;
  std::vector<wire::Endpoint> tried;
  for (int i = 0; i < 40; ++i) {
    const auto attempt = m.next_attempt(now);
    tried.push_back(attempt.to);
    longest = std::max(longest, attempt.at_ms - now);
    now = attempt.at_ms;
    const auto reaction = m.attempt_failed(attempt.generation, "refused", now);
    CHECK(reaction.next == Next::reconnect);
    CHECK(!reaction.disconnected);
    CHECK(m.next_attempt(now).at_ms > now);
    m.attempt_failed(m.generation(), "refused", now);
  }
  CHECK(tried[0] == kA);
  CHECK(longest > 2'000);
  CHECK(longest <= 15'000);
}

TEST_CASE("an answer of another media type is no stream") {
  for (const char* type : {"application/x-protobuf", "text/html", ""}) {
    auto m = machine();
    const auto attempt = m.next_attempt(0);
    const auto reaction =
        m.answered(attempt.generation, head(200, {{"Content-Type", type}, {"Mesos-Stream-Id", "s"}}), "", 0);
    CHECK(reaction.next == Next::reconnect);
    CHECK(m.next_attempt(0).to == kB);
  }
}

TEST_CASE("an encoded stream is refused with a clear reason") {
  auto m = machine();
  const auto attempt = m.next_attempt(0);
  auto encoded = stream_head();
  encoded.headers.push_back({"Content-Encoding", "gzip"});
  const auto reaction = m.answered(attempt.generation, encoded, "", 0);
  CHECK(reaction.next == Next::reconnect);
  CHECK(reaction.text.find("gzip") != std::string::npos);
}

TEST_CASE("a stream without a stream id, or with an endless one, is refused") {
  for (const std::string& id : {std::string(), std::string(129, 'x')}) {
    auto m = machine();
    const auto attempt = m.next_attempt(0);
    CHECK(m.answered(attempt.generation, stream_head(id), "", 0).next == Next::reconnect);
  }
}

TEST_CASE("SUBSCRIBED gives the framework id, which every later attempt asks for") {
  auto m = machine();
  const auto generation = subscribe(m, 0, "fw-1");
  CHECK(m.phase() == Phase::subscribed);
  CHECK(m.framework().value == "fw-1");
  CHECK(m.stream_id() == "sid");
  const auto reaction = m.stream_ended(generation, "eof", 10);
  CHECK(reaction.disconnected);
  CHECK(m.framework().value == "fw-1");
}

TEST_CASE("SUBSCRIBED with another id than asked for is fatal") {
  auto m = machine({kA}, "fw-1");
  const auto attempt = m.next_attempt(0);
  m.answered(attempt.generation, stream_head(), "", 0);
  const auto reaction = m.subscribed_event(attempt.generation, FrameworkId("fw-2"), 15, 0);
  CHECK(reaction.next == Next::stop);
  CHECK(reaction.fatal == Fatal::wrong_framework_id);
  CHECK(!reaction.subscribed);
  CHECK(m.framework().value == "fw-1");
  CHECK(m.phase() == Phase::stopped);
}

TEST_CASE("an unusable framework id is not taken") {
  for (const char* id : {"", "a/b", "\n"}) {
    auto m = machine();
    const auto attempt = m.next_attempt(0);
    m.answered(attempt.generation, stream_head(), "", 0);
    CHECK(m.subscribed_event(attempt.generation, FrameworkId(id), 15, 0).next == Next::reconnect);
    CHECK(m.framework().empty());
  }
}

TEST_CASE("bytes before SUBSCRIBED are accepted and do not move the deadline of the first event") {
  auto m = machine();
  const auto attempt = m.next_attempt(0);
  m.answered(attempt.generation, stream_head(), "", 0);
  CHECK(m.bytes_came(attempt.generation, 20'000).next == Next::go_on);
  CHECK(m.deadline_ms() == kFirstEventMs);
  CHECK(m.subscribed_event(attempt.generation, FrameworkId("f"), 15, 25'000).subscribed);
}

TEST_CASE("silence for five heartbeats ends the subscription, any bytes move the watchdog") {
  auto m = machine();
  const auto generation = subscribe(m, 0, "fw", 2.5);
  CHECK(m.deadline_ms() == 12'500);
  CHECK(m.time_passed(12'499).next == Next::go_on);
  m.bytes_came(generation, 12'499);
  CHECK(m.deadline_ms() == 24'999);
  CHECK(m.time_passed(20'000).next == Next::go_on);
  const auto reaction = m.time_passed(24'999);
  CHECK(reaction.next == Next::reconnect);
  CHECK(reaction.disconnected);
}

TEST_CASE("a heartbeat interval that is absent, senseless or extreme is put right") {
  const struct {
    double said;
    std::int64_t deadline;
  } cases[] = {{0, 75'000},
               {-1, 75'000},
               {std::numeric_limits<double>::infinity(), 75'000},
               {1e-9, 500},
               {1e300, 5 * kHeartbeatMsMax}};
  for (const auto& c : cases) {
    auto m = machine();
    subscribe(m, 0, "fw", c.said);
    CHECK(m.deadline_ms() == c.deadline);
  }
}

TEST_CASE("a head without a first event within its deadline leads to the next master") {
  auto m = machine();
  const auto attempt = m.next_attempt(0);
  m.answered(attempt.generation, stream_head(), "", 100);
  CHECK(m.time_passed(100 + kFirstEventMs - 1).next == Next::go_on);
  const auto reaction = m.time_passed(100 + kFirstEventMs);
  CHECK(reaction.next == Next::reconnect);
  CHECK(!reaction.disconnected);
  CHECK(m.next_attempt(0).to == kB);
}

TEST_CASE("a redirect is followed in every spelling of Location") {
  for (const char* location : {"//b:5050/api/v1/scheduler", "//b:5050", "b:5050",
                               "http://b:5050/api/v1/scheduler", "//b:5050/master/api/v1/scheduler"}) {
    CAPTURE(location);
    auto m = machine({kA});
    const auto attempt = m.next_attempt(0);
    CHECK(m.answered(attempt.generation, redirect(location), "", 0).next == Next::reconnect);
    const auto second = m.next_attempt(0);
    CHECK(second.to == kB);
    CHECK(second.at_ms <= kLeaderChangeMsMax);
  }
  auto m = machine({kA});
  m.answered(m.next_attempt(0).generation, redirect("//[::1]:5051/api/v1/scheduler"), "", 0);
  CHECK(m.next_attempt(0).to == wire::Endpoint{"::1", 5051});
}

TEST_CASE("the redirect of a real standby master is followed") {
  auto m = machine({kA});
  const auto recorded = recording::answer("z1-standby-subscribe.resp");
  m.answered(m.next_attempt(0).generation, recorded.head, recorded.body, 0);
  CHECK(m.next_attempt(0).to == wire::Endpoint{"127.0.0.1", 5070});
}

TEST_CASE("a redirect that names nobody leads to the next candidate") {
  for (const char* location : {"", "///", "//b:0", "https://b:5050/"}) {
    auto m = machine();
    m.answered(m.next_attempt(0).generation, redirect(location), "", 0);
    CHECK(m.next_attempt(0).to == kB);
  }
}

TEST_CASE("masters that point at each other are waited out, with bounded hops") {
  auto m = machine({kA});
  std::int64_t now = 0;
  int hops = 0, to_candidate = 0;
  while (now < 60'000) {
    const auto attempt = m.next_attempt(now);
    now = attempt.at_ms;
    if (attempt.to == kA && hops > 0) ++to_candidate;
    m.answered(attempt.generation, redirect(attempt.to == kB ? "//c:5050" : "//b:5050"), "", now);
    REQUIRE(++hops < 200);
  }
  CHECK(hops < 100);
  CHECK(to_candidate > 0);
  CHECK(subscribe(m, now) > 0);
}

TEST_CASE("a leader that fails is forgotten: the candidates know better") {
  auto m = machine({kA});
  m.answered(m.next_attempt(0).generation, redirect("//b:5050"), "", 0);
  const auto attempt = m.next_attempt(0);
  REQUIRE(attempt.to == kB);
  m.attempt_failed(attempt.generation, "refused", 0);
  CHECK(m.next_attempt(0).to == kA);
}

TEST_CASE("a call that is redirected means the subscription is lost") {
  auto m = machine({kA});
  const auto generation = subscribe(m, 0);
  const auto reaction = m.call_refused(generation, redirect("//b:5050/api/v1/scheduler"), "", 5);
  CHECK(reaction.next == Next::reconnect);
  CHECK(reaction.disconnected);
  CHECK(m.next_attempt(5).to == kB);
}

TEST_CASE("503 backs off; the counter begins anew only after a heartbeat of stability") {
  auto m = machine({kA});
  std::int64_t now = 0;
  for (int i = 0; i < 12; ++i) {
    const auto attempt = m.next_attempt(now);
    now = attempt.at_ms;
    CHECK(m.answered(attempt.generation, head(503), "No leader elected", now).next == Next::reconnect);
  }
  auto generation = subscribe(m, now);
  m.bytes_came(generation, now + 100);  // not stable yet
  std::int64_t longest = 0;
  for (int i = 0; i < 30; ++i) {
    now += 1'000;
    m.stream_ended(generation, "eof", now);
    const auto attempt = m.next_attempt(now);
    longest = std::max(longest, attempt.at_ms - now);
    now = attempt.at_ms;
    m.answered(attempt.generation, stream_head(), "", now);
    m.subscribed_event(attempt.generation, FrameworkId("fw"), 15, now);
    generation = attempt.generation;
  }
  CHECK(longest > 4'000);
  now = m.deadline_ms() - 1;
  m.bytes_came(generation, now);
  m.stream_ended(generation, "eof", now);
  CHECK(m.next_attempt(now).at_ms - now <= 500);
}

TEST_CASE("what a real master says while it has no leader or is recovering is waited out") {
  for (const char* name : {"z5-no-leader-subscribe.resp", "z0-elected-not-recovered-subscribe.resp"}) {
    auto m = machine();
    const auto recorded = recording::answer(name);
    const auto reaction = m.answered(m.next_attempt(0).generation, recorded.head, recorded.body, 0);
    CHECK(reaction.next == Next::reconnect);
    CHECK(reaction.text.find(recorded.body) != std::string::npos);
  }
}

TEST_CASE("404 is a master whose routes are not there yet") {
  auto m = machine({kA});
  CHECK(m.answered(m.next_attempt(0).generation, head(404), "", 0).next == Next::reconnect);
  CHECK(subscribe(m, 0) > 0);
}

TEST_CASE("401 and 403 stop with the reason") {
  for (const int status : {401, 403}) {
    auto m = machine();
    const auto reaction = m.answered(m.next_attempt(0).generation, head(status), "who are you", 0);
    CHECK(reaction.next == Next::stop);
    CHECK(reaction.fatal == Fatal::unauthorized);
    CHECK(reaction.text.find("who are you") != std::string::npos);
  }
}

TEST_CASE("a SUBSCRIBE refused as malformed stops: it will not get better") {
  for (const int status : {400, 405, 406, 415}) {
    auto m = machine();
    const auto reaction = m.answered(m.next_attempt(0).generation, head(status), "no", 0);
    CHECK(reaction.next == Next::stop);
    CHECK(reaction.fatal == Fatal::rejected);
  }
}

TEST_CASE("a call that shows the subscription gone leads to another, with the same id") {
  for (const char* name :
       {"e19-unknown-framework.resp", "s36-old-stream-id.resp", "s37-call-while-disconnected.resp"}) {
    CAPTURE(name);
    auto m = machine({kA});
    const auto generation = subscribe(m, 0);
    const auto recorded = recording::answer(name);
    const auto reaction = m.call_refused(generation, recorded.head, recorded.body, 5);
    CHECK(reaction.next == Next::reconnect);
    CHECK(reaction.disconnected);
    CHECK(m.framework().value == "fw");
  }
}

TEST_CASE("a call refused for another reason is told and leaves the subscription alone") {
  for (const auto& [status, body] :
       {std::pair{403, "not allowed to do that"}, {400, "Failed to validate"}, {405, "no"}, {501, "what"}}) {
    auto m = machine();
    const auto generation = subscribe(m, 0);
    const auto reaction = m.call_refused(generation, head(status), body, 5);
    CHECK(reaction.next == Next::go_on);
    CHECK(!reaction.text.empty());
    CHECK(m.phase() == Phase::subscribed);
  }
}

TEST_CASE("'Framework failed over' stops on the current generation and is ignored from an older one") {
  auto m = machine();
  const auto first = subscribe(m, 0);
  m.stream_ended(first, "eof", 1);
  const auto second = subscribe(m, 1'000);
  CHECK(m.error_event(first, "Framework failed over", 1'001).next == Next::go_on);
  CHECK(m.phase() == Phase::subscribed);
  const auto reaction = m.error_event(second, "Framework failed over", 1'002);
  CHECK(reaction.next == Next::stop);
  CHECK(reaction.fatal == Fatal::failed_over);
  CHECK(reaction.disconnected);
}

TEST_CASE(
    "an eviction soon after a SUBSCRIBE that was given up unanswered is met by subscribing again, once") {
  auto m = machine();
  const auto lost = m.next_attempt(0);
  m.attempt_failed(lost.generation, "no head in time", 15'000);  // its bytes may arrive yet
  auto generation = subscribe(m, 15'000);
  const auto reaction = m.error_event(generation, "Framework failed over", 18'000);
  CHECK(reaction.next == Next::reconnect);
  CHECK(reaction.disconnected);
  generation = subscribe(m, 18'000);
  CHECK(m.error_event(generation, "Framework failed over", 30'000).fatal == Fatal::failed_over);

  auto late = machine();
  late.attempt_failed(late.next_attempt(0).generation, "no head in time", 15'000);
  generation = subscribe(late, 15'000);
  CHECK(late.error_event(generation, "Framework failed over", 15'000 + kLateSubscribeMs).fatal ==
        Fatal::failed_over);
}

TEST_CASE("hopeless ERROR texts stop with their own reason, unknown ones subscribe again") {
  CHECK(classify_error_event("Framework has been removed") == Fatal::framework_removed);
  CHECK(classify_error_event("Not authorized to use role 'x'") == Fatal::unauthorized);
  CHECK(classify_error_event("Suppressed roles { x } are not contained in the set of roles") ==
        Fatal::rejected);
  CHECK(classify_error_event("Roles { x } are not present in the master's --roles") == Fatal::rejected);
  CHECK(classify_error_event("Changing framework's principal is not allowed.") == Fatal::rejected);
  CHECK(classify_error_event("'FrameworkInfo.roles' contains duplicate items: { a }") == Fatal::rejected);
  CHECK(classify_error_event("something odd") == Fatal::none);
  auto m = machine();
  const auto generation = subscribe(m, 0);
  const auto reaction = m.error_event(generation, "something odd", 5);
  CHECK(reaction.next == Next::reconnect);
  CHECK(reaction.text.find("something odd") != std::string::npos);
  CHECK(m.next_attempt(5).at_ms > 5);
}

TEST_CASE("an ERROR before SUBSCRIBED stores no id and surfaces the message") {
  auto m = machine();
  const auto attempt = m.next_attempt(0);
  m.answered(attempt.generation, stream_head(), "", 0);
  const auto reaction =
      m.error_event(attempt.generation, "'FrameworkInfo.roles' contains invalid role: no", 0);
  CHECK(reaction.fatal == Fatal::rejected);
  CHECK(!reaction.disconnected);
  CHECK(m.framework().empty());
}

TEST_CASE("whatever belongs to an older generation is ignored") {
  auto m = machine();
  const auto old = subscribe(m, 0);
  m.stream_ended(old, "eof", 1);
  for (const auto& late : {m.bytes_came(old, 2), m.stream_ended(old, "late", 2), m.calls_lost(old, "late", 2),
                           m.call_refused(old, head(401), "", 2), m.attempt_failed(old, "late", 2),
                           m.answered(old, head(401), "", 2)}) {
    CHECK(late.next == Next::go_on);
    CHECK(!late.disconnected);
  }
  const auto current = subscribe(m, 1'000);
  CHECK(current > old);
  CHECK(m.stream_ended(old, "late", 1'001).next == Next::go_on);
  CHECK(m.calls_lost(old, "late", 1'001).next == Next::go_on);
  CHECK(m.phase() == Phase::subscribed);
}

TEST_CASE("a lost subscription is sought where it was, a stream that never came to be at the next master") {
  auto m = machine();
  m.stream_ended(subscribe(m, 0), "eof", 1);
  auto attempt = m.next_attempt(1);
  CHECK(attempt.to == kA);
  m.answered(attempt.generation, stream_head(), "", 1);
  m.stream_ended(attempt.generation, "eof", 2);
  CHECK(m.next_attempt(2).to == kB);
}

TEST_CASE("a second SUBSCRIBED on one stream changes nothing") {
  auto m = machine();
  const auto generation = subscribe(m, 0, "fw");
  const auto reaction = m.subscribed_event(generation, FrameworkId("other"), 1, 5);
  CHECK(reaction.next == Next::go_on);
  CHECK(!reaction.subscribed);
  CHECK(m.framework().value == "fw");
}

TEST_CASE("a lost call connection ends the subscription once") {
  auto m = machine();
  const auto generation = subscribe(m, 0);
  CHECK(m.calls_lost(generation, "reset", 5).disconnected);
  CHECK(!m.stream_ended(generation, "eof", 6).disconnected);
  CHECK(m.time_passed(1'000'000).next == Next::go_on);
}

// ---- masters that a detector sees

TEST_CASE("with no master known the attempt waits, and goes where the detector then points") {
  auto m = machine({});
  CHECK(m.next_attempt(5).at_ms == kUntilMastersChange);
  CHECK(m.masters_changed({}, 6).next == Next::go_on);
  const auto reaction = m.masters_changed({kB}, 10);
  CHECK(reaction.next == Next::reconnect);
  CHECK(!reaction.disconnected);
  const auto attempt = m.next_attempt(10);
  CHECK(attempt.to == kB);
  CHECK(attempt.at_ms < 10 + kLeaderChangeMsMax);
}

TEST_CASE("another leader is followed after a jitter; the one we follow, or none, changes nothing") {
  auto m = machine({kA});
  const auto generation = subscribe(m, 0);
  CHECK(m.masters_changed({kA}, 5).next == Next::go_on);
  CHECK(m.masters_changed({kB, kA}, 5).next == Next::go_on);
  CHECK(m.masters_changed({}, 5).next == Next::go_on);
  CHECK(m.phase() == Phase::subscribed);
  const auto reaction = m.masters_changed({kC}, 6);
  CHECK(reaction.next == Next::reconnect);
  CHECK(reaction.disconnected);
  CHECK(m.stream_ended(generation, "late", 7).next == Next::go_on);
  const auto attempt = m.next_attempt(6);
  CHECK(attempt.to == kC);
  CHECK(attempt.at_ms < 6 + kLeaderChangeMsMax);
}

TEST_CASE("a subscription lost while no leader is known waits for one") {
  auto m = machine({kA});
  const auto generation = subscribe(m, 0);
  m.masters_changed({}, 5);
  CHECK(m.stream_ended(generation, "eof", 6).disconnected);
  CHECK(m.next_attempt(6).at_ms == kUntilMastersChange);
  m.masters_changed({kA}, 7);
  CHECK(m.next_attempt(7).to == kA);
}

TEST_CASE("credentials go to known and named masters, and to where the map says those are") {
  SubscriptionOptions options;
  options.masters = {kA};
  options.authenticates = true;
  options.credential_hosts = {kC};
  options.rewrite = [](const wire::Endpoint& name) {
    return name.host == "alias" ? kA : name.host == "inner" ? wire::Endpoint{"10.0.0.1", 1} : name;
  };
  const auto led_to = [&](const std::string& location) {
    Subscription m(options, Prng(1));
    const auto first = m.next_attempt(0);
    CHECK(first.credentials);
    m.answered(first.generation, redirect(location), "", 0);
    return m.next_attempt(0);
  };
  CHECK(led_to("//A:5050").credentials);
  CHECK(led_to("//c:5050/").credentials);
  CHECK(led_to("//alias:5050").credentials);
  CHECK(led_to("//alias:5050").connect_to == kA);
  CHECK(led_to("//alias:5050").to.host == "alias");
  for (const char* foreign : {"//b:5050", "//a:5051", "//inner:5050"}) {
    CAPTURE(foreign);
    CHECK(!led_to(foreign).credentials);
  }
}

TEST_CASE("who wants credentials that were withheld is passed over, with a reason") {
  SubscriptionOptions options;
  options.masters = {kA};
  options.authenticates = true;
  Subscription m(options, Prng(1));
  m.answered(m.next_attempt(0).generation, redirect("//b:5050"), "", 0);
  const auto attempt = m.next_attempt(0);
  REQUIRE(attempt.to == kB);
  const auto reaction = m.answered(attempt.generation, head(401), "", 0);
  CHECK(reaction.next == Next::reconnect);
  CHECK(reaction.text.find("b:5050") != std::string::npos);
  CHECK(m.next_attempt(0).to == kA);
}

TEST_CASE("masters that speak https are not left for one that does not") {
  SubscriptionOptions options;
  options.masters = {kA};
  options.tls = true;
  for (const auto& [location, to] :
       {std::pair{"http://b:5050/", kA}, {"https://b:5050/", kB}, {"//b:5050", kB}}) {
    Subscription m(options, Prng(1));
    m.answered(m.next_attempt(0).generation, redirect(location), "", 0);
    CHECK(m.next_attempt(0).to == to);
  }
}

TEST_CASE("constraints that the master refuses are dropped, not fatal") {
  auto m = machine();
  const auto attempt = m.next_attempt(0);
  m.answered(attempt.generation, stream_head(), "", 0);
  const auto reaction = m.error_event(attempt.generation, "Offer constraints are not valid: no groups", 0);
  CHECK(reaction.next == Next::reconnect);
  CHECK(reaction.constraints_refused);
}

TEST_CASE("a connection that was refused is no SUBSCRIBE that could come late: an eviction is believed") {
  auto m = machine();
  m.attempt_failed(m.next_attempt(0).generation, "cannot connect", 0, false);
  const auto generation = subscribe(m, 1'000);
  CHECK(m.error_event(generation, "Framework failed over", 3'000).fatal == Fatal::failed_over);
}
