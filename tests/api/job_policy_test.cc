// What the policy refuses, rule by rule, with the pointer and the remedy; its text; what credentials narrow.
#include "api/job_policy.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "api/commands.h"
#include "api/job_policy_file.h"

namespace mimas::api {
namespace {

JobSpec spec_of(const std::string& fields) {
  const auto parsed = parse_submission("{" + fields + "}", false);
  REQUIRE_MESSAGE(parsed.ok(), fields << " → " << (parsed.ok() ? "" : parsed.faults[0].detail));
  return *parsed.value.command.spec;
}
JobSpec process(const std::string& fields) {
  return spec_of("\"runtime\":\"process\",\"entryPoint\":\"true\"" + (fields.empty() ? "" : "," + fields));
}
JobSpec container(const std::string& fields) {
  return spec_of("\"applicationName\":\"team/app\"" + (fields.empty() ? "" : "," + fields));
}

std::vector<Fault> faults_of(const JobPolicy& policy, const JobSpec& spec, const Grants& grants = {}) {
  return policy_faults(spec, {policy, policy.operator_rules, "operator", "ci", grants});
}
std::string pointers(const JobPolicy& policy, const JobSpec& spec, const Grants& grants = {}) {
  std::string text;
  for (const Fault& fault : faults_of(policy, spec, grants)) {
    CHECK(fault.forbidden);
    text += (text.empty() ? "" : " ") + fault.pointer;
  }
  return text;
}

JobPolicy read(const std::string& text) {
  const auto parsed = parse_policy(text, "/etc/p.json", {"root", false});
  REQUIRE_MESSAGE(parsed.ok(), text << " → " << (parsed.ok() ? "" : parsed.faults[0].detail));
  return parsed.value;
}

const JobPolicy kSafe = safe_policy("root", false), kOpen = open_policy("root");

TEST_CASE("the safe policy hands no agent to whoever may submit a job, and the open one refuses nothing") {
  struct Row {
    JobSpec spec;
    const char* refused;
  };
  const std::vector<Row> rows = {
      {process(""), "/runAs"},
      {process(R"("runAs":"root")"), "/runAs"},
      {process(R"("runAs":"00")"), "/runAs"},
      {process(R"("runAs":"65534:0")"), "/runAs"},
      {process(R"("runAs":"pi")"), "/runAs"},
      {process(R"("runAs":"nobody")"), ""},
      {container(""), ""},
      {container(R"("runAs":"root")"), ""},
      {container(R"("ports":[80])"), ""},
      {container(R"("container":{"network":"host"})"), "/container/network"},
      {container(R"("container":{"network":"lan"})"), "/container/network"},
      {container(R"("container":{"network":"none"})"), ""},
      {container(R"("container":{"privileged":true})"), "/container/privileged"},
      {container(R"("container":{"capAdd":["CHOWN","SYS_ADMIN","ALL"]})"),
       "/container/capAdd/1 /container/capAdd/2"},
      {container(R"("volumes":[{"source":"v","target":"/v"},{"source":"/srv","target":"/s"}])"),
       "/volumes/1/source"},
      {container(R"("artifacts":["https://x.example/a","/etc/passwd","file:///etc/shadow"])"),
       "/artifacts/1/uri /artifacts/2/uri"},
      {container(R"("priority":100,"production":true,"capacityGroup":"any")"), ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.refused);
    CHECK(pointers(kSafe, row.spec) == row.refused);
    CHECK(pointers(kOpen, row.spec) == "");
  }
}

TEST_CASE("a refusal names the rule, who may change it and how") {
  const std::string detail = faults_of(kSafe, process("")).at(0).detail;
  CHECK(detail ==
        "processes may not run as root, which they do without `runAs`: `users` of this server's policy "
        "(safe) for the "
        "role operator has nobody; say \"runAs\":\"nobody\", or whoever runs the server changes that with "
        "--policy "
        "FILE");
  CHECK(faults_of(kSafe, container(R"("container":{"privileged":true})"))
            .at(0)
            .detail.find("--allow-privileged") != std::string::npos);
  CHECK(faults_of(kSafe, container(R"("volumes":[{"source":"/a","target":"/b"}])"))
            .at(0)
            .detail.find("--allow-host-volumes") != std::string::npos);
}

TEST_CASE("whom all executors run as may be used, unless that is root") {
  const JobPolicy policy = safe_policy("batch", false);
  CHECK(pointers(policy, process("")) == "");
  CHECK(pointers(policy, process(R"("runAs":"batch")")) == "");
  CHECK(pointers(policy, process(R"("runAs":"root")")) == "/runAs");
}

TEST_CASE("artifacts are what begins with an allowed address, and no dots lead out of it") {
  const JobPolicy policy =
      read(R"({"operator":{"artifacts":["https://repo.example/a/","file:///srv/pub/"]}})");
  for (const char* good :
       {"https://repo.example/a/x.tgz", "/srv/pub/x", "file:///srv/pub/y/z", "/srv/pub/..x/y"})
    CHECK(pointers(policy, container(R"("artifacts":[")" + std::string(good) + R"("])")) == "");
  for (const char* bad :
       {"https://repo.example/b", "https://repo.example.evil.org/a/x", "http://repo.example/a/x",
        "/srv/public", "/srv/pub/../../etc/x", "file:///srv/pub/./../x", "https://repo.example/a/%2e%2E/b",
        "https://repo.example/a/.%2e/b", "https://x@evil.org/https://repo.example/a/x", "/etc/x"}) {
    CAPTURE(bad);
    CHECK(pointers(policy, container(R"("artifacts":[")" + std::string(bad) + R"("])")) ==
          "/artifacts/0/uri");
  }
}

TEST_CASE("host volumes are folders with all below, for reading alone where it says so") {
  const JobPolicy policy = read(R"({"operator":{"hostVolumes":["/srv/data","/etc/ssl:ro"]}})");
  const auto refused = [&](const std::string& source, bool read_only) {
    return !pointers(policy, container(R"("volumes":[{"target":"/x","source":")" + source +
                                       R"(","readOnly":)" + (read_only ? "true}]" : "false}]")))
                .empty();
  };
  CHECK_FALSE(refused("/srv/data", false));
  CHECK_FALSE(refused("/srv//data/./x/", false));
  CHECK_FALSE(refused("/etc/ssl/certs", true));
  CHECK(refused("/etc/ssl/certs", false));
  CHECK(refused("/srv/database", true));
  CHECK(refused("/srv", true));
  CHECK(refused("/", true));
}

TEST_CASE("a role has rules of its own over everybody's, and what is not said is the base's") {
  const JobPolicy policy =
      read(R"({"everybody":{"users":["nobody","www"],"priorityMax":50,"production":false},
      "admin":{"users":["*","root"],"production":true},"viewer":{"readEnv":true}})");
  CHECK(policy.operator_rules.users == std::vector<std::string>{"nobody", "www"});
  CHECK(policy.operator_rules.artifacts == kSafe.operator_rules.artifacts);
  CHECK(policy.admin.priority_max == 50);
  CHECK(policy.viewer.read_env);
  CHECK(pointers(policy, process(R"("runAs":"www","priority":51,"production":true)")) ==
        "/priority /production");
  const Grants none;
  CHECK(
      policy_faults(process(R"("priority":50,"production":true)"), {policy, policy.admin, "admin", "", none})
          .empty());
  CHECK(read(R"({"base":"open"})").operator_rules == kOpen.operator_rules);
  CHECK(read("{}").operator_rules == kSafe.operator_rules);
}

TEST_CASE("* allows anybody but root, and any network but the host's") {
  const JobPolicy policy = read(R"({"operator":{"users":["*"],"containerUsers":["*"],"networks":["*"]}})");
  CHECK(pointers(policy, process(R"("runAs":"pi")")) == "");
  CHECK(pointers(policy, process("")) == "/runAs");
  CHECK(pointers(policy, container(R"("runAs":"1000:1000")")) == "");
  CHECK(pointers(policy, container("")) == "/runAs");  // the image decides, and may say root
  CHECK(pointers(policy, container(R"("runAs":"u","container":{"network":"lan"})")) == "");
  CHECK(pointers(policy, container(R"("runAs":"u","container":{"network":"host"})")) == "/container/network");
}

TEST_CASE("every other list is looked at, too") {
  const JobPolicy policy = read(R"({"operator":{"runtimes":["docker"],"images":["registry.example/"],
      "capacityGroups":["batch"],"networks":["lan"]}})");
  CHECK(pointers(policy, process("")) == "/runtime /capacityGroup");
  CHECK(pointers(policy, container(R"("capacityGroup":"batch")")) == "/applicationName /container/network");
  CHECK(pointers(policy, spec_of(R"("applicationName":"registry.example/a","capacityGroup":"batch",
      "container":{"network":"lan"})")) == "");
}

TEST_CASE("containers that name no network have the bridge where the host's is not to be had") {
  CHECK(default_network(kSafe) == "bridge");
  CHECK(default_network(kOpen) == "host");
  const JobPolicy own = safe_policy("root", true);
  CHECK(pointers(own, container("")) == "");
}

TEST_CASE("all faults of a policy's text are told, each with its pointer") {
  const auto parsed = parse_policy(
      R"({"base":"sfae","everybody":{"user":["x"],"artifacts":["https://a","ftp://b/","file://x/"],"priorityMax":101},
      "operator":{"hostVolumes":["srv","/a/../b"],"capabilities":["CAP_CHOWN","x"],"runtimes":["proces"],"users":[""],
      "production":"no"},"root":{}})",
      "p", {"root", false});
  std::vector<std::string> found;
  for (const Fault& fault : parsed.faults) found.push_back(fault.pointer);
  CHECK(found == std::vector<std::string>{
                     "/base", "/everybody/artifacts/0", "/everybody/artifacts/1", "/everybody/artifacts/2",
                     "/everybody/priorityMax", "/everybody/user", "/operator/runtimes/0", "/operator/users/0",
                     "/operator/hostVolumes/0", "/operator/hostVolumes/1", "/operator/capabilities/0",
                     "/operator/capabilities/1", "/operator/production", "/root"});
  CHECK_FALSE(parse_policy("[]", "p", {}).ok());
  CHECK_FALSE(parse_policy("", "p", {}).ok());
}

TEST_CASE("what is printed of a policy, read again, is the same policy") {
  json::Writer out;
  write_policy(out, kSafe);
  const std::string text = out.take();
  CHECK(text.find(R"("operator":{"runtimes":["*"],"users":["nobody"])") != std::string::npos);
  const auto document = json::parse(text);
  REQUIRE(document.ok());
  const JobPolicy again = read(R"({"base":"open","viewer":)" + document->root().find("viewer")->dump() +
                               ",\"operator\":" + document->root().find("operator")->dump() + "}");
  CHECK(again.operator_rules == kSafe.operator_rules);
  CHECK(again.viewer == kSafe.viewer);
}

TEST_CASE("credentials bound to applications have these groups, the ordinary priority and no production") {
  const Grants shop = grants_of({}, {"shop"});
  const std::string app = R"("appName":"shop")";
  CHECK(pointers(kOpen, process(app), shop) == "");
  CHECK(pointers(kOpen, process(app + R"(,"capacityGroup":"other","priority":1,"production":true)"), shop) ==
        "/capacityGroup /priority /production");
  CHECK(faults_of(kOpen, process(app + R"(,"priority":1)"), shop).at(0).detail ==
        "ci may not have a priority above 0: these credentials say priorityMax 0; whoever keeps the "
        "credentials file "
        "changes that, `mimas token new` with --priority-max");
  const Grants more = grants_of({{{"other"}}, {}, 7, true}, {"shop"});
  CHECK(pointers(kOpen, process(app + R"(,"capacityGroup":"other","priority":7,"production":true)"), more) ==
        "");
  CHECK(pointers(kOpen, process(app), more) == "/capacityGroup");
  // Without applications only what is said counts, and the policy still holds.
  CHECK(pointers(kOpen, process(R"("priority":100,"production":true)"), grants_of({}, {})) == "");
  CHECK(pointers(read(R"({"base":"open","operator":{"priorityMax":5}})"), process(R"("priority":7)"),
                 grants_of({{}, {}, 9, {}}, {})) == "/priority");
  CHECK(pointers(kOpen, process(""), grants_of({{{"DEFAULT"}}, {}, {}, {}}, {})) == "");
}

TEST_CASE("a secret of an application is for its jobs alone, a shared one for whom it is given to") {
  const JobSpec own = process(R"("appName":"shop","secretEnv":{"A":"shop/token"})");
  const JobSpec foreign = process(R"("appName":"shop","secretEnv":{"A/":"bank/token"})");
  const JobSpec shared = process(R"("appName":"shop","secretEnv":{"A":"ci-token"})");
  CHECK(pointers(kOpen, own, grants_of({}, {"shop"})) == "");
  CHECK(pointers(kOpen, foreign) == "/secretEnv/A~1");
  CHECK(pointers(kOpen, shared) == "");
  CHECK(pointers(kOpen, shared, grants_of({}, {"shop"})) == "/secretEnv/A");
  CHECK(pointers(kOpen, shared, grants_of({{}, {{"ci-"}}, {}, {}}, {"shop"})) == "");
  CHECK(pointers(read(R"({"base":"open","everybody":{"secrets":["x"]}})"), shared) == "/secretEnv/A");
}

TEST_CASE("secretEnv names secrets, and no variable has two values") {
  const auto faults = parse_submission(
      R"({"runtime":"process","entryPoint":"true","env":{"A":"1"},"secretEnv":{"A":"x","B":"../x","C=":"y","D":""}})",
      false);
  std::vector<std::string> found;
  for (const Fault& fault : faults.faults) found.push_back(fault.pointer);
  CHECK(found == std::vector<std::string>{"/secretEnv/A", "/secretEnv/B", "/secretEnv/C=", "/secretEnv/D"});
}

}  // namespace
}  // namespace mimas::api
