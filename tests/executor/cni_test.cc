#include "executor/cni.h"

#include <doctest/doctest.h>

namespace {

using namespace mimas::executor;

TEST_CASE("the two drivers, and what is neither") {
  CHECK(parse_network("docker:weave")->name == "weave");
  const auto cni = parse_network("cni:/usr/lib/cni/ptp?config=/etc/cni/ptp.json");
  REQUIRE(cni.ok());
  CHECK(cni->driver == NetworkOptions::Driver::cni);
  CHECK(cni->plugin == "/usr/lib/cni/ptp");
  CHECK(cni->config == "/etc/cni/ptp.json");
  for (const char* wrong :
       {"", "weave", "docker:", "docker:a b", "docker:a/b", "cni:", "cni:/usr/lib/cni/ptp",
        "cni:ptp?config=/x", "cni:/p?config=", "cni:/p?config=x"}) {
    CAPTURE(wrong);
    const auto parsed = parse_network(wrong);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().where == "--network");
  }
}

TEST_CASE("the environment of a plugin") {
  const auto environment =
      cni_environment(CniCommand::del, "t1", "/proc/7/ns/net", "/usr/lib/cni/ptp", "/bin:/usr/bin");
  CHECK(environment == std::vector<std::string>{"CNI_COMMAND=DEL", "CNI_CONTAINERID=t1",
                                                "CNI_NETNS=/proc/7/ns/net", "CNI_IFNAME=eth0",
                                                "CNI_PATH=/usr/lib/cni", "PATH=/bin:/usr/bin"});
  CHECK(cni_container_id("mimas-1-worker-0-0") == "mimas-1-worker-0-0");
  CHECK(cni_container_id("-a:b") == "m-a_b");
}

TEST_CASE("a configuration has a version, a name and a type") {
  CHECK(check_cni_config(R"({"cniVersion":"1.0.0","name":"pis","type":"ptp"})").ok());
  CHECK(check_cni_config("{").error().code == mimas::Code::invalid_argument);
  CHECK(check_cni_config(R"({"cniVersion":"1.0.0","type":"ptp"})").error().where == "/name");
  CHECK(check_cni_config(R"({"cniVersion":1,"name":"pis","type":"ptp"})").error().where == "/cniVersion");
}

TEST_CASE("an address comes without the length of its prefix") {
  CHECK(parse_cni_result(R"({"cniVersion":"1.0.0","ips":[{"address":"10.1.0.5/16","gateway":"10.1.0.1"}]})")
            ->ip == "10.1.0.5");
  CHECK(parse_cni_result(R"({"ips":[{"address":"fd00::5/64"}]})")->ip == "fd00::5");
  for (const char* wrong :
       {"", "{}", R"({"ips":[]})", R"({"ips":[{}]})", R"({"ips":[{"address":"10.1.0.5"}]})",
        R"({"ips":[{"address":"/16"}]})", R"({"ips":7})", R"({"ips":[7]})"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_cni_result(wrong).ok());
  }
}

TEST_CASE("DEL is told what ADD answered; without an answer it gets the configuration alone") {
  const std::string config = R"({"cniVersion":"1.0.0","name":"pis","type":"ptp"})";
  CHECK(cni_del_input(config, R"({"ips":[]})") ==
        R"({"cniVersion":"1.0.0","name":"pis","type":"ptp","prevResult":{"ips":[]}})");
  CHECK(cni_del_input(config, "") == config);
}

TEST_CASE("a plugin's fault in its own words") {
  CHECK(cni_fault(R"({"code":7,"msg":"no addresses","details":"10.1.0.0/30"})") ==
        "no addresses: 10.1.0.0/30");
  CHECK(cni_fault(R"({"code":7,"msg":"no addresses"})") == "no addresses");
  CHECK(cni_fault("panic") == "panic");
  CHECK(cni_fault("{}") == "{}");
}

}  // namespace
