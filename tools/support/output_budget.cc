#include "tools/support/output_budget.h"

#include <algorithm>
#include <vector>

#include "base/encoding.h"
#include "base/utf8.h"
#include "tools/support/output_filter.h"

namespace rexec::tools {
namespace {

std::uint64_t count_lines(std::string_view bytes) {
  return static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
}

/// What a report brings: bytes from the start of the range and bytes up to its end, the second empty when the
/// first reach there. Whatever the report says, from <= head_offset <= end of head <= tail_offset <=
/// produced.
struct Parts {
  explicit Parts(const sandbox::StreamReport& report)
      : head(report.head), tail(report.tail), head_offset(std::max(report.head_offset, report.from)) {
    if (!tail.empty() && report.tail_offset == report.head_offset + head.size()) {
      joined = report.head + report.tail;
      head = joined;
      tail = {};
    }
    produced = std::max(report.produced, head_offset + head.size() + tail.size());
    tail_offset = tail.empty() ? produced : produced - tail.size();
    lost = std::min(report.lost, produced - report.from);
    if (head.empty() && tail.empty()) head_offset = report.from;
  }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  std::uint64_t head_end() const { return head_offset + head.size(); }
  bool complete() const { return tail.empty() && head_end() == produced; }

  std::string joined;
  std::string_view head;
  std::string_view tail;
  std::uint64_t head_offset;
  std::uint64_t tail_offset = 0;
  std::uint64_t produced = 0;
  std::uint64_t lost = 0;
};

/// What of the start of `bytes` fits.
struct Head {
  std::string text;
  std::size_t taken = 0;
  bool complete = false;  // everything but an incomplete unit was taken
};

Head take_head(std::string_view bytes, bool raw, std::size_t max_chars, bool last) {
  OutputText text(raw);
  Head head;
  head.taken = text.append(bytes, max_chars, last);
  const std::string_view rest = bytes.substr(head.taken);
  head.complete = rest.empty() || next_unit(rest, raw, last).kind == OutputUnit::Kind::incomplete;
  if (!head.complete && text.line_end().chars * 2 >= max_chars && text.line_end().chars > 0) {
    head.taken = text.line_end().taken;
    text.cut_to_line_end();
  }
  head.text = text.take();
  return head;
}

/// The widths of all units of `bytes`, so that a suffix can be measured. Carriage returns can only make it
/// shorter.
std::size_t suffix_start(std::string_view bytes, bool raw, std::size_t max_chars, bool last) {
  std::vector<std::size_t> starts;  // of the newest max_chars characters, as a ring
  if (max_chars == 0) return bytes.size();
  starts.reserve(std::min(max_chars, bytes.size()));
  std::size_t count = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const OutputUnit unit = next_unit(bytes.substr(at), raw, last);
    if (unit.kind == OutputUnit::Kind::incomplete) break;
    if (unit.kind == OutputUnit::Kind::text || unit.kind == OutputUnit::Kind::newline) {
      if (starts.size() < max_chars) {
        starts.push_back(at);
      } else {
        starts[count % max_chars] = at;
      }
      ++count;
    }
    at += unit.size;
  }
  if (count <= max_chars) return 0;
  return starts[count % max_chars];
}

/// Bytes at the start of `bytes`, which begin anywhere in a stream, that belong to something that began
/// before.
std::size_t broken_start(std::string_view bytes, bool raw) {
  const std::size_t continuation = utf8_continuation_head(bytes);
  if (continuation > 0 || raw || bytes.find('\x1b') == std::string_view::npos) return continuation;
  constexpr std::size_t kMaxParameters = 32;
  std::size_t at = 0;
  while (at < bytes.size() && at < kMaxParameters && bytes[at] >= ' ' && bytes[at] <= '?') ++at;
  return at > 0 && at < bytes.size() && bytes[at] >= '@' && bytes[at] <= '~' ? at + 1 : 0;
}

struct Tail {
  std::string text;
  std::size_t start = 0;
  std::size_t end = 0;
};

/// The end of `bytes` that fits, from `earliest` on.
Tail take_tail(std::string_view bytes, bool raw, std::size_t max_chars, bool last, std::size_t earliest) {
  std::size_t start = std::max(earliest, suffix_start(bytes, raw, max_chars, last));
  if (start > earliest && start < bytes.size() && bytes[start - 1] != '\n') {
    const std::size_t line = bytes.find('\n', start);
    // The line end itself is kept only when lines follow it.
    if (line != std::string_view::npos && line + 1 < bytes.size()) {
      const std::size_t lost = line + 1 - start;
      if (lost * 2 <= bytes.size() - start) start = line + 1;
    }
  }
  OutputText text(raw);
  Tail tail;
  tail.start = start;
  tail.end = start + text.append(bytes.substr(start), max_chars, last);
  tail.text = text.take();
  return tail;
}

}  // namespace

StreamView view_ends(const sandbox::StreamReport& report, bool raw, std::size_t max_chars,
                     const Marker& marker) {
  Parts parts(report);
  StreamView view;
  if (parts.complete() && parts.head_offset == report.from) {
    Head head = take_head(parts.head, raw, max_chars, report.end);
    if (head.complete) {
      view.text = std::move(head.text);
      view.next = view.gap_offset = parts.head_offset + head.taken;
      return view;
    }
  }
  if (parts.head_offset > report.from) {  // what is missing is then in front of what is there
    if (parts.tail.empty()) {
      parts.tail = parts.head;
      parts.tail_offset = parts.head_offset;
    }
    parts.head = {};
    parts.head_offset = report.from;
  }
  const bool whole = parts.complete();
  if (whole) {
    parts.tail = parts.head;
    parts.tail_offset = parts.head_offset;
  }

  // No account of what is missing is longer than the one of everything.
  const Omission most{parts.produced - report.from, report.newlines, parts.lost, parts.produced};
  const std::size_t reserved = utf8_length(marker(most)) + 2;  // the line ends around it
  const std::size_t room = max_chars > reserved ? max_chars - reserved : 0;
  const std::size_t head_room = parts.head.empty() ? 0 : room * kHeadShare / (kHeadShare + kTailShare);
  const Head head = take_head(parts.head, raw, head_room, report.end && whole);
  const std::size_t earliest = whole ? head.taken : broken_start(parts.tail, raw);
  const Tail tail = take_tail(parts.tail, raw, room - head_room, report.end, earliest);

  view.next = parts.tail_offset + tail.end;
  view.gap_offset = parts.head_offset + head.taken;
  view.omitted_bytes = parts.tail_offset + tail.start - view.gap_offset;
  view.gap = view.omitted_bytes > 0;
  view.text = head.text;
  if (view.gap) {
    const std::uint64_t covered =
        count_lines(parts.head.substr(0, head.taken)) + count_lines(parts.tail.substr(tail.start));
    view.omitted_lines = report.newlines - std::min(report.newlines, covered);
    view.lost_bytes = std::min(parts.lost, view.omitted_bytes);
    if (!view.text.empty() && view.text.back() != '\n') view.text += '\n';
    view.text += marker({view.omitted_bytes, view.omitted_lines, view.lost_bytes, view.gap_offset});
    if (!tail.text.empty()) view.text += '\n';
  } else {
    view.gap_offset = view.next;
  }
  view.text += tail.text;
  return view;
}

namespace {

/// Completes the account of a page that took `taken` bytes of the start.
void finish_page(const sandbox::StreamReport& report, const Parts& parts, std::size_t taken, bool held_back,
                 StreamView& view) {
  view.next = parts.head_offset + taken;
  // Nothing of what is left is kept: go on behind it, or a reader would come back for ever.
  if (parts.head.empty() && parts.lost > 0) view.next = parts.tail_offset;
  view.gap_offset = view.next;
  view.lost_bytes = view.next - taken - report.from;
  view.more = view.next < parts.produced && !(held_back && parts.complete());
  view.omitted_bytes = view.lost_bytes + (view.more ? parts.produced - view.next : 0);
  const std::uint64_t shown = count_lines(parts.head.substr(0, taken));
  if (view.omitted_bytes > 0) view.omitted_lines = report.newlines - std::min(report.newlines, shown);
}

}  // namespace

StreamView view_page(const sandbox::StreamReport& report, bool raw, std::size_t max_chars) {
  const Parts parts(report);
  Head head = take_head(parts.head, raw, max_chars, report.end && parts.complete());
  StreamView view;
  view.text = std::move(head.text);
  finish_page(report, parts, head.taken, head.complete, view);
  return view;
}

StreamView view_base64(const sandbox::StreamReport& report, std::size_t max_chars) {
  const Parts parts(report);
  const std::string_view bytes = parts.head.substr(0, max_chars / 4 * 3);
  StreamView view;
  view.text = base64_encode(bytes);
  finish_page(report, parts, bytes.size(), false, view);
  return view;
}

std::size_t measure(const sandbox::StreamReport& report, bool raw, std::size_t limit) {
  const Parts parts(report);
  if (!parts.complete()) return limit;
  OutputText text(raw);
  text.append(parts.head, limit, false);
  return text.chars();
}

sandbox::StreamReport as_report(std::string text) {
  sandbox::StreamReport report;
  report.produced = text.size();
  report.newlines = count_lines(text);
  report.end = true;
  report.tail_offset = text.size();
  report.head = std::move(text);
  return report;
}

}  // namespace rexec::tools
