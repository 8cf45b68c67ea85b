#include "cli/output_streams.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "cli/print.h"
#include "cli/rest.h"
#include "wire/endpoint.h"

namespace mimas::cli {
namespace {

constexpr std::size_t kLineBytesMax = 64u << 10;
constexpr std::int64_t kLookMs = 200;  // how soon a stream that is left is

std::string log_target(const OutputStreams::Wanted& wanted) {
  return "/v2/logs/" + wire::percent_encode(wanted.task) + "/" + wire::percent_encode(wanted.file) +
         (wanted.query.empty() ? "" : "?" + wanted.query);
}

}  // namespace

std::string PrefixedLines::take(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    const std::size_t feed = bytes.find('\n');
    const std::size_t room = kLineBytesMax - line_.size();
    const std::size_t count =
        std::min({feed == std::string_view::npos ? bytes.size() : feed, room, bytes.size()});
    line_.append(bytes.substr(0, count));
    bytes.remove_prefix(count);
    const bool complete = !bytes.empty() && bytes.front() == '\n';
    if (!complete && line_.size() < kLineBytesMax) break;
    if (complete) bytes.remove_prefix(1);
    out += prefix_ + line_ + "\n";
    line_.clear();
  }
  return out;
}

std::string PrefixedLines::rest() {
  if (line_.empty()) return {};
  std::string out = prefix_ + line_ + "\n";
  line_.clear();
  return out;
}

void OutputStreams::add(Wanted wanted) {
  if (!known_.insert({wanted.task, wanted.file}).second) return;
  if (threads_.size() >= kStreamsMax) {
    if (!std::exchange(cut_, true))
      complain("the output of more than " + std::to_string(kStreamsMax / 2) +
               " tasks is not shown; see `mimas logs`");
    return;
  }
  try {
    threads_.emplace_back([this, wanted = std::move(wanted)] { read(wanted); });
  } catch (const std::system_error& failure) {
    failed_ = make_error(Code::io, std::string("no thread to read with: ") + failure.what());
  }
}

OutputStreams::~OutputStreams() {
  left_ = true;
  wait();
}

void OutputStreams::wait() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

Status OutputStreams::status() const {
  const std::lock_guard hold(mutex_);
  return failed_;
}

void OutputStreams::write(const Wanted& wanted, std::string_view text) {
  if (text.empty()) return;
  const std::lock_guard hold(mutex_);
  if (wanted.to_stderr) {
    complain_raw(text);
  } else if (Status printed = print(text); !printed.ok() && failed_.ok()) {
    failed_ = std::move(printed);
  }
}

void OutputStreams::read(const Wanted& wanted) {
  Result<Rest> rest = Rest::open(client_);
  Status streamed = rest.ok() ? Status(Done{}) : Status(rest.error());
  PrefixedLines lines(wanted.prefix);
  if (rest.ok()) {
    streamed = rest->open_stream(log_target(wanted), {});
    bool more = streamed.ok();
    while (more && !left_ && status().ok()) {
      std::string bytes;
      const Result<bool> got = rest->read_stream(bytes, kLookMs);
      if (!got.ok() && got.error().code != Code::timeout) streamed = got.error();
      more = got.ok() ? *got : streamed.ok();
      write(wanted, wanted.prefix.empty() ? bytes : lines.take(bytes));
    }
  }
  write(wanted, lines.rest());
  const std::lock_guard hold(mutex_);
  if (!streamed.ok() && failed_.ok()) failed_ = std::move(streamed);
}

}  // namespace mimas::cli
