#include "tools/support/line_selection.h"

#include <re2/re2.h>

#include "tools/support/output_filter.h"

namespace rexec::tools {

LineSelection LineSelection::from(const Arguments& arguments, Violations& violations) {
  LineSelection selection;
  if (arguments.has("head_lines")) selection.head = arguments.size("head_lines", 0);
  if (arguments.has("tail_lines")) selection.tail = arguments.size("tail_lines", 0);
  if (const auto pattern = arguments.optional_text("grep")) {
    RE2::Options options;
    options.set_log_errors(false);
    auto expression = std::make_shared<const RE2>(*pattern, options);
    if (expression->ok()) {
      selection.grep = std::move(expression);
    } else {
      violations.push_back({"/grep", in_quotes(*pattern) +
                                         " is not an RE2 regular expression: " + expression->error() +
                                         " (RE2 has no look-around and no back-references)"});
    }
  }
  return selection;
}

bool LineSelector::line(std::string_view bytes, bool complete) {
  OutputText filtered(raw_);
  filtered.append(bytes, OutputText::kUnlimited, true);
  std::string text = filtered.take();
  if (selection_.grep && !RE2::PartialMatch(text, *selection_.grep)) return false;
  if (complete) text += '\n';
  // Without head and tail everything that matches is kept, in order.
  if (selection_.head ? kept_head_ < *selection_.head : !selection_.tail) {
    head_ += text;
    ++kept_head_;
    return true;
  }
  if (!selection_.tail) return false;
  tail_.push_back(std::move(text));
  if (tail_.size() > *selection_.tail) tail_.pop_front();
  return true;
}

void LineSelector::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos) {
      partial_ += bytes;
      return;
    }
    if (partial_.empty()) {
      line(bytes.substr(0, end), true);
    } else {
      partial_ += bytes.substr(0, end);
      line(partial_, true);
      partial_.clear();
    }
    bytes.remove_prefix(end + 1);
  }
}

void LineSelector::gap() {
  if (!partial_.empty()) line(partial_, true);
  partial_.clear();
}

std::size_t LineSelector::finish(bool stream_ended) {
  if (partial_.empty()) return 0;
  const std::size_t unread = line(partial_, false) || stream_ended ? 0 : partial_.size();
  partial_.clear();
  return unread;
}

std::string LineSelector::take_text() {
  std::string text = std::move(head_);
  for (const std::string& line : tail_) text += line;
  return text;
}

}  // namespace rexec::tools
