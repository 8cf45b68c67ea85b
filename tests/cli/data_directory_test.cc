#include "cli/data_directory.h"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace mimas::cli {
namespace {

class Scratch {
 public:
  Scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "mimas-cli-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  std::string operator/(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace

TEST_CASE("the default directory follows the XDG rules") {
  CHECK(default_data_directory("/x", "/h/u") == "/x/mimas");
  CHECK(default_data_directory("relative", "/h/u") == "/h/u/.local/share/mimas");
  CHECK(default_data_directory("", "/h/u") == "/h/u/.local/share/mimas");
  CHECK(default_data_directory(nullptr, "") == "mimas-data");
  CHECK(default_data_directory(nullptr, nullptr) == "mimas-data");
}

TEST_CASE("a data directory is made, and held by one at a time") {
  const Scratch scratch;
  {
    const Result<DataDirectory> first = DataDirectory::open(scratch / "a/b");
    REQUIRE(first.ok());
    const Result<DataDirectory> second = DataDirectory::open(scratch / "a/b");
    REQUIRE(!second.ok());
    CHECK(second.error().code == Code::conflict);
  }
  CHECK(DataDirectory::open(scratch / "a/b").ok());
}

TEST_CASE("a directory that cannot be made is an error that names it") {
  const Scratch scratch;
  std::ofstream(scratch / "file") << "x";
  const Result<DataDirectory> opened = DataDirectory::open(scratch / "file/below");
  REQUIRE(!opened.ok());
  CHECK(opened.error().code == Code::io);
  CHECK(opened.error().where == scratch / "file/below");
}

TEST_CASE("a port is remembered, and nonsense in its file is no port") {
  const Scratch scratch;
  const Result<DataDirectory> data = DataDirectory::open(scratch / "d");
  REQUIRE(data.ok());
  CHECK(!data->remembered_port("p").has_value());
  REQUIRE(data->remember_port("p", 5050).ok());
  CHECK(data->remembered_port("p") == std::optional<std::uint16_t>(5050));
  REQUIRE(data->remember_port("p", 6).ok());
  CHECK(data->remembered_port("p") == std::optional<std::uint16_t>(6));
  for (const char* nonsense : {"", "0\n", "65536\n", "-1", "80 81", "0x50", "999999999999999999999999"}) {
    CAPTURE(nonsense);
    std::ofstream(scratch / "d/p", std::ios::trunc) << nonsense;
    CHECK(!data->remembered_port("p").has_value());
  }
}

}  // namespace mimas::cli
