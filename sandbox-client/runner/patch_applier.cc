#include <algorithm>
#include <utility>

#include "sandbox-client/runner/patch.h"
#include "sandbox-client/runner/text_search.h"

namespace rexec::runner {
namespace {

constexpr std::size_t kMaxLookedAt = 1000;  // places of one hunk, those taken by other hunks included

}  // namespace

// The old lines with a '\n' in front, as they are sought: so a hit is at the start of a line, and a search
// that goes on behind one goes on in linear time.
struct PatchApplier::Block {
  std::string_view line_end;
  std::string bytes;    // "\n", then the lines, each with its end
  bool at_end = false;  // must reach the end of the file

  std::string_view lines() const { return std::string_view(bytes).substr(1); }
  std::string_view unterminated() const { return lines().substr(0, lines().size() - line_end.size()); }

  static Block of(const Hunk& hunk, std::string_view line_end) {
    Block block{line_end, "\n", false};
    for (const HunkLine& line : hunk.lines) {
      block.at_end = block.at_end || line.unterminated;
      if (line.kind != '+') block.bytes.append(line.text).append(line_end);
    }
    return block;
  }
};

PatchApplier::State PatchApplier::refuse(const Hunk& hunk, const std::string& what) {
  const std::string number = std::to_string(next_ + 1) + " of " + std::to_string(patch_.hunks.size());
  const std::string header = hunk.header.empty() ? "" : " (" + std::string(hunk.header.substr(0, 80)) + ")";
  problem_ = "hunk " + number + header + " " + what;
  return State::refused;
}

PatchApplier::State PatchApplier::advance() {
  if (next_ == patch_.hunks.size()) return State::done;
  const Hunk& hunk = patch_.hunks[next_];
  const bool has_old = std::any_of(hunk.lines.begin(), hunk.lines.end(),
                                   [](const HunkLine& line) { return line.kind != '+'; });
  const State state = has_old ? place(hunk) : insert(hunk);
  if (state != State::running) return state;
  ++next_;
  return next_ == patch_.hunks.size() ? State::done : State::running;
}

bool PatchApplier::overlaps(std::size_t begin, std::size_t end) const {
  return std::any_of(placements_.begin(), placements_.end(),
                     [&](const Placement& placed) { return begin < placed.end && placed.begin < end; });
}

std::size_t PatchApplier::match_at(const Block& block, std::size_t offset) const {
  const std::string_view rest = text_.substr(offset);
  std::size_t size = block.lines().size();
  if (!rest.starts_with(block.lines())) {
    // The last line of the file may lack its end.
    if (rest != block.unterminated() || rest.empty()) return text_.npos;
    size = rest.size();
  }
  const std::size_t end = offset + size;
  return (block.at_end && end != text_.size()) || overlaps(offset, end) ? text_.npos : end;
}

std::optional<std::size_t> PatchApplier::offset_of_line(std::uint64_t line) const {
  std::size_t offset = 0;
  for (std::uint64_t i = 1; i < line; ++i) {
    const std::size_t end = text_.find('\n', offset);
    if (end == text_.npos)
      return i + 1 == line && offset < text_.size() ? std::optional(text_.size()) : std::nullopt;
    offset = end + 1;
  }
  return offset;
}

PatchApplier::State PatchApplier::place(const Hunk& hunk) {
  std::vector<Block> blocks{Block::of(hunk, "\n")};
  // Bytes of the patch are taken as they are where it has '\r' itself.
  if (blocks.front().bytes.find('\r') == std::string::npos && text_.find('\r') != text_.npos)
    blocks.push_back(Block::of(hunk, "\r\n"));

  struct Found {
    const Block* block;
    std::size_t begin;
    std::size_t end;
  };
  std::vector<Found> found;
  const auto add = [&](const Block& block, std::size_t offset) {
    const std::size_t end = match_at(block, offset);
    const bool known =
        std::any_of(found.begin(), found.end(), [&](const Found& other) { return other.begin == offset; });
    if (end != text_.npos && !known) found.push_back({&block, offset, end});
  };

  // The line number decides, moved as the hunk before was; where both readings fit, it does not.
  if (hunk.old_line) {
    const auto moved = static_cast<std::int64_t>(*hunk.old_line) + shift_;
    for (const std::int64_t line : {static_cast<std::int64_t>(*hunk.old_line), moved}) {
      if (line < 1) continue;
      const auto offset = offset_of_line(static_cast<std::uint64_t>(line));
      if (!offset) continue;
      for (const Block& block : blocks) add(block, *offset);
    }
  }
  const bool decided = found.size() == 1;
  if (!decided) {
    found.clear();
    std::size_t looked_at = 0;
    for (const Block& block : blocks) {
      for (const std::string_view tail : {block.lines(), block.unterminated()}) {
        const std::size_t offset = text_.size() - std::min(text_.size(), tail.size());
        if (!tail.empty() && (offset == 0 || text_[offset - 1] == '\n')) add(block, offset);
      }
      if (block.at_end) continue;
      add(block, 0);
      for (std::size_t at = find_bytes(text_, block.bytes); at != text_.npos && found.size() < kMaxPlaces;
           at = find_bytes(text_, block.bytes, at + 1)) {
        if (++looked_at > kMaxLookedAt)
          return refuse(hunk, "repeats too often in the file; add unchanged lines around it");
        add(block, at + 1);
      }
    }
    // Hunks come in the order of the file.
    const std::size_t after = placements_.empty() ? 0 : placements_.back().end;
    const auto later =
        std::count_if(found.begin(), found.end(), [&](const Found& place) { return place.begin >= after; });
    if (found.size() > 1 && found.size() < kMaxPlaces && later == 1)
      std::erase_if(found, [&](const Found& place) { return place.begin < after; });
  }
  if (found.empty()) {
    sought_ = std::string(blocks.front().unterminated());
    refuse(hunk, "does not fit: its unchanged and removed lines are not in the file as they stand there.");
    return State::missing;
  }
  if (found.size() > 1) {
    std::vector<std::size_t> lines;
    for (const Found& place : found) lines.push_back(line_number(text_, place.begin));
    std::sort(lines.begin(), lines.end());
    return refuse(hunk, "fits in " + std::string(found.size() < kMaxPlaces ? "" : "at least ") +
                            std::to_string(found.size()) + " places, at lines " + join_numbers(lines) +
                            "; add unchanged lines around it, or give the right line number in its header");
  }
  const Found& place = found.front();
  if (hunk.old_line)
    shift_ = static_cast<std::int64_t>(line_number(text_, place.begin)) -
             static_cast<std::int64_t>(*hunk.old_line);
  accept(hunk, *place.block, place.begin, place.end);
  return State::running;
}

PatchApplier::State PatchApplier::insert(const Hunk& hunk) {
  std::optional<std::size_t> offset;
  if (text_.empty()) {
    offset = 0;
  } else if (hunk.old_line) {
    offset = offset_of_line(*hunk.old_line + 1);
    if (!offset)
      return refuse(hunk, "adds lines behind line " + std::to_string(*hunk.old_line) +
                              ", which the file does not have");
  } else {
    return refuse(hunk,
                  "adds lines without unchanged lines or a line number that tell where; add unchanged lines "
                  "around them");
  }
  if (overlaps(*offset, *offset)) return refuse(hunk, "adds lines where another hunk makes changes");
  const std::size_t first_end = text_.find('\n');
  const bool crlf = first_end != text_.npos && first_end > 0 && text_[first_end - 1] == '\r';
  const bool own_cr = std::any_of(hunk.lines.begin(), hunk.lines.end(),
                                  [](const HunkLine& line) { return line.text.ends_with('\r'); });
  accept(hunk, Block::of(hunk, crlf && !own_cr ? "\r\n" : "\n"), *offset, *offset);
  return State::running;
}

void PatchApplier::accept(const Hunk& hunk, const Block& block, std::size_t begin, std::size_t end) {
  std::string replacement;
  if (begin == text_.size() && begin > 0 && text_.back() != '\n') replacement = block.line_end;
  for (const HunkLine& line : hunk.lines)
    if (line.kind != '-') replacement.append(line.text).append(block.line_end);
  if (end == text_.size()) finish_end(hunk, block, end, replacement);
  placements_.push_back({begin, end, std::move(replacement)});
}

// The last line of the new text ends as the patch says, or, when it says nothing, as that of the old one.
void PatchApplier::finish_end(const Hunk& hunk, const Block& block, std::size_t end,
                              std::string& replacement) const {
  bool said = false;
  bool unterminated = false;
  for (const HunkLine& line : hunk.lines) {
    said = said || line.unterminated;
    if (line.kind != '-') unterminated = line.unterminated;
  }
  if (!said) unterminated = end > 0 && text_.back() != '\n';
  if (unterminated && replacement.ends_with(block.line_end))
    replacement.resize(replacement.size() - block.line_end.size());
}

std::size_t PatchApplier::result_size() const {
  std::size_t size = text_.size();
  for (const Placement& placed : placements_)
    size = size + placed.replacement.size() - (placed.end - placed.begin);
  return size;
}

std::string PatchApplier::result() const {
  std::vector<const Placement*> ordered;
  for (const Placement& placed : placements_) ordered.push_back(&placed);
  std::stable_sort(ordered.begin(), ordered.end(), [](const Placement* a, const Placement* b) {
    return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
  });
  std::string result;
  result.reserve(result_size());
  std::size_t copied = 0;
  for (const Placement* placed : ordered) {
    result.append(text_.substr(copied, placed->begin - copied)).append(placed->replacement);
    copied = placed->end;
  }
  return result.append(text_.substr(copied));
}

}  // namespace rexec::runner
