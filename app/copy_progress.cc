#include "app/copy_progress.h"

#include <cmath>

#include "app/size_text.h"
#include "app/terminal_filter.h"
#include "base/utf8.h"

namespace rexec::app {
namespace {

constexpr std::string_view kClearLine = "\r\x1b[K";

std::string counted(std::uint64_t number, std::string_view one, std::string_view many) {
  return std::to_string(number) + " " + std::string(number == 1 ? one : many);
}

}  // namespace

void print_problem(std::ostream& out, const std::string& message) {
  std::string text = filter_for_terminal(to_valid_utf8(message));
  // What the filter lets through is for output, and a name has neither lines nor colours.
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  out << "rexec-mcp: " << text << std::endl;
}

CopyProgress::CopyProgress(Streams& streams, bool quiet, const Clock& clock)
    : streams_(streams), quiet_(quiet), clock_(clock), begun_(clock.now()), drawn_(begun_) {}

void CopyProgress::clear_line() {
  if (std::exchange(line_shown_, false)) streams_.err << kClearLine << std::flush;
}

void CopyProgress::progress(const sandbox::TransferCounts& counts) {
  counts_ = counts;
  if (quiet_ || !streams_.err_is_terminal) return;
  const SteadyTime now = clock_.now();
  if (now - drawn_ < kRedraw) return;
  drawn_ = now;
  const double seconds = std::chrono::duration<double>(now - begun_).count();
  const auto rate = static_cast<std::uint64_t>(static_cast<double>(counts.bytes) / seconds);
  streams_.err << '\r' << counted(counts.files, "file, ", "files, ") << size_text(counts.bytes) << ", "
               << size_text(rate) << "/s\x1b[K" << std::flush;
  line_shown_ = true;
}

void CopyProgress::problem(const std::string& message, bool skipped) {
  clear_line();
  print_problem(streams_.err, skipped ? "skipped: " + message : message);
}

void CopyProgress::finish() {
  clear_line();
  if (quiet_) return;
  const double seconds = std::chrono::duration<double>(clock_.now() - begun_).count();
  std::string text = counted(counts_.files, "file", "files");
  if (counts_.directories > 0) text += ", " + counted(counts_.directories, "directory", "directories");
  if (counts_.symlinks > 0) text += ", " + counted(counts_.symlinks, "symlink", "symlinks");
  text += ", " + size_text(counts_.bytes);
  const std::string tenths = std::to_string(std::llround(seconds * 10));
  text += " in " +
          (tenths.size() < 2 ? "0." + tenths : tenths.substr(0, tenths.size() - 1) + "." + tenths.back());
  text += " s";
  if (counts_.skipped > 0) text += ", " + std::to_string(counts_.skipped) + " skipped";
  if (counts_.errors > 0) text += ", " + counted(counts_.errors, "error", "errors");
  streams_.err << text << std::endl;
}

}  // namespace rexec::app
