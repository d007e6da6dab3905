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

/// The lines with anything to see in them.
std::vector<std::string> visible_lines(std::string_view typed) {
  std::vector<std::string> lines;
  while (!typed.empty()) {
    const std::size_t end = std::min(typed.find_first_of("\r\n"), typed.size());
    std::string line(typed.substr(0, end));
    std::erase_if(line, is_blank);
    if (!line.empty()) lines.push_back(std::move(line));
    typed.remove_prefix(std::min(end + 1, typed.size()));
  }
  return lines;
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
    : pattern_(std::move(pattern)), lines_(visible_lines(typed)) {
  expect_line();
}

void TerminalExpectation::expect_line() {
  seen_ = 0;
  restarts_.clear();
  if (line_ == lines_.size()) return;
  const std::string& line = lines_[line_];
  restarts_.assign(line.size(), 0);
  for (std::size_t i = 1, length = 0; i < line.size(); ++i) {
    while (length > 0 && line[i] != line[length]) length = restarts_[length - 1];
    if (line[i] == line[length]) ++length;
    restarts_[i] = length;
  }
}

void TerminalExpectation::feed(std::string_view bytes) {
  const std::size_t unchanged = text_.feed(bytes);
  for (std::size_t* position : {&echoed_, &begin_, &scanned_}) *position = std::min(*position, unchanged);
  if (!echo_settled()) look_for_echo();
  if (!match_) look_for_match();
}

void TerminalExpectation::look_for_echo() {
  const std::string_view text = text_.text();
  std::size_t i = echoed_ - std::min(echoed_, text_.dropped());
  for (; i < text.size() && line_ < lines_.size(); ++i) {
    if (is_blank(text[i])) continue;
    const std::string& line = lines_[line_];
    while (seen_ > 0 && line[seen_] != text[i]) seen_ = restarts_[seen_ - 1];
    if (line[seen_] == text[i]) ++seen_;
    if (seen_ < line.size()) continue;
    begin_ = scanned_ = text_.dropped() + i + 1;
    match_.reset();
    ++line_;
    expect_line();
  }
  echoed_ = text_.dropped() + i;
  given_up_ = echoed_ - std::min(echoed_, begin_) > kEchoWindow;
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
