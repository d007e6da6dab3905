#include "sandbox-client/runner/nearest_lines.h"

#include <algorithm>
#include <utility>

#include "sandbox-client/runner/text_search.h"

namespace rexec::runner {
namespace {

constexpr std::size_t kShownLines = 8;
constexpr std::size_t kShownBytes = 140;    // of a line
constexpr std::size_t kLookedAt = 1000;     // bytes of a line that are compared
constexpr double kLikely = 0.6;             // share of common pairs from which a line is worth showing
constexpr std::size_t kMaxSameLines = 4;    // equal lines of sought that vote
constexpr std::uint32_t kTrivialVotes = 3;  // such as of a lone "}"

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

std::string without_whitespace(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text)
    if (!is_space(c)) result += c;
  return result;
}

/// FNV-1a of what is not whitespace, and how much that is.
std::pair<std::uint64_t, std::size_t> essence(std::string_view line) {
  std::uint64_t hash = 0xcbf29ce484222325;
  std::size_t size = 0;
  for (const char c : line) {
    if (is_space(c)) continue;
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    ++size;
  }
  return {hash, size};
}

std::size_t pair_of(char a, char b) {
  return static_cast<std::size_t>(static_cast<unsigned char>(a)) << 8 | static_cast<unsigned char>(b);
}

std::string_view trimmed(std::string_view line) {
  while (!line.empty() && is_space(line.front())) line.remove_prefix(1);
  while (!line.empty() && is_space(line.back())) line.remove_suffix(1);
  return line.substr(0, kLookedAt);
}

std::string_view line_at(std::string_view text, std::size_t offset) {
  const std::size_t end = text.find('\n', offset);
  return text.substr(offset, end == text.npos ? text.npos : end - offset);
}

std::string with_crlf(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\n' && !result.ends_with('\r')) result += '\r';
    result += c;
  }
  return result;
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  std::size_t copied = 0;
  for (std::size_t at = find_bytes(text, from); at != text.npos; at = find_bytes(text, from, copied)) {
    result.append(text.substr(copied, at - copied)).append(to);
    copied = at + from.size();
  }
  return result.append(text.substr(copied));
}

/// Backslash sequences as a string of JSON or C has them, undone.
std::string unescaped(std::string_view text) {
  constexpr std::string_view kFrom = "\"'`\\nrt";
  constexpr std::string_view kTo = "\"'`\\\n\r\t";
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t known = text[i] == '\\' && i + 1 < text.size() ? kFrom.find(text[i + 1]) : kFrom.npos;
    result += known == kFrom.npos ? text[i] : kTo[known];
    if (known != kFrom.npos) ++i;
  }
  return result;
}

std::string plain_quotes(std::string_view text) {
  std::string result(text);
  for (const std::string_view quote : {"“", "”", "„"}) result = replaced(result, quote, "\"");
  for (const std::string_view quote : {"‘", "’"}) result = replaced(result, quote, "'");
  return result;
}

}  // namespace

NearestLines::NearestLines(std::string_view text, std::string_view sought, std::string name)
    : text_(text), sought_(sought), name_(std::move(name)) {}

bool NearestLines::advance(std::size_t bytes) {
  if (text_.empty()) stage_ = Stage::over;
  switch (stage_) {
    case Stage::variants:
      try_variants();
      stage_ = placed_ ? Stage::over : Stage::whitespace;
      break;
    case Stage::whitespace:
      ignore_whitespace();
      stage_ = placed_ ? Stage::over : Stage::similar;
      if (!placed_) prepare_similar();
      break;
    case Stage::similar: {
      const std::size_t stop = offset_ + bytes;
      while (offset_ < text_.size() && offset_ < stop) {
        const std::string_view line = line_at(text_, offset_);
        look_at_line(line);
        offset_ += line.size() + 1;
        ++line_;
      }
      if (offset_ < text_.size()) break;
      for (std::size_t i = 0; i < std::min(line_, kMaxLines); ++i) close_window(line_ - 1 - i);
      if (!placed_ && best_likeness_ >= kLikely) {
        placed_ = true;
        place_ = likely_;
      }
      stage_ = Stage::over;
      break;
    }
    case Stage::over:
      break;
  }
  return stage_ == Stage::over;
}

void NearestLines::found(std::string hint, std::size_t offset, std::size_t size) {
  hint_ = std::move(hint);
  placed_ = true;
  const std::size_t start = offset == 0 ? text_.npos : text_.rfind('\n', offset - 1);
  place_.offset = start == text_.npos ? 0 : start + 1;
  place_.line = line_number(text_, offset) - 1;
  place_.lines = 1 + count_newlines(text_.substr(offset, size == 0 ? 0 : size - 1));
}

void NearestLines::try_variants() {
  const auto attempt = [this](const std::string& variant, std::string hint) {
    if (placed_ || variant.empty() || variant == sought_) return;
    const std::size_t at = find_bytes(text_, variant);
    if (at != text_.npos) found(std::move(hint), at, variant.size());
  };
  attempt(with_crlf(sought_),
          "The lines of the file end with CRLF: write \\r\\n in " + name_ + " and in what replaces it.");
  attempt(replaced(sought_, "\r\n", "\n"),
          "The lines of the file end with LF alone: leave the \\r out of " + name_ + ".");
  attempt(unescaped(sought_),
          "The file has this text without the backslashes: " + name_ + " is escaped once too often.");
  attempt(replaced(sought_, "\"", "\\\""),
          "The file has a backslash in front of each quote, which " + name_ + " lacks.");
  attempt(plain_quotes(sought_), "The file has plain quotes where " + name_ + " has typographic ones.");
}

void NearestLines::ignore_whitespace() {
  const std::string sought = without_whitespace(sought_);
  if (sought.empty()) return;
  const std::string text = without_whitespace(text_);
  const std::size_t at = find_bytes(text, sought);
  if (at == text.npos) return;
  std::size_t begin = 0;
  std::size_t seen = 0;
  for (; is_space(text_[begin]) || seen < at; ++begin)
    if (!is_space(text_[begin])) ++seen;
  std::size_t end = begin;
  for (; seen < at + sought.size(); ++end)
    if (!is_space(text_[end])) ++seen;
  found("It differs from the file only in whitespace (spaces, tabs, line ends).", begin, end - begin);
}

void NearestLines::prepare_similar() {
  for (std::string_view rest = sought_; !rest.empty() && lines_.size() < kMaxLines - 1;) {
    lines_.push_back(line_at(rest, 0));
    rest.remove_prefix(std::min(rest.size(), lines_.back().size() + 1));
  }
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    const auto [hash, size] = essence(lines_[i]);
    std::vector<std::size_t>& same = by_hash_[hash];
    if (size > 0 && same.size() < kMaxSameLines) same.push_back(i);
    if (trimmed(lines_[i]).size() > trimmed(lines_[model_]).size()) model_ = i;
  }
  const std::string_view model = lines_.empty() ? std::string_view() : trimmed(lines_[model_]);
  for (std::size_t i = 0; i + 1 < model.size(); ++i) pairs_.set(pair_of(model[i], model[i + 1]));
}

// A window begins at line s and gets votes from lines s … s + lines_.size() - 1 only, so a ring is enough.
void NearestLines::look_at_line(std::string_view line) {
  if (line_ >= kMaxLines) close_window(line_ - kMaxLines);
  votes_[line_ % kMaxLines] = 0;
  offsets_[line_ % kMaxLines] = offset_;
  const auto [hash, size] = essence(line);
  if (const auto same = by_hash_.find(hash); size > 0 && same != by_hash_.end()) {
    const auto weight = static_cast<std::uint32_t>(std::min<std::size_t>(size, 20));
    for (const std::size_t i : same->second) votes_[(line_ < i ? 0 : line_ - i) % kMaxLines] += weight;
  }
  const std::string_view model = lines_.empty() ? std::string_view() : trimmed(lines_[model_]);
  const std::string_view candidate = trimmed(line);
  if (candidate.size() < 2 || model.size() < 2) return;
  std::size_t common = 0;
  for (std::size_t i = 0; i + 1 < candidate.size(); ++i)
    common += pairs_.test(pair_of(candidate[i], candidate[i + 1])) ? 1U : 0U;
  const double likeness = 2.0 * static_cast<double>(std::min(common, model.size() - 1)) /
                          static_cast<double>(candidate.size() + model.size() - 2);
  if (likeness <= best_likeness_) return;
  best_likeness_ = likeness;
  const std::size_t start = line_ - std::min({model_, line_, kMaxLines - 1});
  likely_ = {offsets_[start % kMaxLines], start, std::max<std::size_t>(lines_.size(), 1)};
}

void NearestLines::close_window(std::size_t start) {
  const std::uint32_t votes = votes_[start % kMaxLines];
  if (votes <= std::max(best_votes_, kTrivialVotes)) return;
  best_votes_ = votes;
  placed_ = true;
  place_ = {offsets_[start % kMaxLines], start, lines_.size()};
}

std::string NearestLines::describe() const {
  if (!placed_) return text_.empty() ? "The file is empty." : "";
  std::string text = hint_;
  if (!text.empty()) text += ' ';
  text += hint_.empty() ? "The most similar lines of the file:" : "The file has there:";
  std::size_t offset = place_.offset;
  for (std::size_t i = 0; i < std::min(place_.lines, kShownLines) && offset <= text_.size(); ++i) {
    if (offset == text_.size() && i > 0) break;
    const std::string_view line = line_at(text_, offset);
    text += "\n" + std::to_string(place_.line + i + 1) + "| ";
    text += line.substr(0, kShownBytes);
    if (line.size() > kShownBytes) text += "…";
    offset += line.size() + 1;
  }
  if (place_.lines > kShownLines) text += "\n…";
  return text.size() > kMaxHintBytes ? text.substr(0, kMaxHintBytes) : text;
}

}  // namespace rexec::runner
