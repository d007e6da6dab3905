#include "tools/support/masked_lines.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace rexec::tools {
namespace {

// As the runner cuts lines (sandbox-client/runner/wire_tree.h): between characters of UTF-8, and without
// saying so for lines around a match.
constexpr std::size_t kMaxHitBytes = 512;
constexpr std::size_t kMaxCharacter = 4;
// A message that is longer may have been cut (sandbox-client/runner/nearest_lines.h).
constexpr std::size_t kWholeMessageBytes = 1024;
constexpr std::string_view kEllipsis = "…";

/// A line without its end.
struct Line {
  std::string text;
  bool cut_before = false;
  bool cut_after = false;
};

/// Masks lines that follow one another. `open`: whether the file goes on at either end.
void mask_lines(const Masker& masker, std::vector<Line>& lines, OpenEdges open) {
  for (std::size_t begin = 0; begin < lines.size();) {
    std::size_t end = begin + 1;
    while (end < lines.size() && !lines[end - 1].cut_after && !lines[end].cut_before) ++end;
    std::string text;
    for (std::size_t i = begin; i < end; ++i) text += (i > begin ? "\n" : "") + lines[i].text;
    const bool more = end < lines.size() || open.after;
    if (more && !lines[end - 1].cut_after) text += '\n';
    masker.mask(text,
                {begin > 0 || open.before || lines[begin].cut_before, more || lines[end - 1].cut_after});
    std::size_t at = 0;
    for (; begin < end; ++begin) {
      Line& line = lines[begin];
      line.text.assign(text, at, line.text.size());
      at += line.text.size() + 1;
    }
  }
}

/// Where `masked` differs from `original`, takes it over into `text`; all three are equally long.
void take_masks(std::string_view original, std::string_view masked, char* text) {
  for (std::size_t i = 0; i < original.size(); ++i)
    if (masked[i] != original[i]) text[i] = masked[i];
}

std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

bool take(std::string_view& text, std::string_view start) {
  if (!text.starts_with(start)) return false;
  text.remove_prefix(start.size());
  return true;
}

/// One side of a hunk: its lines without their first column, and where they are in the diff.
class Side {
 public:
  bool take_range(std::string_view& header) {
    const auto first = take_number(header);
    if (!first) return false;
    first_line_ = *first;
    if (!take(header, ",")) return true;
    const auto count = take_number(header);
    left_ = count.value_or(0);
    return count.has_value();
  }
  bool expects_lines() const { return left_ > 0; }
  void add(std::string_view line, std::size_t at) {
    left_ -= std::min<std::uint64_t>(left_, 1);
    places_.push_back({text_.size(), at, line.size()});
    text_ += line;
  }
  /// The last line has no end in the file.
  void end_without_newline() {
    if (text_.ends_with('\n')) --places_.back().size, text_.pop_back();
    ends_ = true;
  }
  void mask_in(const Masker& masker, std::string& diff) const {
    std::string masked = text_;
    masker.mask(masked, {first_line_ > 1, !ends_});
    for (const Place& place : places_) {
      const std::string_view original = std::string_view(text_).substr(place.from, place.size);
      take_masks(original, std::string_view(masked).substr(place.from, place.size), diff.data() + place.to);
    }
  }

 private:
  struct Place {
    std::size_t from;
    std::size_t to;
    std::size_t size;
  };

  std::uint64_t first_line_ = 0;
  std::uint64_t left_ = 1;  // lines to come
  bool ends_ = false;       // at the end of the file
  std::string text_;
  std::vector<Place> places_;
};

std::string_view line_at(std::string_view text, std::size_t at) {
  const std::size_t end = text.find('\n', at);
  return text.substr(at, end == text.npos ? text.npos : end + 1 - at);
}

/// Masks the hunk behind the header that ends at `at`; where it ends. `original`: the diff before any masks.
std::size_t mask_hunk(const Masker& masker, Side before, Side after, std::string_view original,
                      std::size_t at, std::string& diff) {
  char last = 0;
  while (at < original.size()) {
    const std::string_view line = line_at(original, at);
    const char kind = line[0];
    const bool old = (kind == ' ' || kind == '-') && before.expects_lines();
    const bool now = (kind == ' ' || kind == '+') && after.expects_lines();
    if (kind == '\\') {
      if (last == ' ' || last == '-') before.end_without_newline();
      if (last == ' ' || last == '+') after.end_without_newline();
    } else if (!old && !now) {
      break;
    }
    if (old) before.add(line.substr(1), at + 1);
    if (now) after.add(line.substr(1), at + 1);
    last = kind;
    at += line.size();
  }
  before.mask_in(masker, diff);
  after.mask_in(masker, diff);
  return at;
}

struct QuotedLine {
  std::uint64_t number = 0;
  std::size_t at = 0;  // of the text, in the message
  Line line;
};

/// Lines of a block as the file may have them. A space at an end may be one, or stand for "\r".
void mask_block(const Masker& masker, const std::vector<QuotedLine>& block, bool without_spaces,
                std::string& message) {
  std::vector<Line> lines;
  for (const QuotedLine& quoted : block) {
    lines.push_back(quoted.line);
    std::string& text = lines.back().text;
    if (without_spaces && text.ends_with(' ')) text.pop_back();
  }
  mask_lines(masker, lines, {block.front().number > 1, true});
  for (std::size_t i = 0; i < block.size(); ++i) {
    const std::string_view original = std::string_view(block[i].line.text).substr(0, lines[i].text.size());
    take_masks(original, lines[i].text, message.data() + block[i].at);
  }
}

std::vector<QuotedLine> quoted_lines(std::string_view message) {
  std::vector<QuotedLine> quoted;
  for (std::size_t at = 0; at < message.size();) {
    const std::string_view whole = line_at(message, at);
    std::string_view text = whole;
    const auto number = take_number(text);
    if (number && take(text, "| ")) {
      const std::size_t start = at + whole.size() - text.size();
      const bool ended = text.ends_with('\n');
      if (ended) text.remove_suffix(1);
      const bool cut = text.ends_with(kEllipsis);
      if (cut) text.remove_suffix(kEllipsis.size());
      quoted.push_back({*number,
                        start,
                        {std::string(text), false, cut || (!ended && message.size() > kWholeMessageBytes)}});
    }
    at += whole.size();
  }
  return quoted;
}

}  // namespace

void mask_match(const Masker& masker, sandbox::SearchMatch& match, std::size_t context_lines, bool ends) {
  std::vector<Line> lines;
  const auto add = [&](std::vector<std::string>& context) {
    for (std::string& text : context) {
      const bool cut = text.size() > kMaxHitBytes - kMaxCharacter;
      lines.push_back({std::move(text), false, cut});
    }
  };
  add(match.before);
  lines.push_back({std::move(match.text), match.cut_before, match.cut_after});
  add(match.after);
  mask_lines(masker, lines,
             {match.line > match.before.size() + 1, !ends || match.after.size() >= context_lines});
  auto line = lines.begin();
  for (std::string& text : match.before) text = std::move((line++)->text);
  match.text = std::move((line++)->text);
  for (std::string& text : match.after) text = std::move((line++)->text);
}

void mask_diff(const Masker& masker, std::string& diff) {
  const std::string original = diff;
  for (std::size_t at = 0; at < diff.size();) {
    std::string line(line_at(original, at));
    std::string_view header = line_at(original, at);
    Side before;
    Side after;
    const bool hunk = take(header, "@@ -") && before.take_range(header) && take(header, " +") &&
                      after.take_range(header) && take(header, " @@");
    masker.mask(line);
    diff.replace(at, line.size(), line);
    at += line.size();
    if (hunk) at = mask_hunk(masker, std::move(before), std::move(after), original, at, diff);
  }
}

void mask_quoted_lines(const Masker& masker, std::string& message) {
  const std::string original = message;
  masker.mask(message);
  const std::vector<QuotedLine> quoted = quoted_lines(original);
  for (std::size_t begin = 0; begin < quoted.size();) {
    std::size_t end = begin + 1;
    while (end < quoted.size() && quoted[end].number == quoted[end - 1].number + 1) ++end;
    const std::vector<QuotedLine> block(quoted.begin() + static_cast<std::ptrdiff_t>(begin),
                                        quoted.begin() + static_cast<std::ptrdiff_t>(end));
    mask_block(masker, block, false, message);
    mask_block(masker, block, true, message);
    begin = end;
  }
}

}  // namespace rexec::tools
