#include "sandbox-client/runner/unified_diff.h"

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

namespace rexec::runner {
namespace {

using Lines = std::vector<std::string_view>;  // each with its '\n', if it has one

std::string_view first_line(std::string_view text) {
  const std::size_t end = text.find('\n');
  return end == text.npos ? text : text.substr(0, end + 1);
}

Lines split(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    lines.push_back(first_line(text));
    text.remove_prefix(lines.back().size());
  }
  return lines;
}

std::size_t count_lines(std::string_view text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

std::size_t number_of_lines(std::string_view text) {
  return count_lines(text) + (text.empty() || text.ends_with('\n') ? 0 : 1);
}

/// Which lines are removed and which added.
class Script {
 public:
  Script(const Lines& before, const Lines& after, std::size_t work)
      : removed(before.size()), added(after.size()), work_(work) {
    std::unordered_map<std::string_view, std::uint32_t> numbers;
    const auto number_all = [&](const Lines& lines, std::vector<std::uint32_t>& to) {
      to.reserve(lines.size());
      for (const std::string_view line : lines)
        to.push_back(numbers.emplace(line, static_cast<std::uint32_t>(numbers.size())).first->second);
    };
    number_all(before, a_);
    number_all(after, b_);
    center_ = static_cast<std::ptrdiff_t>(b_.size()) + 1;
    forward_.resize(a_.size() + b_.size() + 3);
    backward_.resize(forward_.size());
    compare({0, size(a_), 0, size(b_)});
  }

  std::vector<bool> removed;
  std::vector<bool> added;

 private:
  using Index = std::ptrdiff_t;
  struct Box {
    Index a_begin, a_end, b_begin, b_end;
  };
  struct Point {
    Index a, b;
    bool found;
  };
  static constexpr Index kNowhere = -1;

  static Index size(const std::vector<std::uint32_t>& lines) { return static_cast<Index>(lines.size()); }
  bool same(Index a, Index b) const {
    return a_[static_cast<std::size_t>(a)] == b_[static_cast<std::size_t>(b)];
  }
  Index& forward(Index diagonal) { return forward_[static_cast<std::size_t>(center_ + diagonal)]; }
  Index& backward(Index diagonal) { return backward_[static_cast<std::size_t>(center_ + diagonal)]; }
  bool spend(Index amount) {
    const auto cost = static_cast<std::size_t>(amount);
    work_ -= std::min(work_, cost);
    return work_ > 0;
  }

  void compare(Box box) {
    while (box.a_begin < box.a_end && box.b_begin < box.b_end && same(box.a_begin, box.b_begin))
      ++box.a_begin, ++box.b_begin;
    while (box.a_begin < box.a_end && box.b_begin < box.b_end && same(box.a_end - 1, box.b_end - 1))
      --box.a_end, --box.b_end;
    const Point middle = box.a_begin < box.a_end && box.b_begin < box.b_end ? split_point(box) : Point{};
    if (!middle.found) {
      for (Index i = box.a_begin; i < box.a_end; ++i) removed[static_cast<std::size_t>(i)] = true;
      for (Index i = box.b_begin; i < box.b_end; ++i) added[static_cast<std::size_t>(i)] = true;
      return;
    }
    compare({box.a_begin, middle.a, box.b_begin, middle.b});
    compare({middle.a, box.a_end, middle.b, box.b_end});
  }

  // Paths from both corners, each with d changes at most, by their ends on every diagonal a - b (relative to
  // the box): where they meet lies on a shortest path.
  Point split_point(const Box& box) {
    const Index n = box.a_end - box.a_begin;
    const Index m = box.b_end - box.b_begin;
    const Index delta = n - m;
    const bool odd = delta % 2 != 0;
    const auto inside = [n, m](Index x, Index diagonal) {
      return x >= 0 && x <= n && x >= diagonal && x - diagonal <= m;
    };
    for (Index d = 0; d <= (n + m + 1) / 2; ++d) {
      for (Index k = std::max(-d, -m + ((d - m) % 2 != 0 ? 1 : 0)); k <= std::min(d, n); k += 2) {
        const Index right = k > -d && k - 1 >= -m ? forward(k - 1) : kNowhere;
        const Index down = k < d && k + 1 <= n ? forward(k + 1) : kNowhere;
        Index x = kNowhere;
        if (d == 0) x = 0;
        if (right != kNowhere && inside(right + 1, k)) x = right + 1;
        if (down != kNowhere && inside(down, k)) x = std::max(x, down);
        const Index from = x;
        if (x != kNowhere)
          while (x < n && x - k < m && same(box.a_begin + x, box.b_begin + x - k)) ++x;
        forward(k) = x;
        if (!spend(1 + x - from)) return {};
        const Index other = delta - k;
        if (x == kNowhere || !odd || other < -(d - 1) || other > d - 1) continue;
        if (backward(k) != kNowhere && x >= backward(k)) return {box.a_begin + x, box.b_begin + x - k, true};
      }
      for (Index j = -d; j <= d; j += 2) {
        const Index k = delta - j;
        if (k < -m || k > n) continue;
        // One step back from (x, y): up to the diagonal k + 1, or left to k - 1.
        const Index left = j > -d && k + 1 <= n ? backward(k + 1) : kNowhere;
        const Index up = j < d && k - 1 >= -m ? backward(k - 1) : kNowhere;
        Index x = kNowhere;
        if (d == 0) x = n;
        if (left != kNowhere && inside(left - 1, k)) x = left - 1;
        if (up != kNowhere && inside(up, k)) x = x == kNowhere ? up : std::min(x, up);
        const Index from = x;
        if (x != kNowhere)
          while (x > 0 && x - k > 0 && same(box.a_begin + x - 1, box.b_begin + x - k - 1)) --x;
        backward(k) = x;
        if (!spend(1 + from - x)) return {};
        if (x == kNowhere || odd || k < -d || k > d) continue;
        if (forward(k) != kNowhere && x <= forward(k)) return {box.a_begin + x, box.b_begin + x - k, true};
      }
    }
    return {};
  }

  std::vector<std::uint32_t> a_;
  std::vector<std::uint32_t> b_;
  std::vector<Index> forward_;
  std::vector<Index> backward_;
  Index center_ = 0;
  std::size_t work_;
};

/// Of both texts, what lies between the lines that they have in common at their ends, but for the context.
struct Middle {
  std::string_view before;
  std::string_view after;
  std::size_t first_line = 0;  // lines in front of it
};

Middle middle_of(std::string_view before, std::string_view after, std::size_t context) {
  const std::size_t shorter = std::min(before.size(), after.size());
  std::size_t begin = static_cast<std::size_t>(
      std::mismatch(before.begin(), before.begin() + static_cast<std::ptrdiff_t>(shorter), after.begin())
          .first -
      before.begin());
  while (begin > 0 && before[begin - 1] != '\n') --begin;
  const auto mismatch = std::mismatch(
      before.rbegin(), before.rbegin() + static_cast<std::ptrdiff_t>(shorter - begin), after.rbegin());
  auto tail = static_cast<std::size_t>(mismatch.first - before.rbegin());
  const auto starts_line = [&](std::string_view text) {
    return tail == text.size() || text[text.size() - tail - 1] == '\n';
  };
  if (!starts_line(before) || !starts_line(after)) {
    const std::size_t end = before.find('\n', before.size() - tail);
    tail = end == before.npos ? 0 : before.size() - end - 1;
  }
  for (std::size_t i = 0; i < context && begin > 0; ++i) {
    const std::size_t end = begin == 1 ? before.npos : before.rfind('\n', begin - 2);
    begin = end == before.npos ? 0 : end + 1;
  }
  for (std::size_t i = 0; i < context && tail > 0; ++i) {
    const std::size_t end = before.find('\n', before.size() - tail);
    tail = end == before.npos ? 0 : before.size() - end - 1;
  }
  return {before.substr(begin, before.size() - tail - begin),
          after.substr(begin, after.size() - tail - begin), count_lines(before.substr(0, begin))};
}

/// A name as git writes it: in quotes with escapes when it has bytes that would end or blur the line.
std::string header_name(char side, std::string_view path) {
  std::string name(1, side);
  bool quoted = false;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || c == '"' || c == '\\') {
      quoted = true;
      name += '\\';
      for (const unsigned shift : {6U, 3U, 0U}) name += static_cast<char>('0' + ((byte >> shift) & 7));
    } else {
      name += c;
    }
  }
  return quoted ? "\"" + name + "\"" : name;
}

std::string range(char sign, std::size_t begin, std::size_t count) {
  std::string text(1, sign);
  text += std::to_string(count == 0 ? begin : begin + 1);
  return count == 1 ? text : text + "," + std::to_string(count);
}

class Output {
 public:
  Output(std::size_t limit, UnifiedDiff& diff) : limit_(limit), diff_(diff) {}

  bool full() const { return diff_.cut; }
  void line(char kind, std::string_view line) {
    if (line.ends_with('\n')) return add(kind, line, {});
    add(kind, line, "\n\\ No newline at end of file\n");
  }
  void add(char kind, std::string_view line, std::string_view end) {
    if (diff_.cut) return;
    const std::size_t size = (kind == 0 ? 0 : 1) + line.size() + end.size();
    if (size > limit_ - diff_.text.size()) {
      diff_.cut = true;
      return;
    }
    if (kind != 0) diff_.text += kind;
    diff_.text.append(line).append(end);
  }
  void hunk(std::size_t a_begin, std::size_t a_count, std::size_t b_begin, std::size_t b_count) {
    add(0, "@@ " + range('-', a_begin, a_count) + " " + range('+', b_begin, b_count) + " @@", "\n");
  }
  /// One hunk that replaces everything, without a list of the lines: there may be millions.
  void replace(const Middle& middle) {
    hunk(middle.first_line, number_of_lines(middle.before), middle.first_line, number_of_lines(middle.after));
    for (const auto& [kind, whole] : {std::pair('-', middle.before), std::pair('+', middle.after)}) {
      for (std::string_view rest = whole; !rest.empty() && !full();) {
        const std::string_view next = first_line(rest);
        line(kind, next);
        rest.remove_prefix(next.size());
      }
    }
  }

 private:
  std::size_t limit_;
  UnifiedDiff& diff_;
};

}  // namespace

UnifiedDiff unified_diff(std::string_view before, std::string_view after, std::string_view path,
                         const DiffLimits& limits) {
  UnifiedDiff diff;
  if (before == after) return diff;
  const Middle middle = middle_of(before, after, limits.context);
  Output output(limits.text_bytes, diff);
  output.add(0, "--- " + header_name('a', path), "\n");
  output.add(0, "+++ " + header_name('b', path), "\n");
  if (count_lines(middle.before) + count_lines(middle.after) > limits.lines) {
    output.replace(middle);
    return diff;
  }
  const Lines a = split(middle.before);
  const Lines b = split(middle.after);
  const Script script(a, b, limits.work);

  std::size_t i = 0;
  std::size_t j = 0;
  const auto changed = [&] {
    return (i < a.size() && script.removed[i]) || (j < b.size() && script.added[j]);
  };
  while ((i < a.size() || j < b.size()) && !output.full()) {
    if (!changed()) {
      ++i, ++j;
      continue;
    }
    const std::size_t lead = std::min({limits.context, i, j});
    const std::size_t a_begin = i - lead;
    const std::size_t b_begin = j - lead;
    // The hunk ends where more unchanged lines follow than two contexts have.
    std::size_t a_end = i;
    std::size_t b_end = j;
    for (std::size_t unchanged = 0; (i < a.size() || j < b.size()) && unchanged <= 2 * limits.context;) {
      if (changed()) {
        if (i < a.size() && script.removed[i]) {
          ++i;
        } else {
          ++j;
        }
        unchanged = 0;
        a_end = i, b_end = j;
      } else {
        ++i, ++j, ++unchanged;
      }
    }
    const std::size_t trail = std::min(limits.context, a.size() - a_end);
    a_end += trail, b_end += trail;
    output.hunk(middle.first_line + a_begin, a_end - a_begin, middle.first_line + b_begin, b_end - b_begin);
    for (i = a_begin, j = b_begin; i < a_end || j < b_end;) {
      if (i < a_end && script.removed[i]) {
        output.line('-', a[i++]);
      } else if (j < b_end && script.added[j]) {
        output.line('+', b[j++]);
      } else {
        output.line(' ', a[i]);
        ++i, ++j;
      }
    }
  }
  return diff;
}

}  // namespace rexec::runner
