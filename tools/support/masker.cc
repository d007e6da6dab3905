#include "tools/support/masker.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "tools/support/secret_patterns.h"

namespace rexec::tools {
namespace {

constexpr std::string_view kMaskStart = "[secret ";
constexpr std::size_t kMinAsterisks = 6;         // of a mask without a name
constexpr std::size_t kMinWrappedLine = 16;      // characters of base64 before a line end
constexpr std::uint32_t kFragment = UINT32_MAX;  // label of a part that lies at an open edge

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

int hex_value(char c) {
  return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

bool is_base64(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '/' ||
         c == '-' || c == '_';
}

/// A text with some bytes taken out, and where the others were.
class View {
 public:
  std::string text;

  /// The next byte of `text` lies `bytes` further on in the original.
  void skip(std::size_t bytes) {
    skipped_ += bytes;
    skips_.emplace_back(text.size(), skipped_);
  }
  /// Position in the original of the byte at `at`, which may be the end.
  std::size_t original(std::size_t at) const {
    const auto after = std::upper_bound(skips_.begin(), skips_.end(), std::pair(at, SIZE_MAX));
    return at + (after == skips_.begin() ? 0 : (after - 1)->second);
  }

 private:
  std::size_t skipped_ = 0;
  std::vector<std::pair<std::size_t, std::size_t>> skips_;
};

/// Without percent-encoding. A sequence that an open end cuts is left out.
View decoded(std::string_view text, bool open_end) {
  View view;
  view.text.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t percent = std::min(text.find('%', at), text.size());
    view.text.append(text, at, percent - at);
    at = percent;
    if (at == text.size()) break;
    if (at + 2 < text.size() && is_hex(text[at + 1]) && is_hex(text[at + 2])) {
      view.text += static_cast<char>(hex_value(text[at + 1]) * 16 + hex_value(text[at + 2]));
      view.skip(2);
      at += 3;
    } else if (open_end && at + 2 >= text.size() && (at + 1 == text.size() || is_hex(text[at + 1]))) {
      view.skip(text.size() - at);
      break;
    } else {
      view.text += text[at++];
    }
  }
  return view;
}

bool ends_wrapped_line(std::string_view before, bool open_start) {
  std::size_t run = 0;
  while (run < kMinWrappedLine && run < before.size() && is_base64(before[before.size() - 1 - run])) ++run;
  return run == kMinWrappedLine || (open_start && run == before.size());
}

/// Without the ends of lines that base64 was broken into. Of one that an open end cuts, the start is left
/// out.
View joined(std::string_view text, OpenEdges open) {
  View view;
  std::size_t copied = 0;
  for (std::size_t end = text.find('\n'); end != text.npos; end = text.find('\n', end + 1)) {
    const std::size_t line_end = end > 0 && text[end - 1] == '\r' ? end - 1 : end;
    if (!ends_wrapped_line(text.substr(0, line_end), open.before)) continue;
    view.text.append(text, copied, line_end - copied);
    view.skip(end + 1 - line_end);
    copied = end + 1;
  }
  std::string_view rest = text.substr(copied);
  const bool cut =
      open.after && rest.ends_with('\r') && ends_wrapped_line(text.substr(0, text.size() - 1), open.before);
  if (cut) rest.remove_suffix(1);
  if (copied > 0 || cut) view.text += rest;
  if (cut) view.skip(1);
  return view;
}

struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::uint32_t label = 0;
};

/// Of spans that cover a byte, the one that decides comes first.
bool comes_before(const Span& a, const Span& b) {
  if (a.begin != b.begin) return a.begin < b.begin;
  if (a.end != b.end) return a.end > b.end;
  return a.label < b.label;
}

std::string render(std::size_t size, std::string_view name) {
  const std::size_t named = kMaskStart.size() + name.size() + 1;
  if (!name.empty() && size >= named) {
    return std::string(kMaskStart) + std::string(name) + std::string(size - named, '*') + "]";
  }
  return size < kMinAsterisks + 2 ? std::string(size, '*') : "[" + std::string(size - 2, '*') + "]";
}

/// The mask of `original`, line by line.
std::string mask_of(std::string_view original, std::string_view name) {
  std::string mask;
  while (!original.empty()) {
    const std::size_t end = std::min(original.find_first_of("\r\n"), original.size());
    mask += render(end, name);
    if (end < original.size()) mask += original[end];
    original.remove_prefix(std::min(end + 1, original.size()));
  }
  return mask;
}

std::vector<std::string> all_patterns(const std::vector<Secret>& secrets) {
  std::vector<std::string> all;
  for (const Secret& secret : secrets) {
    for (std::string& bytes : secret_patterns(secret.value)) all.push_back(std::move(bytes));
  }
  return all;
}

std::size_t lines_of(const std::vector<Secret>& secrets, std::size_t longest) {
  constexpr std::size_t kWrappedLine = 64;  // as PEM files have it; other programs use 76
  std::size_t lines = longest / kWrappedLine;
  for (const Secret& secret : secrets) {
    const auto ends = std::count(secret.value.begin(), secret.value.end(), '\n');
    lines = std::max(lines, static_cast<std::size_t>(ends));
  }
  return lines + 1;
}

std::vector<PatternSearch::Pattern> patterns_of(const std::vector<Secret>& secrets, bool backward) {
  std::vector<PatternSearch::Pattern> patterns;
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    for (std::string& bytes : secret_patterns(secrets[i].value)) {
      if (backward) std::reverse(bytes.begin(), bytes.end());
      patterns.push_back({std::move(bytes), static_cast<std::uint32_t>(i)});
    }
  }
  return patterns;
}

}  // namespace

Masker::Masker(std::vector<Secret> secrets)
    : search_(patterns_of(secrets, false)),
      backward_(patterns_of(secrets, true)),
      parts_(all_patterns(secrets)),
      context_lines_(lines_of(secrets, search_.longest())) {
  for (Secret& secret : secrets) names_.push_back(std::move(secret.name));
}

std::size_t Masker::context() const {
  // Percent-encoding makes three bytes of one; whether a line end counts depends on the line before it.
  return 3 * search_.longest() + 2 * kMinWrappedLine;
}

void Masker::mask(std::string& text, OpenEdges open) const {
  std::vector<Span> spans;
  const auto collect = [&](std::string_view seen, const View* view) {
    const auto original = [&](std::size_t at) { return view == nullptr ? at : view->original(at); };
    for (const PatternSearch::Match& match : search_.find(seen)) {
      spans.push_back({original(match.begin), original(match.end), match.label});
    }
    if (open.after) {
      const std::size_t size = search_.beginning_at_end(seen);
      if (size >= kMinFragmentBytes) spans.push_back({original(seen.size() - size), text.size(), kFragment});
    }
    // An open start may cut a percent-encoded byte.
    for (std::size_t cut = 0; open.before && cut < 3 && cut < seen.size(); ++cut) {
      if (open.after && seen.size() - cut >= kMinFragmentBytes && parts_.contains(seen.substr(cut))) {
        spans.push_back({0, text.size(), kFragment});
      }
      std::string start(seen.substr(cut, search_.longest()));
      std::reverse(start.begin(), start.end());
      const std::size_t size = backward_.beginning_at_end(start);
      if (size >= kMinFragmentBytes) spans.push_back({0, original(cut + size), kFragment});
    }
  };
  collect(text, nullptr);
  if (text.find('%') != text.npos) {
    const View view = decoded(text, open.after);
    collect(view.text, &view);
  }
  if (const View view = joined(text, open); !view.text.empty()) collect(view.text, &view);
  if (spans.empty()) return;

  std::sort(spans.begin(), spans.end(), comes_before);
  const std::string unmasked = text;
  std::size_t masked = 0;
  for (const Span& span : spans) {
    if (span.end <= masked) continue;
    const std::size_t begin = std::max(span.begin, masked);
    const std::string_view name = span.label == kFragment ? std::string_view() : names_[span.label];
    const std::string mask =
        mask_of(std::string_view(unmasked).substr(span.begin, span.end - span.begin), name);
    text.replace(begin, span.end - begin, mask, begin - span.begin);
    masked = span.end;
  }
}

std::optional<std::string_view> find_mask(std::string_view text, std::span<const std::string> names) {
  for (std::size_t at = text.find('['); at != text.npos; at = text.find('[', at + 1)) {
    std::string_view rest = text.substr(at + 1);
    const bool named = rest.starts_with(kMaskStart.substr(1));
    if (named) rest.remove_prefix(kMaskStart.size() - 1);
    const std::size_t name_size = std::min(rest.find_first_of("*]"), rest.size());
    const std::string_view name = rest.substr(0, name_size);
    rest.remove_prefix(name_size);
    const std::size_t asterisks = std::min(rest.find_first_not_of('*'), rest.size());
    if (asterisks == rest.size() || rest[asterisks] != ']') continue;
    const bool known = named ? std::find(names.begin(), names.end(), name) != names.end()
                             : name.empty() && asterisks >= kMinAsterisks;
    if (known) return text.substr(at, text.size() - at - rest.size() + asterisks + 1);
  }
  return std::nullopt;
}

}  // namespace rexec::tools
