#include "sandbox-client/runner/patch.h"

#include <algorithm>
#include <limits>

namespace rexec::runner {
namespace {

constexpr std::string_view kBegin = "@@";

std::string_view without_cr(std::string_view line) {
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  // A patch that came with CRLF throughout says nothing about the line ends of the file.
  if (std::all_of(lines.begin(), lines.end(), [](std::string_view line) { return line.ends_with('\r'); }))
    for (std::string_view& line : lines) line = without_cr(line);
  return lines;
}

struct Range {
  std::uint64_t line = 0;
  std::uint64_t count = 1;
};

bool read_number(std::string_view& text, std::uint64_t& number) {
  std::size_t digits = 0;
  number = 0;
  constexpr std::size_t kMaxDigits = 15;
  while (digits < text.size() && digits < kMaxDigits && text[digits] >= '0' && text[digits] <= '9')
    number = number * 10 + static_cast<std::uint64_t>(text[digits++] - '0');
  text.remove_prefix(digits);
  return digits > 0;
}

bool read_range(std::string_view& text, char sign, Range& range) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  if (!text.starts_with(sign)) return false;
  text.remove_prefix(1);
  if (!read_number(text, range.line)) return false;
  range.count = 1;
  if (!text.starts_with(',')) return true;
  text.remove_prefix(1);
  return read_number(text, range.count);
}

class Parser {
 public:
  Parser(std::string_view text, Patch& patch, std::string& problem)
      : lines_(split(text)), patch_(patch), problem_(problem) {}

  bool run() {
    const bool headed =
        std::any_of(lines_.begin(), lines_.end(), [](auto line) { return line.starts_with(kBegin); });
    while (at_ < lines_.size())
      if (!(headed ? outside() : bare())) return false;
    if (patch_.hunks.empty())
      return fail_all(
          "has no hunk: expected lines that begin with '-', '+' or a space, after a line \"@@ -LINE,COUNT "
          "+LINE,COUNT @@\"");
    for (const Hunk& hunk : patch_.hunks)
      for (const HunkLine& line : hunk.lines)
        if (line.kind != ' ') return true;
    return fail_all("removes and adds nothing");
  }

 private:
  bool fail_all(std::string what) {
    problem_ = std::move(what);
    return false;
  }
  bool fail(std::string what) { return fail_all("line " + std::to_string(at_ + 1) + ": " + std::move(what)); }
  std::string_view line(std::size_t i) const { return i < lines_.size() ? lines_[i] : std::string_view(); }
  bool starts(std::size_t i, std::string_view what) const { return line(i).starts_with(what); }
  bool file_header(std::size_t i) const {
    return starts(i, "diff --git ") || (starts(i, "--- ") && starts(i + 1, "+++ "));
  }
  bool another_file(std::size_t i) const {
    return file_header(i) || starts(i, "*** Update File") || starts(i, "*** Add File") ||
           starts(i, "*** Delete File");
  }
  /// What ends a hunk whose counts do not say where it ends.
  bool end_mark(std::size_t i) const {
    return i >= lines_.size() || starts(i, kBegin) || starts(i, "```") || starts(i, "*** ") || signature(i) ||
           file_header(i);
  }
  /// "-- " and a version, at the end of a mail with a patch.
  bool signature(std::size_t i) const { return line(i) == "-- " && i + 3 >= lines_.size(); }

  bool outside() {
    if (starts(at_, kBegin)) return hunk();
    if (!patch_.hunks.empty()) {
      if (signature(at_)) {
        at_ = lines_.size();
        return true;
      }
      if (another_file(at_)) return fail("another file begins here; expected a patch of one file");
      if (!without_cr(line(at_)).empty() && !starts(at_, "```") && !starts(at_, "*** "))
        return fail("expected a line that begins with '@@'");
    }
    const bool change =
        (starts(at_, "+") && !starts(at_, "+++")) || (starts(at_, "-") && !starts(at_, "---"));
    if (change) return fail("this change stands in front of the first line that begins with '@@'");
    return skip_header();
  }

  bool skip_header() {
    if (starts(at_, "--- /dev/null")) return fail("this would make a file; use write_file");
    if (starts(at_, "+++ /dev/null") || starts(at_, "*** Delete File"))
      return fail("this would remove the file; use exec");
    for (const std::string_view what :
         {"rename from ", "copy from ", "old mode ", "GIT binary patch", "Binary files "})
      if (starts(at_, what))
        return fail("only changes of lines are possible here; use exec for \"" + std::string(what) + "…\"");
    ++at_;
    return true;
  }

  /// A patch without any "@@" line.
  bool bare() {
    const std::string_view first = line(at_);
    if (!patch_.hunks.empty() && another_file(at_))
      return fail("another file begins here; expected a patch of one file");
    if (starts(at_, "--- ") && starts(at_ + 1, "+++ ")) {
      if (!skip_header() || !skip_header()) return false;
      return at_ >= lines_.size() || lenient(add_hunk({}));
    }
    const bool body = first.starts_with('-') || first.starts_with('+') || first.starts_with(' ');
    if (!body || !patch_.hunks.empty()) return skip_header();
    return lenient(add_hunk({}));
  }

  Hunk* add_hunk(std::string_view header) {
    if (patch_.hunks.size() >= kMaxHunks) return nullptr;
    patch_.hunks.emplace_back().header = header;
    return &patch_.hunks.back();
  }

  bool hunk() {
    const std::string_view header = without_cr(line(at_));
    Hunk* const hunk = add_hunk(header);
    if (hunk == nullptr)
      return fail("more than " + std::to_string(kMaxHunks) + " hunks; apply them in several calls");
    ++at_;
    std::string_view rest = header.substr(kBegin.size());
    Range before;
    Range after;
    if (!read_range(rest, '-', before) || !read_range(rest, '+', after)) return lenient(hunk);
    hunk->old_line = before.line;
    const std::size_t begin = at_;
    if (counted(*hunk, before.count, after.count)) return true;
    at_ = begin;
    hunk->lines.clear();
    if (!lenient(hunk)) return false;
    const bool adds_only = std::all_of(hunk->lines.begin(), hunk->lines.end(),
                                       [](const HunkLine& line) { return line.kind == '+'; });
    if (adds_only && before.count != 0) hunk->old_line.reset();
    return true;
  }

  /// The body, when it is as long as the header says.
  bool counted(Hunk& hunk, std::uint64_t before, std::uint64_t after) {
    while (before > 0 || after > 0) {
      if (at_ >= lines_.size()) return false;
      const char kind = line(at_).empty() ? ' ' : line(at_).front();
      if (kind == '\\' && !hunk.lines.empty()) {
        hunk.lines.back().unterminated = true;
        ++at_;
        continue;
      }
      if ((kind != ' ' && kind != '-' && kind != '+') || (kind != '+' && before == 0) ||
          (kind != '-' && after == 0))
        return false;
      before -= kind == '+' ? 0 : 1;
      after -= kind == '-' ? 0 : 1;
      add(hunk, kind);
    }
    if (starts(at_, "\\") && !hunk.lines.empty()) {
      hunk.lines.back().unterminated = true;
      ++at_;
    }
    return end_mark(at_) || (!starts(at_, " ") && !starts(at_, "-") && !starts(at_, "+"));
  }

  bool lenient(Hunk* hunk) {
    std::size_t bare_blanks = 0;  // at the end so far: context, or no part of the hunk
    for (; !end_mark(at_); ++at_) {
      const std::string_view text = line(at_);
      const char kind = text.empty() || text == "\r" ? ' ' : text.front();
      if (kind == '\\') {
        if (!hunk->lines.empty()) hunk->lines.back().unterminated = true;
        continue;
      }
      if (kind != ' ' && kind != '-' && kind != '+')
        return fail("a line of a hunk begins with a space (unchanged), '-' (removed) or '+' (added)");
      bare_blanks = text.empty() || text == "\r" ? bare_blanks + 1 : 0;
      add(*hunk, kind);
      --at_;
    }
    hunk->lines.resize(hunk->lines.size() - bare_blanks);
    if (hunk->lines.empty()) return fail("the hunk in front of this has no lines");
    return true;
  }

  void add(Hunk& hunk, char kind) {
    const std::string_view text = line(at_++);
    hunk.lines.push_back({kind, text.empty() || text == "\r" ? text : text.substr(1), false});
  }

  const std::vector<std::string_view> lines_;
  Patch& patch_;
  std::string& problem_;
  std::size_t at_ = 0;
};

}  // namespace

bool parse_patch(std::string_view text, Patch& patch, std::string& problem) {
  patch.hunks.clear();
  return Parser(text, patch, problem).run();
}

}  // namespace rexec::runner
