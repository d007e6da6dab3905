// Edits of files: no file, patch or replacement may crash the pure parts of edit_file or keep them busy, and
// the difference between any two texts, applied to the first, gives the second.
// The input is two texts with a line of three bytes 0xff between them.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sandbox-client/runner/nearest_lines.h"
#include "sandbox-client/runner/patch.h"
#include "sandbox-client/runner/text_edit.h"
#include "sandbox-client/runner/unified_diff.h"

namespace {

using namespace rexec::runner;

bool apply(std::string_view text, std::string_view written, std::string& result) {
  Patch patch;
  std::string problem;
  if (!parse_patch(written, patch, problem)) {
    if (problem.empty()) std::abort();
    return false;
  }
  PatchApplier applier(text, patch);
  auto state = PatchApplier::State::running;
  while (state == PatchApplier::State::running) state = applier.advance();
  if (state != PatchApplier::State::done) {
    if (applier.problem().empty()) std::abort();
    return false;
  }
  result = applier.result();
  if (result.size() != applier.result_size()) std::abort();
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::string_view kBetween = "\n\xff\xff\xff\n";
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t split = input.find(kBetween);
  const std::string_view one = input.substr(0, split);
  const std::string_view two =
      split == input.npos ? std::string_view() : input.substr(split + kBetween.size());

  std::string result;
  (void)apply(one, two, result);

  DiffLimits limits;
  limits.context = 1 + size % 4;  // without any, lines added to a file with CRLF get it too
  if (size % 5 == 0) limits.work = size;
  const UnifiedDiff diff = unified_diff(one, two, "/x", limits);
  if (diff.cut || diff.text.empty() != (one == two)) std::abort();
  if (one != two && (!apply(one, diff.text, result) || result != two)) std::abort();

  NearestLines nearest(one, two, "old_text");
  while (!nearest.advance(1 + size % 100)) {
  }
  if (nearest.describe().size() > kMaxHintBytes) std::abort();

  std::string text(one);
  const bool everywhere = size % 2 == 0;
  const EditOutcome outcome = apply_text_edit(text, {std::string(two.substr(0, 3)), "new", everywhere});
  if (outcome.kind != EditOutcome::Kind::done && text != one) std::abort();
  return 0;
}
