// The part of the protocol about terminals: programs on a pseudo-terminal (pty(7)) of the sandbox.
//
// What a terminal has put out is a stream of bytes with absolute offsets, as for processes, of which the
// newest kTerminalBytes are kept; its screen is the business of whoever reads it. Input is keys as bytes. All
// requests are idempotent, like those about processes.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "sandbox-client/runner/wire.h"

namespace rexec::runner {

inline constexpr std::size_t kTerminalBytes = 4
                                              << 20;  // newest bytes kept of a terminal, within kOutputBudget
inline constexpr std::size_t kMaxTerminals = 64;      // whose programs run
inline constexpr std::size_t kMaxEndedTerminals = 64;       // remembered; the one that ended first goes first
inline constexpr std::uint32_t kMaxTerminalSide = 1000;     // columns or rows
inline constexpr std::size_t kMaxTerminalAnswer = 4096;     // bytes of an answer to a query
inline constexpr std::size_t kMaxCheckpoint = 1 << 20;      // bytes of one, of which a terminal has one
inline constexpr std::size_t kCheckpointBudget = 32 << 20;  // of all; the one that was put first goes first
inline constexpr std::uint64_t kDefaultHangupMs = 2000;     // between HUP and KILL

/// Numbers of columns and rows; both from 1 to kMaxTerminalSide, anything else does not decode.
struct TerminalSize {
  std::uint32_t cols = 80;
  std::uint32_t rows = 24;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

enum class TerminalUntil : std::uint8_t {
  now = 0,
  output = 1,  // something beyond `from`, or the end
  end = 2,     // the program has ended, its output is complete, and of a closed terminal nothing is left
};

/// When to answer with a report, and how much output to put into it.
struct TerminalWait {
  std::uint64_t from = 0;
  TerminalUntil until = TerminalUntil::now;
  std::uint64_t wait_ms = 0;  // answer after this long in any case
  std::uint32_t max = 0;      // bytes of output, at most kMaxData

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

/// Starts a program on a new terminal, which is its controlling terminal and its descriptors 0 to 2. Answered
/// at once by a report with the first `max` bytes. A later one with the same nonce reports on the same
/// terminal.
struct OpenTerminal {
  std::array<std::uint8_t, 16> nonce{};
  std::string command;            // run by the runner's shell with -c; or empty, then argv is run
  std::vector<std::string> argv;  // empty too: the shell itself
  std::vector<std::string> env;   // the whole environment, "NAME=value", TERM included
  std::string cwd;                // absolute; empty: the runner's home
  TerminalSize size;
  std::uint32_t max = 0;  // at most kMaxData

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

struct WaitTerminal {
  std::uint64_t terminal = 0;
  TerminalWait wait;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

struct TerminalReport {
  std::uint64_t terminal = 0;  // the runner's number of it: 1, 2, …; never used twice
  std::int32_t pid = 0;
  ProcessStatus status = ProcessStatus::running;  // running, exited or signaled
  std::int32_t exit_code = 0;
  std::int32_t signal = 0;
  std::string reason;  // why it was ended by the runner, e.g. "closed"
  std::int64_t started_unix_ms = 0;
  std::uint64_t duration_us = 0;
  TerminalSize size;
  // The program reads a line without echo: ECHO clear and ICANON set in termios(3). Line editors clear both.
  bool echo_off = false;
  std::uint64_t from = 0;      // as asked
  std::uint64_t produced = 0;  // bytes in all so far
  std::uint64_t lost = 0;      // bytes of [from, produced) that are no longer kept
  bool end = false;            // nothing will follow
  std::uint64_t offset = 0;    // of data: the first kept byte at or after `from`
  std::string data;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

/// As WriteInput; what it says of writers, offsets and the reply holds here.
struct WriteTerminal {
  std::uint64_t terminal = 0;
  std::string writer;
  std::uint64_t offset = 0;
  std::string data;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

/// The answer to a query of the program (its cursor's position and the like) that ends before the byte at
/// `query_offset` of its output or begins there. Several may watch a terminal, so only the first answer to
/// each query is typed: one for an offset that is not greater than all before is dropped without an error.
struct AnswerTerminal {
  std::uint64_t terminal = 0;
  std::uint64_t query_offset = 0;  // less than what was produced
  std::string data;                // at most kMaxTerminalAnswer

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

/// The kernel sends SIGWINCH to the group in the foreground when the size changes (tty_ioctl(4)).
struct ResizeTerminal {
  std::uint64_t terminal = 0;
  TerminalSize size;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

/// HUP and CONT to everything that the terminal's program started. After half of the grace the line is cut,
/// so that last words are kept before: what has the terminal open reads its end, cannot write any more, and
/// the leader gets HUP once more, by the kernel. KILL to what is left after the grace. Answered at once; a
/// wait for the end tells when nothing is left. Closing again only shortens the grace.
struct CloseTerminal {
  std::uint64_t terminal = 0;
  std::uint64_t grace_ms = kDefaultHangupMs;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

struct TerminalEntry {
  std::uint64_t terminal = 0;
  std::int32_t pid = 0;
  std::string command;  // at most 1000 bytes
  ProcessStatus status = ProcessStatus::running;
  std::int32_t exit_code = 0;
  std::int32_t signal = 0;
  TerminalSize size;
  std::uint64_t produced = 0;
  std::int64_t started_unix_ms = 0;
  std::uint64_t duration_us = 0;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

struct TerminalList {
  std::vector<TerminalEntry> entries;  // at most kMaxTerminals + kMaxEndedTerminals, by number

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

/// What a reader made of the output up to `offset`, so that another one can go on from there. Opaque here. Of
/// those for one terminal the one with the highest offset is kept.
struct PutCheckpoint {
  std::uint64_t terminal = 0;
  std::uint64_t offset = 0;  // at most what was produced
  std::string bytes;         // 1 to kMaxCheckpoint

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

struct GetCheckpoint {
  std::uint64_t terminal = 0;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

struct Checkpoint {
  std::uint64_t offset = 0;
  std::string bytes;  // empty: there is none

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

}  // namespace rexec::runner
