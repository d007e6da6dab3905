// A process with given output, reported on and read as a runner does it.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "tests/support/fake_sandbox.h"

namespace rexec::test {

struct FakeProcess {
  std::string out;
  std::string err;
  sandbox::ProcessStatus status = sandbox::ProcessStatus::exited;
  int exit_code = 0;
  std::uint64_t kept_from = 0;  // bytes before this are lost

  sandbox::StreamReport stream(const std::string& output, std::uint64_t from,
                               const sandbox::WaitSpec& wait) const {
    sandbox::StreamReport report;
    report.from = from;
    report.produced = output.size();
    report.end = status != sandbox::ProcessStatus::running;
    from = std::min<std::uint64_t>(from, output.size());
    const std::string all = output.substr(from);
    report.newlines = static_cast<std::uint64_t>(std::count(all.begin(), all.end(), '\n'));
    const std::uint64_t first = std::min<std::uint64_t>(std::max(from, kept_from), output.size());
    report.lost = first - from;
    const std::string kept = output.substr(first);
    const bool whole = kept.size() <= wait.head + wait.tail;
    report.head_offset = first;
    report.head = kept.substr(0, whole ? kept.size() : wait.head);
    report.tail_offset = whole ? output.size() : output.size() - wait.tail;
    report.tail = output.substr(report.tail_offset);
    return report;
  }

  sandbox::ProcessReport report(std::uint64_t process, const sandbox::WaitSpec& wait) const {
    sandbox::ProcessReport made = exited_report(process, exit_code, "");
    made.status = status;
    made.streams[0] = stream(out, wait.from[0], wait);
    made.streams[1] = stream(err, wait.from[1], wait);
    return made;
  }

  /// Every start, wait and read of the runner is about this process. It outlives the runner's use.
  void serve(FakeRunner& runner) {
    runner.on_start = [this](const sandbox::ProcessSpec&, const sandbox::WaitSpec& wait, const Op&,
                             const sandbox::Completion<sandbox::ProcessReport>& done) {
      done(report(7, wait));
    };
    runner.on_wait = [this](std::uint64_t process, const sandbox::WaitSpec& wait, const Op&,
                            const sandbox::Completion<sandbox::ProcessReport>& done) {
      done(report(process, wait));
    };
    runner.on_read_output = [this](std::uint64_t, int stream, std::uint64_t offset, std::size_t max,
                                   const Op&, const sandbox::Completion<sandbox::OutputPart>& done) {
      const std::string& output = stream == 0 ? out : err;
      sandbox::OutputPart part;
      part.offset = std::min<std::uint64_t>(std::max(offset, kept_from), output.size());
      part.produced = output.size();
      part.data = output.substr(part.offset, max);
      part.end = status != sandbox::ProcessStatus::running;
      done(std::move(part));
    };
  }
};

}  // namespace rexec::test
