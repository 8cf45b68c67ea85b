// Explanations for people.
#include "cli/why_text.h"

#include <doctest/doctest.h>

#include "zone.h"

namespace mimas::cli {
namespace {

json::Document parsed(std::string_view text) { return std::move(json::parse(text)).value(); }

constexpr const char* kExplanation =
    R"({"tasks":1,"agents":3,"reasons":[{"reason":"constraint arch=arm","agents":2},{"reason":"memory","agents":1}],
        "quotaOfGroup":null,"tooLarge":false,"nearest":{"agentId":"a","hostname":"pi1","reason":"memory",
        "lacks":[{"what":"memory","asked":900,"free":100,"total":1000}]},"help":["less memory"]})";

}  // namespace

TEST_CASE("why a task waits: a sentence, its queue, reasons, the nearest miss, help") {
  const json::Document why = parsed(std::string(R"({"taskId":"mimas-1-worker-0-0","text":"waits for a place",
      "since":"2026-11-21T07:00:00.000Z","queue":{"capacityGroup":"g","before":2,"tasks":5},"explanation":)") +
                                    kExplanation + "}");
  CHECK(task_why_text(why.root(), false) ==
        "mimas-1-worker-0-0 waits for a place\n"
        "since 2026-11-21 07:00:00+00:00\n"
        "in the queue of g: 2 of 5 waiting tasks go first\n"
        "\n"
        "REASON               AGENTS\n"
        "constraint arch=arm  2\n"
        "memory               1\n"
        "\n"
        "nearest: pi1 (memory), memory: 900 asked, 100 of 1000 MiB free\n"
        "help: less memory\n");
}

TEST_CASE("a plan fits whole or not") {
  const json::Document all = parsed(R"({"placement":{"tasks":2,"placed":2,"agents":[],"explanation":null}})");
  const json::Document some =
      parsed(R"({"placement":{"tasks":2,"placed":1,"agents":[],"explanation":null}})");
  CHECK(fits_whole(all.root()));
  CHECK_FALSE(fits_whole(some.root()));
  CHECK_FALSE(fits_whole(parsed("{}").root()));
  CHECK(plan_text(some.root(), false) == "1 of 2 tasks would have a place now\n");
}

}  // namespace mimas::cli
