// The terms by values, and the text that operators write.
#include "placement/fitness.h"

#include <doctest/doctest.h>

#include "scene.h"

namespace mimas::placement {
namespace {

std::int64_t value_of(Term term, const Outlook& outlook) {
  Fitness fitness;
  fitness.terms = {{term, 7}};
  return fitness_of(fitness, outlook);
}

Outlook half_full() {
  Outlook outlook;
  outlook.cpu_used = 500;
  outlook.cpu_total = 1'000;
  outlook.mem_used = 250;
  outlook.mem_total = 1'000;
  outlook.disk_used = 900;
  outlook.disk_total = 1'000;
  outlook.network_used = 300;
  outlook.network_total = 1'000;
  return outlook;
}

TEST_CASE("packers are the shares in use, spreaders what is left") {
  const Outlook one = half_full();
  CHECK(value_of(Term::pack_cpu, one) == 500);
  CHECK(value_of(Term::pack_memory, one) == 250);
  CHECK(value_of(Term::pack_disk, one) == 900);
  CHECK(value_of(Term::pack_network, one) == 300);
  CHECK(value_of(Term::pack, one) == 375);
  CHECK(value_of(Term::pack_dominant, one) == 900);
  CHECK(value_of(Term::spread_cpu, one) == 500);
  CHECK(value_of(Term::spread_memory, one) == 750);
  CHECK(value_of(Term::spread, one) == 625);
  CHECK(value_of(Term::worst_fit, one) == 100);
  CHECK(value_of(Term::first_fit, one) == 1'000);
}

TEST_CASE("what an agent has none of is full, and dominates nothing") {
  Outlook bare;
  CHECK(value_of(Term::pack_network, bare) == 1'000);
  CHECK(value_of(Term::pack_cpu, bare) == 1'000);
  CHECK(value_of(Term::pack_dominant, bare) == 0);
}

TEST_CASE("free amounts above the total count as nothing used, and shares end at 1000") {
  Outlook odd;
  odd.cpu_total = 100;
  odd.cpu_used = -50;
  CHECK(value_of(Term::pack_cpu, odd) == 0);
  odd.cpu_used = 150;
  CHECK(value_of(Term::pack_cpu, odd) == 1'000);
}

TEST_CASE("types of jobs stay apart") {
  Outlook empty;
  CHECK(value_of(Term::same_type, empty) == 500);
  empty.own_type = true;
  CHECK(value_of(Term::same_type, empty) == 1'000);
  empty.other_type = true;
  CHECK(value_of(Term::same_type, empty) == 0);
}

TEST_CASE("services are better off where fewer of their own tasks run; to batch jobs it does not matter") {
  Fitness fitness{{{Term::first_fit, 1}, {Term::spread_services, 1}}, 1'001};
  Outlook there;
  there.service = true;
  CHECK(fitness_of(fitness, there) == 1'000);
  there.of_job = 1;
  CHECK(fitness_of(fitness, there) == 750);
  there.of_job = 3;
  CHECK(fitness_of(fitness, there) == 625);
  there.service = false;
  CHECK(fitness_of(fitness, there) == 1'000);
  CHECK(fitness_of({{{Term::spread_services, 1}}, 1'001}, there) == 1'000);  // nothing else is asked
}

TEST_CASE("job, image and cost") {
  Outlook one;
  CHECK(value_of(Term::same_job, one) == 0);
  CHECK(value_of(Term::same_image, one) == 0);
  CHECK(value_of(Term::cheap, one) == 1'000);
  one.of_job = 1;
  one.same_image = true;
  one.cost = 300;
  CHECK(value_of(Term::same_job, one) == 1'000);
  CHECK(value_of(Term::same_image, one) == 1'000);
  CHECK(value_of(Term::cheap, one) == 700);
  one.cost = 5'000;
  CHECK(value_of(Term::cheap, one) == 0);
}

TEST_CASE("terms are weighed by any positive integers") {
  Fitness fitness;
  fitness.terms = {{Term::pack_cpu, 1}, {Term::pack_memory, 3}};
  CHECK(fitness_of(fitness, half_full()) == (500 + 3 * 250) / 4);
}

TEST_CASE("the text of a fitness is read and written alike") {
  const char* const all =
      "pack-cpu=1, pack-memory=2, pack-disk=3, pack-network=4, pack=5, pack-dominant=6, spread-cpu=7, "
      "spread-memory=8, spread=9, worst-fit=10, first-fit=11, same-type=12, same-job=13, "
      "spread-services=250, "
      "same-image=14, cheap=1000";
  const auto terms = parse_fitness(all);
  REQUIRE(terms.ok());
  CHECK(terms->size() == 16);
  CHECK(fitness_text(*terms) == all);
  CHECK(fitness_text(*parse_fitness("pack = 80,same-type=20,spread-services= 250")) ==
        fitness_text(Fitness{}.terms));
}

TEST_CASE("what is no fitness is refused with the remedy") {
  auto refused = [](const char* text) {
    const auto terms = parse_fitness(text);
    REQUIRE_FALSE(terms.ok());
    CHECK_FALSE(terms.error().hint.empty());
    return terms.error().message;
  };
  CHECK(refused("") == "the fitness has no term \"\"");
  CHECK(refused("packs=1") == "the fitness has no term \"packs\"");
  CHECK(refused("pack") == "the fitness gives \"pack\" no weight");
  CHECK(refused("pack=80,") == "the fitness has no term \"\"");
  CHECK(refused("pack=1, pack=2") == "the fitness names \"pack\" twice");
  for (const char* weight : {"pack=0", "pack=-1", "pack=1001", "pack=1.5", "pack=", "pack=x"}) {
    CHECK(refused(weight) == "the fitness gives \"pack\" a weight that is no number from 1 to 1000");
  }
}

TEST_CASE("every term decides between two agents") {
  auto picks = [](const std::string& fitness, auto prepare) {
    Scene scene(fitness);
    Resources all{1'000, 1'000, 1'000, 0, {}, {{"network", 1'000'000}}};
    for (const char* id : {"a", "b"}) {
      scene.agent(id, 1'000);
      scene.offer(id, all);
    }
    scene.want(1, 100, 1).application_name = "image";
    prepare(scene, all);
    return scene.places();
  };
  auto less = [&](auto change) {
    return [change](Scene& scene, Resources all) {
      change(all);
      scene.cluster.offer(scene.hosts.at("b"), all);
    };
  };
  const auto less_cpu = less([](Resources& r) { r.cpu_milli = 500; });
  const auto less_memory = less([](Resources& r) { r.mem_mib = 500; });
  const auto less_disk = less([](Resources& r) { r.disk_mib = 500; });
  const auto less_network = less([](Resources& r) { r.scalars = {{"network", 1'000}}; });
  CHECK(picks("pack-cpu=1", less_cpu) == "b");
  CHECK(picks("pack-memory=1", less_memory) == "b");
  CHECK(picks("pack-disk=1", less_disk) == "b");
  CHECK(picks("pack-network=1", less_network) == "b");
  CHECK(picks("pack=1", less_memory) == "b");
  CHECK(picks("pack-dominant=1", less_disk) == "b");
  CHECK(picks("spread-cpu=1", less_cpu) == "a");
  CHECK(picks("spread-memory=1", less_memory) == "a");
  CHECK(picks("spread=1", less_memory) == "a");
  CHECK(picks("worst-fit=1", less_disk) == "a");
  CHECK(picks("first-fit=1", less_cpu) == "a");
  auto runs = [](const Work& work) {
    return [work](Scene& scene, const Resources&) { scene.cluster.start(scene.hosts.at("b"), work); };
  };
  CHECK(picks("same-type=1", runs({2, JobType::batch, "", "", false})) == "b");
  CHECK(picks("same-type=1", runs({2, JobType::service, "", "", false})) == "a");
  CHECK(picks("same-job=1", runs({1, JobType::batch, "", "", false})) == "b");
  CHECK(picks("same-image=1", runs({2, JobType::batch, "image", "", false})) == "b");
  CHECK(picks("same-image=1", runs({2, JobType::batch, "other", "", false})) == "a");
  auto costs = [](Scene& scene, const Resources&) {
    HostFacts facts = scene.cluster.facts(scene.hosts.at("a"));
    facts.attributes["cost"] = "10";
    scene.cluster.put(facts);
  };
  CHECK(picks("cheap=1", costs) == "b");
}

}  // namespace
}  // namespace mimas::placement
