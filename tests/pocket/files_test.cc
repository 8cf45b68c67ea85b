// Rules 124 and 134 of mesos-protocol §8: what can be read of a sandbox, and what cannot.
#include "pocket/files.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace mimas::pocket {
namespace {

namespace fs = std::filesystem;

struct Sandbox {
  Sandbox() {
    char name[] = "/tmp/pocket-files-XXXXXX";
    root = ::mkdtemp(name);
    const fs::path runs = fs::path(root) / "frameworks/F/executors/e/runs";
    fs::create_directories(runs / "run1/sub");
    fs::create_directories(runs / "run10");
    fs::create_directory_symlink("run1", runs / "latest");
    std::ofstream(runs / "run1/stdout") << "hello\n";
    std::ofstream(runs / "run1/a b") << "blank";
    std::ofstream(runs / "run1/big") << std::string(100'000, 'x');
    std::ofstream(runs / "run10/secret") << "secret";
    fs::create_symlink("/etc/passwd", runs / "run1/passwd");
    fs::create_symlink("../run10/secret", runs / "run1/sibling");
    fs::create_directory_symlink("/etc", runs / "run1/etc");
  }
  ~Sandbox() {
    std::error_code ignored;
    fs::remove_all(root, ignored);
  }
  std::string root;
};

const std::string kRun = "/frameworks/F/executors/e/runs/latest";

http::Reply get(const Files& files, const std::string& what, const std::string& path,
                const std::string& offset = "", const std::string& length = "") {
  http::Request request;
  request.method = "GET";
  request.path = "/files/" + what;
  request.query = {{"path", path}};
  if (!offset.empty()) request.query.push_back({"offset", offset});
  if (!length.empty()) request.query.push_back({"length", length});
  return files.handle(request);
}

}  // namespace

TEST_CASE(
    "rule 124: reading: the size, the whole, pieces, past the end, at most 64 KiB, and what is refused") {
  const Sandbox sandbox;
  const Files files(sandbox.root);
  CHECK(get(files, "read", kRun + "/stdout", "-1").body == R"({"data":"","offset":6})");
  CHECK(get(files, "read", kRun + "/stdout").body == R"({"data":"","offset":6})");
  CHECK(get(files, "read", kRun + "/stdout", "0").body == R"({"data":"hello\n","offset":0})");
  CHECK(get(files, "read", kRun + "/stdout", "1", "2").body == R"({"data":"el","offset":1})");
  CHECK(get(files, "read", kRun + "/stdout", "6").body == R"({"data":"","offset":6})");
  CHECK(get(files, "read", kRun + "/a b", "0").body == R"({"data":"blank","offset":0})");
  const auto piece = files.read(kRun + "/big", 0, 90'000);
  REQUIRE(piece.ok());
  CHECK(piece->data.size() == 65'536);
  CHECK(get(files, "read", kRun + "/sub", "0").status == 400);
  CHECK(get(files, "read", kRun + "/none", "0").status == 404);
  CHECK(get(files, "read", kRun + "/stdout", "x").status == 400);
  CHECK(get(files, "read", kRun + "/stdout", "-2").status == 400);
  http::Request bare;
  bare.path = "/files/read";
  CHECK(files.handle(bare).body == "Expecting 'path=value' in query.\n");
  CHECK(get(files, "browse", kRun + "/stdout").body == "[]");
  const auto entries = files.list(kRun);
  REQUIRE(entries.ok());
  CHECK(entries->size() == 7);
  CHECK(entries->front().path == kRun + "/a b");
  CHECK(get(files, "download", kRun + "/sub").status == 400);
  CHECK(get(files, "download", kRun + "/stdout").stream);
}

TEST_CASE("rule 134: nothing outside the sandbox is read, by dots, links or look-alike siblings") {
  const Sandbox sandbox;
  const Files files(sandbox.root);
  for (const char* path :
       {"/../run10/secret", "/passwd", "/sibling", "/etc/passwd", "/sub/../../run10/secret", "/."}) {
    CAPTURE(path);
    CHECK(get(files, "read", kRun + path, "0").status == 400);
    CHECK(get(files, "download", kRun + path).status == 400);
  }
  CHECK(get(files, "read", "/etc/passwd", "0").status == 404);
  CHECK(get(files, "read", "/frameworks/F/executors/e/runs/latest0/x", "0").status == 404);
  CHECK(get(files, "browse", "/frameworks/F/executors/e/runs").status == 404);
  CHECK(get(files, "read", kRun + std::string("/std\0out", 8), "0").status == 400);
}

}  // namespace mimas::pocket
