// What a request costs follows its size, whatever names it has. Counted in steps (json/members.h), not in
// time.
#include <doctest/doctest.h>

#include <functional>

#include "api/commands.h"
#include "api/description.h"
#include "api/groups.h"
#include "api/operations.h"
#include "api/query.h"
#include "json/members.h"

namespace mimas::api {
namespace {

std::string names(std::size_t count, const std::string& value, bool doubled = false) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += (i == 0 ? "\"n" : ",\"n") + std::to_string(doubled ? i / 2 : i) + "\":" + value;
  }
  return text;
}

std::string ids(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\"";
  return text;
}

std::uint64_t steps(const std::function<void()>& work) {
  const std::uint64_t before = json::nodes_walked();
  work();
  return json::nodes_walked() - before;
}

struct Shape {
  const char* what;
  std::function<std::string(std::size_t)> body;
};
const std::vector<Shape>& shapes() {
  static const std::vector<Shape> kShapes{
      {"unknown names", [](std::size_t n) { return "{" + names(n, "1") + "}"; }},
      {"doubled names", [](std::size_t n) { return "{" + names(n, "1", true) + "}"; }},
      {"one name", [](std::size_t n) { return "{" + names(1, "[" + ids(n) + "]") + "}"; }},
      {"names in env", [](std::size_t n) { return "{\"env\":{" + names(n, "1") + "}}"; }},
      {"doubled names in env", [](std::size_t n) { return "{\"env\":{" + names(n, "\"\"", true) + "}}"; }},
      {"names in labels", [](std::size_t n) { return "{\"labels\":{" + names(n, "1") + "}}"; }},
      {"names in container", [](std::size_t n) { return "{\"container\":{" + names(n, "1") + "}}"; }},
      {"names in each of many", [](std::size_t n) { return "{\"artifacts\":[{" + names(n, "1") + "}]}"; }},
      {"many task ids", [](std::size_t n) { return "{\"taskIds\":[" + ids(n) + "]}"; }},
  };
  return kShapes;
}

}  // namespace

TEST_CASE("no names in a body make it cost more than its size") {
  Job job;
  auto spec = std::make_shared<JobSpec>();
  spec->name = "web";
  for (int i = 0; i < 1'000; ++i) spec->env["N" + std::to_string(i)] = "1";
  job.spec = spec;
  const std::vector<std::pair<const char*, std::function<void(const std::string&)>>> readers{
      {"submission", [](const std::string& body) { parse_submission(body, false); }},
      {"lenient submission", [](const std::string& body) { parse_submission(body, true); }},
      {"patch", [&](const std::string& body) { patch_description(wanted_of(job), body); }},
      {"kill of tasks", [](const std::string& body) { parse_kill_tasks(body); }},
      {"counts", [](const std::string& body) { parse_set_instance_counts(body); }},
      {"group", [](const std::string& body) { parse_group("g", body); }},
      {"operation", [](const std::string& body) { parse_operation(body); }},
  };
  for (const auto& [reader, read] : readers) {
    for (const Shape& shape : shapes()) {
      CAPTURE(std::string(reader));
      CAPTURE(std::string(shape.what));
      const std::string small = shape.body(2'000), large = shape.body(16'000);
      const std::uint64_t few = steps([&] { read(small); }), many = steps([&] { read(large); });
      // Eight times the size; the logarithm grows by a third.
      CHECK(many < 12 * few + 1'000);
      // For each byte a handful of steps at most, so that no constant hides what a walk costs.
      CHECK(many < 64 * large.size());
    }
  }
}

TEST_CASE("beyond the first unknown names nobody guesses what was meant") {
  std::string body = "{\"name\":\"x\"";
  for (int i = 0; i < 150; ++i) body += ",\"cpu" + std::to_string(i % 100) + (i < 100 ? "" : "x") + "\":1";
  const auto checked = parse_submission(body + "}", false);
  std::size_t unknown = 0, guessed = 0;
  for (const Fault& fault : checked.faults) {
    if (fault.detail.starts_with("unknown field")) ++unknown;
    if (fault.detail.find("did you mean") != std::string::npos) ++guessed;
  }
  CHECK(unknown == 150);
  CHECK(guessed > 0);
  CHECK(guessed <= kGuessesMax);
  std::vector<Parameter> parameters;
  for (int i = 0; i < 150; ++i) parameters.push_back({"typ" + std::to_string(i % 10), "1"});
  guessed = 0;
  for (const Fault& fault : unknown_parameters(parameters, {"type"})) {
    if (fault.detail.find("did you mean") != std::string::npos) ++guessed;
  }
  CHECK(guessed == kGuessesMax);
}

}  // namespace mimas::api
