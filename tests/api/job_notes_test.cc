#include "api/job_notes.h"

#include <doctest/doctest.h>

#include "api/commands.h"
#include "api/render.h"

namespace mimas::api {
namespace {

// Notes of what is submitted, each cut to its first words.
std::vector<std::string> notes(const std::string& body) {
  const auto checked = parse_submission(body, false);
  std::string faults;
  for (const Fault& fault : checked.faults) faults += fault.pointer + ": " + fault.detail + "\n";
  REQUIRE_MESSAGE(checked.ok(), faults);
  return checked.value.notes;
}

bool has(const std::vector<std::string>& notes, std::string_view part) {
  return notes.size() == 1 && notes[0].find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a job that does what it says has no notes") {
  CHECK(notes(R"({"entryPoint":"echo $HOME && sleep 1 | cat","ports":2})").empty());
  CHECK(notes(R"({"applicationName":"a/b","entryPoint":"sh -c 'echo $X && true'","ports":[80]})").empty());
  CHECK(notes(R"({"applicationName":"a/b","ports":[80],"container":{"network":"bridge"}})").empty());
  CHECK(notes(R"({"type":"service","entryPoint":"x","retries":0})").empty());
  CHECK(notes(R"({"type":"service","entryPoint":"x","retries":2147483647})").empty());
  CHECK(notes(R"({"entryPoint":"x","retries":3})").empty());
}

TEST_CASE("a service's retries are noted, its description can be sent again without") {
  CHECK(has(notes(R"({"type":"service","entryPoint":"x","retries":3})"), "`retries` has no effect"));
  CHECK(has(notes(R"({"type":"service","entryPoint":"x","numRetries":1})"), "`retries` has no effect"));
  CHECK(has(notes(R"({"type":"service","entryPoint":"x","retryPolicy":{"immediate":{"retries":4}}})"),
            "`retries` has no effect"));
}

TEST_CASE("what only a shell understands is noted for a container, whose line no shell reads") {
  CHECK(has(notes(R"({"applicationName":"a/b","entryPoint":"echo hi && sleep 1"})"),
            "`&&` in `entryPoint` goes to the program as it stands"));
  CHECK(has(notes(R"({"applicationName":"a/b","entryPoint":"run --port $PORT0"})"), "`$PORT0`"));
}

TEST_CASE("ports that are mapped for nobody are noted with the variable that has the real one") {
  CHECK(has(notes(R"({"entryPoint":"x","ports":[18080,9]})"), "$PORT_18080 ($PORT0), not on 18080"));
  CHECK(has(notes(R"({"applicationName":"a/b","ports":[80],"container":{"network":"host"}})"),
            "host's network"));
  CHECK(has(notes(R"({"applicationName":"a/b","ports":[80],"container":{"network":"none"}})"),
            "without a network"));
  CHECK(has(notes(R"({"applicationName":"a/b","ports":1,"container":{"network":"none"}})"),
            "without a network"));
  CHECK(notes(R"({"applicationName":"a/b","ports":1,"container":{"network":"host"}})").empty());
}

TEST_CASE("notes stand in the answer to a submission and in every answer that shows the job") {
  const auto checked = parse_submission(
      R"({"type":"service","entryPoint":"x","retries":3,"ports":[80],"iamProfile":"p"})", false);
  REQUIRE(checked.ok());
  CHECK(checked.value.notes.size() == 3);
  CHECK(render_job_uri(JobId("mimas-1")) == R"({"jobUri":"/api/v2/jobs/mimas-1"})");
  CHECK(render_job_uri(JobId("mimas-1"), {"a", "b"}) ==
        R"({"jobUri":"/api/v2/jobs/mimas-1","notes":["a","b"]})");
  Job job;
  job.spec = checked.value.command.spec;
  const std::string shown = render_job(job, {}, "");
  CHECK(shown.find("`iamProfile` is kept") != std::string::npos);
  CHECK(shown.find("$PORT_80") != std::string::npos);
  CHECK(notes_beyond(notes_of(*job.spec), checked.value.notes) ==
        std::vector<std::string>{"`retries` has no effect: a service is started again without end"});
}

}  // namespace mimas::api
