// Requests once sent to a real Mesos master, answered by ours: same status, same body. The files are copies
// of recorded bytes; nothing in them is edited.
#include <doctest/doctest.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <regex>

#include "pocket/master_face.h"

namespace mimas::pocket {
namespace {

std::string read_all(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

http::Request parse_request(const std::string& bytes) {
  http::Request request;
  const std::size_t end = bytes.find("\r\n\r\n");
  std::istringstream head(bytes.substr(0, end));
  std::string line;
  std::getline(head, line);
  std::istringstream first(line);
  first >> request.method >> request.path;
  while (std::getline(head, line)) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos)
      request.headers.push_back({line.substr(0, colon), line.substr(colon + 2)});
  }
  request.body = bytes.substr(end + 4);
  return request;
}

// The first record of a stream is what the subscription was answered with.
struct FirstChunk : http::StreamWriter {
  bool write(std::string_view bytes) override {
    chunk = std::string(bytes);
    return false;
  }
  bool peer_alive() override { return true; }
  std::string chunk;
};

// Framework numbers count a master's life; every request here meets a new one.
std::string normal(const std::string& text) {
  static const std::regex number("([0-9a-f]{12})-[0-9]{4}\"");
  return std::regex_replace(text, number, "$1-0000\"");
}

std::string without_position(const std::string& text) {
  const std::size_t near = text.find(" near: ");
  return near == std::string::npos ? text : text.substr(0, near);
}

}  // namespace

TEST_CASE("recorded requests are answered as Mesos answered them") {
  int seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(GOLDEN_DIR)) {
    const std::string name = entry.path().stem().string();
    const bool mine = name.starts_with("e") || name.starts_with("n") || name.starts_with("g_redirect") ||
                      name.starts_with("g_master_redirect") || name.starts_with("g_health") ||
                      name.starts_with("s05") || name.starts_with("s10c");
    // Framing of requests is the http room's; n0x need a cluster in a certain state.
    const bool elsewhere = name.starts_with("e27") || name.starts_with("e28") || name.starts_with("e29") ||
                           name.starts_with("e3") || name.starts_with("n0") || name.starts_with("n2");
    if (entry.path().extension() != ".req" || !mine || elsewhere) continue;
    CAPTURE(name);
    const std::string wanted = read_all(std::filesystem::path(entry.path()).replace_extension(".resp"));
    const std::size_t end = wanted.find("\r\n\r\n");
    REQUIRE(end != std::string::npos);
    int status = 0;
    std::from_chars(wanted.data() + 9, wanted.data() + 12, status);
    std::smatch id;
    const std::regex master_id(R"re("id":"([0-9a-f-]{36})")re");
    MasterOptions options;
    options.master_id = std::regex_search(wanted, id, master_id) ? id[1].str() : "M";
    MasterFace face(options, [](const std::vector<std::string>&) {});
    face.start();
    const http::Reply reply = face.handle(parse_request(read_all(entry.path())));
    CHECK(reply.status == status);
    if (reply.stream) {
      FirstChunk writer;
      reply.stream(writer);
      const std::size_t chunk = wanted.find("\r\n", end + 4) + 2;
      CHECK(normal(writer.chunk) == normal(wanted.substr(chunk, wanted.find("\r\n", chunk) - chunk)));
    } else {
      CHECK(without_position(reply.body) == without_position(wanted.substr(end + 4)));
      for (const wire::Header& header : reply.headers)
        CHECK(wanted.find(header.name + ": " + header.value + "\r\n") != std::string::npos);
    }
    ++seen;
  }
  CHECK(seen >= 45);
}

}  // namespace mimas::pocket
