#include "app/copy_progress.h"

#include <sstream>

#include "app/size_text.h"
#include "tests/support/catch.h"
#include "tests/support/fake_sandbox.h"

using namespace rexec;
using namespace rexec::app;

namespace {

struct Screen {
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  test::FakeClock clock;
  Streams streams{in, out, err};

  explicit Screen(bool terminal) { streams.err_is_terminal = terminal; }
  std::string take() {
    std::string text = err.str();
    err.str({});
    return text;
  }
};

sandbox::TransferCounts counts(std::uint64_t files, std::uint64_t bytes) {
  sandbox::TransferCounts counts;
  counts.files = files;
  counts.bytes = bytes;
  return counts;
}

}  // namespace

TEST_CASE("progress is one line that is rewritten at most ten times a second", "[app]") {
  Screen screen(true);
  CopyProgress progress(screen.streams, false, screen.clock);
  progress.progress(counts(0, 10));
  CHECK(screen.take().empty());
  screen.clock.advance(std::chrono::milliseconds(500));
  progress.progress(counts(1, 3 << 20));
  CHECK(screen.take() == "\r1 file, 3.0 MiB, 6.0 MiB/s\x1b[K");
  screen.clock.advance(std::chrono::milliseconds(99));
  progress.progress(counts(2, 4 << 20));
  CHECK(screen.take().empty());
  progress.problem("\"x\" is gone", false);
  CHECK(screen.take() == "\r\x1b[Krexec-mcp: \"x\" is gone\n");
  screen.clock.advance(std::chrono::milliseconds(401));
  progress.progress(counts(2, 4 << 20));
  CHECK(screen.take() == "\r2 files, 4.0 MiB, 4.0 MiB/s\x1b[K");
  progress.finish();
  CHECK(screen.take() == "\r\x1b[K2 files, 4.0 MiB in 1.0 s\n");
}

TEST_CASE("without a terminal there is a summary only, and nothing when quiet but problems", "[app]") {
  Screen screen(false);
  CopyProgress progress(screen.streams, false, screen.clock);
  screen.clock.advance(std::chrono::milliseconds(12345));
  sandbox::TransferCounts all = counts(1, 17);
  all.directories = 2;
  all.symlinks = 1;
  all.skipped = 3;
  all.errors = 1;
  progress.progress(all);
  CHECK(screen.take().empty());
  progress.finish();
  CHECK(screen.take() == "1 file, 2 directories, 1 symlink, 17 B in 12.3 s, 3 skipped, 1 error\n");
  Screen silent(true);
  CopyProgress quiet(silent.streams, true, silent.clock);
  silent.clock.advance(std::chrono::seconds(1));
  quiet.progress(all);
  quiet.finish();
  CHECK(silent.take().empty());
  quiet.problem("\"fifo\"", true);
  CHECK(silent.take() == "rexec-mcp: skipped: \"fifo\"\n");
  CHECK(quiet.counts().errors == 1);
}

TEST_CASE("a name in a problem stays on its line and gives the terminal no orders", "[app]") {
  std::ostringstream out;
  print_problem(out, "\"a\nrexec-mcp: b\x1b]0;title\x07\x1b[31m\r\xff\x9b\"");
  const std::string text = out.str();
  CHECK(text.find('\x1b') == text.npos);
  CHECK(text.find('\r') == text.npos);
  CHECK(text.find('\n') == text.size() - 1);
  CHECK(text.find("title") == text.npos);
}

TEST_CASE("sizes have one decimal from a kibibyte on", "[app]") {
  CHECK(size_text(0) == "0 B");
  CHECK(size_text(1023) == "1023 B");
  CHECK(size_text(1024) == "1.0 KiB");
  CHECK(size_text(1536) == "1.5 KiB");
  CHECK(size_text(std::uint64_t{5} << 40) == "5.0 TiB");
  CHECK(size_text(std::uint64_t{5} << 50) == "5120.0 TiB");
}
