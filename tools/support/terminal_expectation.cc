#include "tools/support/terminal_expectation.h"

#include <re2/re2.h>

#include <algorithm>
#include <vector>

#include "base/utf8.h"

namespace rexec::tools {
namespace {

bool is_blank(char c) {
  return static_cast<unsigned char>(c) <= ' ' || c == '\x7f';
}

std::string without_blanks(std::string_view text) {
  std::string result(text);
  std::erase_if(result, is_blank);
  return result;
}

/// The last line with anything to see in it.
std::string_view last_line(std::string_view typed) {
  const std::size_t end = typed.find_last_not_of("\r\n");
  if (end == typed.npos) return {};
  typed = typed.substr(0, end + 1);
  const std::size_t begin = typed.find_last_of("\r\n");
  return begin == typed.npos ? typed : typed.substr(begin + 1);
}

}  // namespace

std::shared_ptr<const re2::RE2> wait_pattern(const Arguments& arguments, Violations& violations) {
  const auto pattern = arguments.optional_text("wait_for");
  if (!pattern) return nullptr;
  RE2::Options options;
  options.set_log_errors(false);
  const RE2 alone(*pattern, options);  // its message is about what the caller wrote
  if (alone.ok()) return std::make_shared<const RE2>("(?m)" + *pattern, options);
  violations.push_back({"/wait_for", in_quotes(*pattern) + " is not an RE2 regular expression: " +
                                         alone.error() + " (RE2 has no look-around and no back-references)"});
  return nullptr;
}

TerminalExpectation::TerminalExpectation(std::shared_ptr<const re2::RE2> pattern, std::string_view typed)
    : pattern_(std::move(pattern)), echo_(without_blanks(last_line(typed))) {}

void TerminalExpectation::feed(std::string_view bytes) {
  text_.feed(bytes);
  if (!echo_settled()) look_for_echo();
  if (!match_) look_for_match();
}

void TerminalExpectation::look_for_echo() {
  const std::string_view text = text_.text();
  std::string seen;
  std::vector<std::size_t> ends;  // in text, of each byte of `seen`
  const std::size_t window = std::min(text.size(), kEchoWindow);
  for (std::size_t i = 0; i < window; ++i) {
    if (is_blank(text[i])) continue;
    seen += text[i];
    ends.push_back(i + 1);
  }
  const std::size_t found = text_.dropped() == 0 ? seen.find(echo_) : std::string::npos;
  if (found != std::string::npos) {
    settled_ = true;
    begin_ = ends[found + echo_.size() - 1];
    scanned_ = begin_;
    match_.reset();
  } else if (text_.dropped() + text.size() > kEchoWindow) {
    settled_ = true;  // there is none
  }
}

void TerminalExpectation::look_for_match() {
  if (!pattern_) return;
  const std::string_view text = text_.text();
  const std::size_t from = std::max(begin_, scanned_ - std::min(scanned_, kMaxMatchBytes));
  const std::size_t at = from - std::min(from, text_.dropped());
  scanned_ = text_.dropped() + text.size();
  re2::StringPiece found;
  const re2::StringPiece whole(text.data(), text.size());
  if (!pattern_->Match(whole, std::min(at, text.size()), text.size(), re2::RE2::UNANCHORED, &found, 1))
    return;
  match_ = to_valid_utf8(utf8_prefix(std::string_view(found.data(), found.size()), kMaxShownMatch));
}

}  // namespace rexec::tools
