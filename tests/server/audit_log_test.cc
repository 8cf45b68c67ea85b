// The record of changes as a file: lines, rotation by size and by age, what a crash kept out, what it
// refuses.
#include "server/audit_log.h"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

using namespace mimas;
using namespace mimas::server;

namespace {

constexpr std::int64_t kDay = 86'400'000;

Audit audit(std::int64_t number, Instant at = Instant{1'800'000'000'000}) {
  Audit made;
  made.number = number;
  made.at = at;
  made.user = "ann";
  made.address = "10.0.0.7";
  made.action = "job.kill";
  made.detail = "killed by ann";
  made.fields = {{"state", "\"active\"", "\"killing\""}};
  return made;
}

struct Place {
  std::string directory, file;
  std::vector<std::string> said;
  Place() {
    char name[] = "/tmp/mimas-audit.XXXXXX";
    directory = ::mkdtemp(name);
    file = directory + "/audit.log";
  }
  ~Place() { std::filesystem::remove_all(directory); }

  std::unique_ptr<AuditLog> open(const std::vector<Audit>& known = {}, AuditLogOptions options = {}) {
    options.file = file;
    auto opened = AuditLog::open(options, known, [this](const std::string& line) { said.push_back(line); });
    REQUIRE_MESSAGE(opened.ok(), (opened.ok() ? "" : opened.error().text()));
    return *std::move(opened);
  }
  static std::string text(const std::string& path) {
    std::ostringstream out;
    out << std::ifstream(path, std::ios::binary).rdbuf();
    return out.str();
  }
  // "1 2 3": the numbers of its lines.
  std::string numbers(const std::string& suffix = {}) const {
    std::istringstream in(text(file + suffix));
    std::string out;
    for (std::string line; std::getline(in, line);) {
      const std::size_t at = line.find("\"number\":");
      out += (out.empty() ? "" : " ") +
             (at == std::string::npos ? "?" : line.substr(at + 9, line.find(',', at) - at - 9));
    }
    return out;
  }
};

}  // namespace

TEST_CASE("each record is a line that only its owner may read") {
  Place place;
  const auto log = place.open();
  log->write(audit(1), Instant{1});
  CHECK(
      Place::text(place.file) ==
      R"({"number":1,"at":"2027-01-15T08:00:00.000Z","user":"ann","address":"10.0.0.7","action":"job.kill",)"
      R"("jobId":null,"taskId":null,"detail":"killed by ann",)"
      R"("changes":[{"field":"state","before":"active","after":"killing"}]})"
      "\n");
  CHECK((std::filesystem::status(place.file).permissions() & std::filesystem::perms::all) ==
        std::filesystem::perms(0600));
}

TEST_CASE("what a crash kept out of the file is written at the next start, and nothing twice") {
  Place place;
  place.open()->write(audit(1), Instant{1});
  place.open({audit(1), audit(2), audit(3)});
  CHECK(place.numbers() == "1 2 3");
  place.open({audit(2), audit(3)});
  CHECK(place.numbers() == "1 2 3");
  // Half a line, of a machine that went down.
  std::ofstream(place.file, std::ios::binary | std::ios::app) << "{\"number\":4,\"at";
  place.open({audit(3), audit(4)});
  CHECK(place.numbers() == "1 2 3 4 4");
  CHECK(Place::text(place.file).ends_with("}\n"));
}

TEST_CASE("a full file makes way for a new one, and as many are kept as are to be") {
  Place place;
  const auto log = place.open({}, {.file_bytes_max = 300, .files = 2});
  for (std::int64_t number = 1; number <= 8; ++number) log->write(audit(number), Instant{1'800'000'000'000});
  CHECK(place.numbers() == "7 8");
  CHECK(place.numbers(".1") == "5 6");
  CHECK(place.numbers(".2") == "3 4");
  CHECK_FALSE(std::filesystem::exists(place.file + ".3"));
  // Found again also when the newest file is empty.
  std::filesystem::rename(place.file, place.file + ".1");
  place.open({audit(8), audit(9)});
  CHECK(place.numbers() == "9");
}

TEST_CASE("a file that was begun a month ago makes way, and one from before its time is removed") {
  Place place;
  const Instant begin{1'800'000'000'000};
  auto log = place.open();
  log->write(audit(1, begin), begin);
  log = place.open();  // what it was begun with is read back
  log->write(audit(2, begin), begin + 29 * kDay);
  CHECK(place.numbers() == "1 2");
  log->write(audit(3, begin + 30 * kDay), begin + 30 * kDay);
  CHECK(place.numbers() == "3");
  CHECK(place.numbers(".1") == "1 2");
  log->write(audit(4), begin + 380 * kDay);
  CHECK(place.numbers(".1") == "3");
  CHECK_FALSE(std::filesystem::exists(place.file + ".2"));
}

TEST_CASE("a file that somebody moved away is made anew") {
  Place place;
  const auto log = place.open();
  log->write(audit(1), Instant{1});
  std::filesystem::rename(place.file, place.file + ".moved");
  log->reopen();
  log->write(audit(2), Instant{1});
  CHECK(place.numbers() == "2");
  CHECK(place.numbers(".moved") == "1");
}

TEST_CASE("what cannot be written is said once, and comes when it can") {
  Place place;
  const auto log = place.open();
  std::filesystem::remove(place.file);
  std::filesystem::create_directory(place.file);
  log->reopen();
  CHECK(place.said.size() == 1);
  log->write(audit(1), Instant{1});
  log->write(audit(2), Instant{1});
  CHECK(place.said.size() == 2);
  std::filesystem::remove(place.file);
  log->reopen();
  log->write(audit(3), Instant{1});
  CHECK(place.numbers() == "1 2 3");
  CHECK(place.said.size() == 3);
}

TEST_CASE("a file that others may read is narrowed; a link and a directory are refused") {
  Place place;
  const auto opens = [&](const std::string& file) {
    return AuditLog::open({.file = file}, {}, [](const std::string&) {}).ok();
  };
  std::ofstream(place.directory + "/wide") << "";
  ::chmod((place.directory + "/wide").c_str(), 0644);
  CHECK(opens(place.directory + "/wide"));
  struct stat about {};
  REQUIRE(::stat((place.directory + "/wide").c_str(), &about) == 0);
  CHECK((about.st_mode & 0777) == 0600);
  std::filesystem::create_symlink("/tmp/elsewhere", place.directory + "/link");
  CHECK_FALSE(opens(place.directory + "/link"));
  CHECK_FALSE(opens(place.directory));
  CHECK_FALSE(opens(place.directory + "/no/such"));
  CHECK(opens(""));
}
