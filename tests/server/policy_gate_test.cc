// Where the policy stands in the way: every kind of command, by values.
#include "server/policy_gate.h"

#include <doctest/doctest.h>

#include <string>

#include "server/published_view.h"

using namespace mimas;
using namespace mimas::server;

namespace {

std::shared_ptr<JobSpec> spec() {
  auto made = std::make_shared<JobSpec>();
  made->app_name = "shop";
  made->capacity_group = "shop";
  made->runtime = Runtime::docker;
  return made;
}

struct World {
  Mailbox mailbox{10};
  Replies replies;
  PublishedView view;
  Executors executors;
  Stats stats{view, Instant{}};
  EventRing events{"epoch"};
  Metrics metrics{{view, mailbox, events, stats}, "1", Instant{}};
  RouteContext context{.mailbox = mailbox,
                       .replies = replies,
                       .view = view,
                       .executors = executors,
                       .stats = stats,
                       .events = events,
                       .metrics = metrics};
  const http::Request request;
  const http::Captures none;

  // mimas-1 is a production job of two instances that an admin made.
  World() {
    auto made = spec();
    made->production = true;
    Job job;
    job.id = make_job_id(1);
    job.number = 1;
    job.spec = made;
    job.instances_desired = 2;
    view.apply({engine::PutJob{std::make_shared<const Job>(job)}});
  }

  template <class Command>
  std::string refused(const Identity& who, const Command& command) {
    std::string text;
    for (const api::Fault& fault : forbidden(context, Call{request, none, who}, command))
      text += (text.empty() ? "" : " ") + fault.pointer + (fault.forbidden ? "" : "?");
    return text;
  }
};

const Identity kShop{"ci", Role::operator_, {"shop"}};
const Identity kAdmin{"root", Role::admin, {}};

}  // namespace

TEST_CASE("a submission is looked at, a dry run like any other") {
  World world;
  for (const bool dry_run : {false, true}) {
    engine::SubmitJob submit;
    submit.dry_run = dry_run;
    auto wanted = spec();
    submit.spec = wanted;
    CHECK(world.refused(kShop, submit) == "");
    wanted->priority = 1;
    wanted->container.privileged = true;
    CHECK(world.refused(kShop, submit) == "/container/privileged /priority");
    CHECK(world.refused(kAdmin, submit) == "/container/privileged");
  }
}

TEST_CASE("whoever changes a description answers for the whole of it; who lowers a count does not") {
  World world;
  engine::ChangeJob change;
  change.job = make_job_id(1);
  auto same = spec();
  same->production = true;
  change.spec = same;
  change.instances_desired = 1;
  CHECK(world.refused(kShop, change) == "");
  change.instances_desired = 3;
  CHECK(world.refused(kShop, change) == "/production");
  change.instances_desired = 2;
  same->env["A"] = "1";
  CHECK(world.refused(kShop, change) == "/production");
  CHECK(world.refused(kAdmin, change) == "");
  same->production = false;
  CHECK(world.refused(kShop, change) == "");
}

TEST_CASE("raising instances of what one may not have is refused, lowering them never") {
  World world;
  engine::SetInstanceCounts scale;
  scale.job = make_job_id(1);
  for (const std::int64_t desired : {0, 1, 2}) {
    scale.desired = desired;
    CHECK(world.refused(kShop, scale) == "");
  }
  scale.desired = 3;
  CHECK(world.refused(kShop, scale) == "/production");
  CHECK(world.refused(kAdmin, scale) == "");
  CHECK(world.refused(kShop, engine::KillJob{1, make_job_id(1), "", "", {}}) == "");
}

TEST_CASE("the role decides whose rules hold, and a policy that is read again holds at once") {
  World world;
  auto policy = std::make_shared<api::JobPolicy>(api::open_policy("root"));
  policy->operator_rules.runtimes = {"process"};
  world.context.policy = [&] { return policy; };
  engine::SubmitJob submit;
  submit.spec = spec();
  CHECK(world.refused(kShop, submit) == "/runtime");
  CHECK(world.refused(kAdmin, submit) == "");
  policy = std::make_shared<api::JobPolicy>(api::open_policy("root"));
  CHECK(world.refused(kShop, submit) == "");
}

TEST_CASE("a secret that is not there is told at once, one that a job has already is not asked for again") {
  World world;
  world.context.secret = [](const std::string& name) -> Result<std::string> {
    if (name == "shop/there") return std::string("value");
    return make_error(Code::not_found, "secret " + name + " is not there");
  };
  engine::SubmitJob submit;
  auto wanted = spec();
  wanted->secret_env = {{"A", "shop/there"}, {"B", "shop/gone"}};
  submit.spec = wanted;
  CHECK(world.refused(kShop, submit) == "/secretEnv/B?");
  wanted->secret_env["C"] = "bank/there";
  CHECK(world.refused(kShop, submit) == "/secretEnv/C");  // what is not theirs is not even looked for
}

TEST_CASE("values of the environment are for the role that may read them, and of the caller's applications") {
  World world;
  auto with_env = spec();
  with_env->env["A"] = "1";
  auto other = spec();
  other->env["A"] = "1";
  other->app_name = "bank";
  const auto sees = [&](const Identity& who, const JobSpec& what) {
    return sight_of(world.context, Call{world.request, world.none, who}).sees(what);
  };
  CHECK(sees(kAdmin, *other));
  CHECK(sees(kShop, *with_env));
  CHECK_FALSE(sees(kShop, *other));
  CHECK_FALSE(sees({"ann", Role::viewer, {}}, *with_env));
  world.context.policy = [] { return std::make_shared<const api::JobPolicy>(api::open_policy("root")); };
  CHECK(sees({"ann", Role::viewer, {}}, *with_env));
}
