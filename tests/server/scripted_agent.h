// An agent's file interface over loopback, as a real Mesos answers (mesos-protocol §5.6): READ_FILE and
// LIST_FILES of the operator API, /files/browse, /files/read with its JSON text, /files/download. Tests set
// the files, and what is refused.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "http/listener.h"
#include "mesos/v1/agent.pb.h"
#include "v1/codec.h"

namespace mimas::server {

class ScriptedAgent {
 public:
  ScriptedAgent() {
    http::Options options;
    options.listen = {"127.0.0.1", 0};
    auto opened =
        http::Listener::open(options, [this](const http::Request& request) { return answer(request); });
    REQUIRE(opened.ok());
    listener_ = std::move(opened).value();
  }

  wire::Endpoint endpoint() const { return {"127.0.0.1", listener_->port()}; }
  void stop() { listener_->stop(); }
  int asked(const std::string& path) const {
    const std::lock_guard hold(mutex_);
    const auto found = asked_.find(path);
    return found == asked_.end() ? 0 : found->second;
  }

  // Set before it is asked.
  std::map<std::string, std::string> files;  // by virtual path
  int operate_status = 200;                  // what /api/v1 says instead of answering
  int files_status = 200;                    // what /files/… says
  std::string wants_authorization;           // otherwise 401
  bool escapes_high_bytes = false;           // in /files/read: "\u00e4" for the byte E4, as older ones do
  std::size_t serves_bytes_max = SIZE_MAX;   // of any file; beyond it the agent has "died": no answer

 private:
  http::Reply answer(const http::Request& request) {
    {
      const std::lock_guard hold(mutex_);
      ++asked_[request.path];
    }
    http::Reply reply;
    const bool operate = request.path == "/api/v1";
    reply.status = operate ? operate_status : files_status;
    if (!wants_authorization.empty() && request.header("Authorization") != wants_authorization)
      reply.status = 401;
    if (reply.status != 200) return reply;
    if (operate) return operated(request);
    const std::string path(request.parameter("path"));
    if (request.path == "/files/browse") return browsed(path);
    const auto found = files.find(path);
    if (found == files.end()) return status(404);
    if (request.path == "/files/read") return read(request, found->second);
    if (request.path == "/files/download") {
      reply.content_type = "application/octet-stream";
      reply.stream = [bytes = found->second](http::StreamWriter& out) {
        for (std::size_t at = 0; at < bytes.size(); at += 10'000) out.write(bytes.substr(at, 10'000));
      };
      return reply;
    }
    return status(404);
  }

  static http::Reply status(int code) {
    http::Reply reply;
    reply.status = code;
    return reply;
  }

  http::Reply operated(const http::Request& request) {
    ::mesos::v1::agent::Call call;
    REQUIRE(v1::decode(request.body, v1::MediaType::protobuf, &call).ok());
    ::mesos::v1::agent::Response response;
    if (call.type() == ::mesos::v1::agent::Call::READ_FILE) {
      const auto found = files.find(call.read_file().path());
      if (found == files.end()) return status(404);
      if (call.read_file().offset() + call.read_file().length() > serves_bytes_max) {
        http::Reply lost;
        lost.lost = true;
        return lost;
      }
      const auto from = std::min<std::size_t>(call.read_file().offset(), found->second.size());
      response.set_type(::mesos::v1::agent::Response::READ_FILE);
      response.mutable_read_file()->set_size(found->second.size());
      response.mutable_read_file()->set_data(found->second.substr(from, call.read_file().length()));
    } else {
      response.set_type(::mesos::v1::agent::Response::LIST_FILES);
      const auto below = listed(call.list_files().path());
      if (below.empty()) return status(404);
      for (const auto& [name, size] : below) {
        auto* info = response.mutable_list_files()->add_file_infos();
        info->set_path(name);
        info->set_size(size);
        info->set_mode(name.ends_with("/folder") ? 040755u : 0100644u);
      }
    }
    http::Reply reply;
    reply.content_type = "application/x-protobuf";
    reply.body = v1::encode(response, v1::MediaType::protobuf);
    return reply;
  }

  std::map<std::string, std::size_t> listed(const std::string& folder) const {
    std::map<std::string, std::size_t> below;
    for (const auto& [path, bytes] : files) {
      if (path.starts_with(folder + "/")) below[path] = bytes.size();
    }
    return below;
  }

  http::Reply browsed(const std::string& folder) const {
    const auto below = listed(folder);
    if (below.empty()) return status(404);
    http::Reply reply;
    reply.body = "[";
    for (const auto& [path, size] : below) {
      const std::string mode = path.ends_with("/folder") ? "drwxr-xr-x" : "-rw-r--r--";
      reply.body += (reply.body.size() > 1 ? "," : "") + (R"({"gid":"root","mode":")" + mode) +
                    R"(","mtime":1795246108.0,"nlink":1,"path":")" + path + R"(","size":)" +
                    std::to_string(size) + R"(,"uid":"root"})";
    }
    reply.body += "]";
    return reply;
  }

  http::Reply read(const http::Request& request, const std::string& bytes) const {
    http::Reply reply;
    const std::string offset(request.parameter("offset"));
    if (offset == "-1") {
      reply.body = R"({"data":"","offset":)" + std::to_string(bytes.size()) + "}";
      return reply;
    }
    const auto from = std::min<std::size_t>(std::stoul(offset), bytes.size());
    reply.body = R"({"data":")";
    for (const unsigned char c : bytes.substr(from, std::stoul(std::string(request.parameter("length"))))) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", c);
      if (c == '"' || c == '\\') {
        reply.body += '\\';
        reply.body += static_cast<char>(c);
      } else if (c < 0x20 || c == 0x7f || (c > 0x7f && escapes_high_bytes)) {
        reply.body += escaped;
      } else {
        reply.body += static_cast<char>(c);
      }
    }
    reply.body += R"(","offset":)" + offset + "}";
    return reply;
  }

  mutable std::mutex mutex_;
  std::map<std::string, int> asked_;
  std::unique_ptr<http::Listener> listener_;  // last: its threads end before what they use
};

}  // namespace mimas::server
