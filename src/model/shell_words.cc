#include "model/shell_words.h"

#include <utility>

namespace mimas {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

class Cutter {
 public:
  explicit Cutter(std::string_view line) : line_(line) {}

  Result<std::vector<std::string>> words() {
    while (at_ < line_.size()) {
      const char c = line_[at_++];
      if (is_blank(c)) {
        end_word();
        continue;
      }
      in_word_ = true;
      const bool closed = c == '\'' ? single() : (c == '"' ? double_quoted() : plain(c));
      if (!closed) return make_error(Code::invalid_argument, fault_);
    }
    end_word();
    return std::move(words_);
  }

 private:
  void end_word() {
    if (in_word_) words_.push_back(std::exchange(word_, {}));
    in_word_ = false;
  }
  bool fail(const char* what) {
    fault_ = what;
    return false;
  }
  bool plain(char c) {
    if (c != '\\') {
      word_ += c;
      return true;
    }
    if (at_ == line_.size()) return fail("ends with a backslash, which quotes nothing");
    word_ += line_[at_++];
    return true;
  }
  bool single() {
    const std::size_t end = line_.find('\'', at_);
    if (end == std::string_view::npos) return fail("has a ' that is not closed");
    word_ += line_.substr(at_, end - at_);
    at_ = end + 1;
    return true;
  }
  bool double_quoted() {
    while (at_ < line_.size()) {
      char c = line_[at_++];
      if (c == '"') return true;
      const bool quotes = c == '\\' && at_ < line_.size() &&
                          std::string_view("\"\\$`").find(line_[at_]) != std::string_view::npos;
      if (quotes) c = line_[at_++];
      word_ += c;
    }
    return fail("has a \" that is not closed");
  }

  std::string_view line_;
  std::size_t at_ = 0;
  bool in_word_ = false;
  std::string word_;
  std::vector<std::string> words_;
  const char* fault_ = "";
};

}  // namespace

Result<std::vector<std::string>> shell_words(std::string_view line) { return Cutter(line).words(); }

}  // namespace mimas
