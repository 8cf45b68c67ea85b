#include "model/shell_words.h"

#include <utility>

namespace mimas {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool is_name_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

class Cutter {
 public:
  explicit Cutter(std::string_view line) : line_(line) {}

  // Letters that a shell would look at, by word: those that are quoted are blanks here.
  const std::vector<std::string>& bare() const { return bare_; }

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
    if (in_word_) {
      words_.push_back(std::exchange(word_, {}));
      bare_.push_back(std::exchange(bare_word_, {}));
    }
    in_word_ = false;
  }
  bool fail(const char* what) {
    fault_ = what;
    return false;
  }
  void add(char c, bool bare) {
    word_ += c;
    bare_word_ += bare ? c : ' ';
  }
  bool plain(char c) {
    if (c != '\\') {
      add(c, true);
      return true;
    }
    if (at_ == line_.size()) return fail("ends with a backslash, which quotes nothing");
    add(line_[at_++], false);
    return true;
  }
  bool single() {
    const std::size_t end = line_.find('\'', at_);
    if (end == std::string_view::npos) return fail("has a ' that is not closed");
    while (at_ < end) add(line_[at_++], false);
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
      add(c, !quotes && (c == '$' || c == '`' || is_name_letter(c) || c == '{' || c == '('));
    }
    return fail("has a \" that is not closed");
  }

  std::string_view line_;
  std::size_t at_ = 0;
  bool in_word_ = false;
  std::string word_, bare_word_;
  std::vector<std::string> words_, bare_;
  const char* fault_ = "";
};

// `$NAME`, `${…}`, `$(…)`, or a backquote.
bool is_shell_expansion(std::string_view word) {
  for (std::size_t at = word.find('$'); at != std::string_view::npos; at = word.find('$', at + 1)) {
    if (at + 1 == word.size()) break;
    const char next = word[at + 1];
    if (next == '{' || next == '(' || next == '@' || next == '*' || next == '?' || is_name_letter(next))
      return true;
  }
  return word.find('`') != std::string_view::npos;
}

// What stands alone, and what begins like `>file`, `2>&1`, `<file`; a `;` may end a word.
bool is_shell_operator(std::string_view word) {
  for (std::string_view alone : {"&&", "||", "|", "|&", ";", ";;", "&"}) {
    if (word == alone) return true;
  }
  if (word.size() > 1 && word.ends_with(';')) return true;
  if (word.starts_with('&') || word.starts_with('1') || word.starts_with('2')) word.remove_prefix(1);
  return word.starts_with('>') || word.starts_with('<');
}

}  // namespace

std::string shell_syntax(std::string_view line) {
  Cutter cutter(line);
  const auto words = cutter.words();
  if (!words.ok()) return {};
  for (std::size_t i = 0; i < words->size(); ++i) {
    if (is_shell_operator(cutter.bare()[i]) || is_shell_expansion(cutter.bare()[i])) return (*words)[i];
  }
  return {};
}

Result<std::vector<std::string>> shell_words(std::string_view line) { return Cutter(line).words(); }

}  // namespace mimas
