#include "app/json_lines.h"

#include <algorithm>
#include <string>

#include "base/json.h"

namespace rexec::app {
namespace {

/// Walks valid JSON; depth is bounded by parse_json, which has read the same text.
class Walker {
 public:
  Walker(std::string_view text, std::string_view wanted) : text_(text), wanted_(wanted) {}

  std::size_t find() {
    value("");
    return 1 + static_cast<std::size_t>(
                   std::count(text_.begin(), text_.begin() + static_cast<long>(found_), '\n'));
  }

 private:
  static bool is_prefix(std::string_view pointer, std::string_view of) {
    return of.starts_with(pointer) && (of.size() == pointer.size() || of[pointer.size()] == '/');
  }

  void remember(const std::string& pointer, std::size_t position) {
    if (!is_prefix(pointer, wanted_) || pointer.size() < best_) return;
    best_ = pointer.size();
    found_ = position;
  }

  void blank() {
    while (position_ < text_.size() &&
           std::string_view(" \t\r\n").find(text_[position_]) != std::string_view::npos) {
      ++position_;
    }
  }

  bool take(char c) {
    blank();
    if (position_ >= text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }

  /// The raw text of a string, quotes included.
  std::string_view string() {
    const std::size_t begin = position_++;
    while (position_ < text_.size() && text_[position_] != '"') position_ += text_[position_] == '\\' ? 2 : 1;
    position_ = std::min(position_ + 1, text_.size());
    return text_.substr(begin, position_ - begin);
  }

  void value(const std::string& pointer) {
    blank();
    if (pointer.empty()) remember(pointer, position_);
    if (take('{')) {
      while (!take('}') && position_ < text_.size()) {
        blank();
        const std::size_t begin = position_;
        const auto key = parse_json(string());
        const std::string member =
            pointer + pointer_step(key.ok() && key->is_string() ? key->get_ref<const std::string&>() : "");
        remember(member, begin);
        take(':');
        value(member);
        take(',');
      }
    } else if (take('[')) {
      for (std::size_t i = 0; !take(']') && position_ < text_.size(); ++i) {
        blank();
        const std::string element = pointer + '/' + std::to_string(i);
        remember(element, position_);
        value(element);
        take(',');
      }
    } else if (position_ < text_.size() && text_[position_] == '"') {
      string();
    } else {
      position_ = std::min(text_.find_first_of(",]} \t\r\n", position_), text_.size());
    }
  }

  std::string_view text_;
  std::string_view wanted_;
  std::size_t position_ = 0;
  std::size_t best_ = 0;
  std::size_t found_ = 0;
};

}  // namespace

std::size_t line_of(std::string_view text, std::string_view pointer) {
  return Walker(text, pointer).find();
}

}  // namespace rexec::app
