// What the tools use of a sandbox: processes, terminals and files, asynchronously.
//
// Runner is the interface; make_runner_client is the implementation over a Channel to a runner. A backend
// whose machine cannot take a runner implements Runner with less and says so in its capabilities.
//
// Every operation takes an Op and a completion. The completion is called exactly once, from the channel's I/O
// thread (or, when the call fails at once, from the calling thread before it returns), and must be short: it
// hands over to a worker for anything that is not. When op.stop fires or op.deadline passes, the operation is
// given up and completes with cancelled or deadline_exceeded; what that means for a process is said below.
// All member functions are thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "sandbox-client/channel.h"

namespace rexec::sandbox {

template <class T>
using Completion = std::function<void(Result<T>)>;

enum class ProcessStatus { running, exited, signaled, timed_out, cancelled };
enum class Until { now, output, exit };

/// Sizes in bytes, offsets from the start of a stream, index 0 = stdout, 1 = stderr.
struct WaitSpec {
  Until until = Until::exit;
  Duration wait{};  // answer after this long in any case
  std::array<std::uint64_t, 2> from{};
  std::array<bool, 2> wanted{true, true};
  std::size_t head = 0;  // of what is there from `from` on: this much of its start …
  std::size_t tail = 0;  // … and this much of its end (head + tail <= 1 MiB)
};

struct ProcessSpec {
  std::string command;  // for the sandbox's shell; or empty, then argv
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> env;  // added to the sandbox's environment
  std::string cwd;  // absolute or relative to the sandbox's cwd, "~" allowed; empty: that cwd
  std::optional<std::string> input;  // all of standard input, which is then closed
  bool stdin_pipe = false;           // keep standard input open for write_input (then `input` is its start)
  Duration timeout{};                // zero: none
};

struct StreamReport {
  std::uint64_t from = 0;
  std::uint64_t produced = 0;
  std::uint64_t newlines = 0;  // in [from, produced)
  std::uint64_t lost = 0;      // of [from, produced), no longer kept
  bool end = false;
  std::uint64_t head_offset = 0;
  std::string head;
  std::uint64_t tail_offset = 0;
  std::string tail;
};

struct ProcessReport {
  std::uint64_t process = 0;
  int pid = 0;
  ProcessStatus status = ProcessStatus::running;
  int exit_code = 0;
  int signal = 0;
  std::string reason;
  std::int64_t started_unix_ms = 0;
  Duration duration{};
  std::optional<Duration> time_left;  // running, with a timeout
  std::optional<Duration> cpu;
  std::optional<std::uint64_t> max_rss_bytes;
  bool pipes_held = false;
  std::array<StreamReport, 2> streams;
};

struct OutputPart {
  std::uint64_t offset = 0;
  std::uint64_t produced = 0;
  std::uint64_t newlines_before = 0;
  bool end = false;
  std::string data;
};

struct InputState {
  std::uint64_t accepted = 0;
  bool closed = false;
};

struct ProcessEntry {
  std::uint64_t process = 0;  // 0: not started by a tool
  int pid = 0;
  int ppid = 0;
  std::string command;
  ProcessStatus status = ProcessStatus::running;
  std::int64_t started_unix_ms = 0;
  Duration cpu{};
  Duration age{};
  std::uint64_t rss_bytes = 0;
};

struct ProcessEntries {
  std::vector<ProcessEntry> entries;
  bool truncated = false;
};

struct TerminalSize {
  unsigned cols = 120;  // each from 1 to 1000
  unsigned rows = 30;
};

struct TerminalSpec {
  std::string command;                                   // for the sandbox's shell; or empty, then argv
  std::vector<std::string> argv;                         // empty too: the shell itself, interactive
  std::vector<std::pair<std::string, std::string>> env;  // added to the sandbox's environment, TERM for one
  std::string cwd;  // absolute or relative to the sandbox's cwd, "~" allowed; empty: that cwd
  TerminalSize size;
  std::size_t max = 0;  // bytes of output in the report, at most 1 MiB
};

enum class TerminalUntil { now, output, end };

/// When to report on a terminal, and how much of its output.
struct TerminalWait {
  std::uint64_t from = 0;  // offset of the first wanted byte
  TerminalUntil until = TerminalUntil::now;
  Duration wait{};      // answer after this long in any case
  std::size_t max = 0;  // bytes, at most 1 MiB
};

struct TerminalReport {
  std::uint64_t terminal = 0;
  int pid = 0;
  ProcessStatus status = ProcessStatus::running;  // running, exited or signaled
  int exit_code = 0;
  int signal = 0;
  std::string reason;  // why it was ended by us or by a limit
  std::int64_t started_unix_ms = 0;
  Duration duration{};
  TerminalSize size;
  bool echo_off = false;  // it reads a line that is not to be seen (ECHO clear, ICANON set)
  std::uint64_t from = 0;
  std::uint64_t produced = 0;
  std::uint64_t lost = 0;    // of [from, produced), no longer kept
  bool end = false;          // nothing will follow `produced`
  std::uint64_t offset = 0;  // of data: the first kept byte at or after `from`
  std::string data;
};

struct TerminalEntry {
  std::uint64_t terminal = 0;
  int pid = 0;
  std::string command;
  ProcessStatus status = ProcessStatus::running;
  int exit_code = 0;
  int signal = 0;
  TerminalSize size;
  std::uint64_t produced = 0;
  std::int64_t started_unix_ms = 0;
  Duration duration{};
};

/// What a reader made of a terminal's output up to `offset`. Opaque to everybody else.
struct TerminalCheckpoint {
  std::uint64_t offset = 0;
  std::string bytes;  // at most 1 MiB; empty: there is none
};

enum class FileType { file, dir, symlink, other };

struct FileInfo {
  FileType type = FileType::file;
  std::uint64_t size = 0;
  unsigned mode = 0;
  std::int64_t modified_unix_ms = 0;
  std::string target;
};

struct FileData {
  FileInfo info;
  std::uint64_t offset = 0;
  std::string data;
  std::uint64_t first_line = 0;
  std::uint64_t lines = 0;
  std::uint64_t total_lines = 0;
  std::uint64_t cut_line_end = 0;
  std::string probe;
};

struct LineRange {
  std::int64_t start = 1;  // 1-based; negative counts from the end
  std::size_t max_lines = 2000;
  std::size_t max_bytes = 1 << 20;
};

struct WriteSpec {
  std::string path;
  std::string content;
  bool append = false;
  bool create_parents = true;
  std::optional<unsigned> mode;
  std::string expect_sha256;  // hex, "absent", or empty
};

struct FileWritten {
  std::string path;
  std::uint64_t bytes = 0;
  bool created = false;
  std::string sha256;
};

struct TextEdit {
  std::string old_text;
  std::string new_text;
  bool replace_all = false;
};

struct EditSpec {
  std::string path;
  std::vector<TextEdit> edits;  // each on the result of those before; or empty, then patch
  std::string patch;            // a unified diff for this one file
  bool dry_run = false;         // only tell what would be done
};

struct FileEdited {
  std::string path;
  std::uint64_t bytes = 0;
  std::uint64_t replacements = 0;  // or hunks
  std::string sha256;
  std::string diff;       // unified; at most 1 MiB
  bool diff_cut = false;  // its end is missing
};

/// A directory or a symlink to make. Times in nanoseconds since the Unix epoch.
struct EntrySpec {
  std::string path;
  FileType type = FileType::dir;  // dir or symlink
  std::string target;             // of a symlink
  bool attributes = false;        // set mode (of a directory) and time; without, a new directory has 0700
  unsigned mode = 0;              // of it, 0777
  std::int64_t modified_unix_ns = 0;
};

/// What a file becomes when all of its bytes are there.
struct FileEnd {
  std::uint64_t size = 0;
  std::optional<unsigned> mode;  // of it, 0777; absent: as it is
  std::optional<std::int64_t> modified_unix_ns;
};

struct RangeSpec {
  std::string path;
  bool follow = false;  // a symlink at the end of `path`
  std::uint64_t offset = 0;
  std::string data;    // at most 1 MiB
  bool begin = false;  // make the file where there is none; it need not be there then
  std::optional<FileEnd> finish;
};

/// A part of a directory tree. Paths in answers are relative to `path`, and no symlink below it is followed.
struct ListSpec {
  std::string path;
  std::string glob;  // see runner/glob.h; empty: everything
  unsigned depth = 1;
  bool hidden = false;
  std::size_t limit = 500;
  std::string after;  // relative: only what sorts behind it, bytewise; or a position of an earlier listing
  Duration time = std::chrono::seconds(20);
};

/// Why a listing or search ended.
enum class Stopped { complete, limit, size, time };

struct ListEntry {
  std::string path;
  FileInfo info;
  /// Set where `path` is not shown as it is: what `after` takes instead. Begins with "/", as no path does.
  std::string position{};
};

struct Listing {
  std::vector<ListEntry> entries;
  Stopped stopped = Stopped::complete;
  std::string next;              // unless complete: where to go on, a path or a position
  std::uint64_t unreadable = 0;  // directories that could not be read …
  std::uint64_t too_deep = 0;    // … or lie too deep
};

struct SearchSpec {
  std::string path;  // a directory or a file
  std::string pattern;
  std::string glob;
  bool ignore_case = false;
  std::size_t context_lines = 0;
  std::size_t limit = 100;
  Duration time = std::chrono::seconds(30);
};

struct SearchMatch {
  std::string path;  // empty when the path of the search is the file
  std::uint64_t line = 0;
  std::string text;
  bool cut_before = false;
  bool cut_after = false;
  std::vector<std::string> before;
  std::vector<std::string> after;
};

struct SearchResult {
  std::vector<SearchMatch> matches;
  Stopped stopped = Stopped::complete;
  std::uint64_t files = 0;
  std::uint64_t binary = 0;
  std::uint64_t long_lines = 0;  // searched only in their first 32 KiB
  std::uint64_t unreadable = 0;
  std::uint64_t too_deep = 0;
};

enum class SignalScope { group, tree };

/// What the other side said of itself when the channel was opened. Text from a sandbox: for display only.
struct RunnerInfo {
  std::string boot_id;  // hex
  std::string home;
  std::string shell;
  std::string machine;
  std::string kernel;
};

class Runner {
 public:
  virtual ~Runner() = default;

  virtual RunnerInfo info() const = 0;
  /// False once the sandbox is known to be gone; every later call completes with data_loss.
  virtual bool alive() const = 0;
  /// Why alive() is false, as far as that is known; empty before.
  virtual std::string why_gone() const { return {}; }
  /// Lets the sandbox go: alive() is false afterwards, what is outstanding completes with data_loss from the
  /// I/O thread, and no thread of this object is left. `lost` is not called. Idempotent; not to be called
  /// from a completion, nor from Reconnect.
  virtual void close() = 0;

  /// Starts a process and reports on it as `wait` says. Giving up kills it and everything it started, and the
  /// completion then comes when they are dead. Failing to start (no such directory, not executable, limit) is
  /// an Error.
  virtual void start(ProcessSpec spec, WaitSpec wait, Op op, Completion<ProcessReport> done) = 0;
  /// Reports on a process. Giving up only stops waiting. not_found for an unknown number.
  virtual void wait(std::uint64_t process, WaitSpec wait, Op op, Completion<ProcessReport> done) = 0;
  /// One piece of output, at most `max` (<= 1 MiB) bytes from the first kept byte at or after `offset`.
  virtual void read_output(std::uint64_t process, int stream, std::uint64_t offset, std::size_t max, Op op,
                           Completion<OutputPart> done) = 0;
  /// Appends to standard input, in the order of the calls of this client; done when the sandbox has taken it
  /// (its queue is bounded: a process that does not read holds the completion until op ends it).
  virtual void write_input(std::uint64_t process, std::string bytes, bool close, Op op,
                           Completion<InputState> done) = 0;
  /// Sends a signal; kill_after (zero: never) adds KILL to everything it started, then.
  virtual void signal(std::uint64_t process, int number, SignalScope scope, Duration kill_after,
                      std::string reason, Op op, Completion<void> done) = 0;
  virtual void list(bool all, Op op, Completion<ProcessEntries> done) = 0;

  /// Starts a program on a new terminal and reports on it at once. Giving up ends it, if it was started.
  virtual void open_terminal(TerminalSpec spec, Op op, Completion<TerminalReport> done) = 0;
  /// Reports on a terminal. `output` is answered by something beyond `from`, `end` when its program has
  /// ended, its output is complete, and nothing is left of one that was closed. Giving up only stops waiting.
  /// not_found for an unknown number.
  virtual void wait_terminal(std::uint64_t terminal, TerminalWait wait, Op op,
                             Completion<TerminalReport> done) = 0;
  /// Types bytes, in the order of the calls of this client; see write_input. `closed` in the answer: the
  /// program has ended.
  virtual void write_terminal(std::uint64_t terminal, std::string bytes, Op op,
                              Completion<InputState> done) = 0;
  /// Types the answer to a query of the program which was found at `query_offset` of its output. Only the
  /// first answer to each query is typed, whoever gives it; the others are dropped, which is no error.
  virtual void answer_terminal(std::uint64_t terminal, std::uint64_t query_offset, std::string bytes, Op op,
                               Completion<void> done) = 0;
  /// failed_precondition when the program has ended.
  virtual void resize_terminal(std::uint64_t terminal, TerminalSize size, Op op, Completion<void> done) = 0;
  /// HUP to everything that the program started; after half of `grace` the line is cut, and after all of it
  /// KILL goes to what is left. Done when that has been asked for; wait_terminal until `end` tells when
  /// nothing is left.
  virtual void close_terminal(std::uint64_t terminal, Duration grace, Op op, Completion<void> done) = 0;
  virtual void list_terminals(Op op, Completion<std::vector<TerminalEntry>> done) = 0;
  /// Keeps the checkpoint with a terminal, unless there is one with at least this offset.
  virtual void put_checkpoint(std::uint64_t terminal, TerminalCheckpoint checkpoint, Op op,
                              Completion<void> done) = 0;
  virtual void get_checkpoint(std::uint64_t terminal, Op op, Completion<TerminalCheckpoint> done) = 0;

  /// How long a runner that outlives this client goes on: ends after `idle` without use (zero: never), and at
  /// `expires_unix_ms` (0: never). unsupported for one that ends with its channel.
  virtual void set_lease(Duration idle, std::int64_t expires_unix_ms, Op op, Completion<void> done);

  virtual void stat_file(std::string path, bool follow, Op op, Completion<FileInfo> done) = 0;
  virtual void read_file(std::string path, std::uint64_t offset, std::size_t max, Op op,
                         Completion<FileData> done) = 0;
  virtual void read_lines(std::string path, LineRange range, Op op, Completion<FileData> done) = 0;
  /// Giving up leaves the old file untouched (append: what was already written stays).
  virtual void write_file(WriteSpec spec, Op op, Completion<FileWritten> done) = 0;
  /// All or nothing, and on what the file is at that moment: changes that others make meanwhile are kept.
  /// What does not fit the file is failed_precondition with a text of several lines that says what to do.
  /// Giving up leaves the file untouched, unless the change was made already.
  virtual void edit_file(EditSpec spec, Op op, Completion<FileEdited> done) = 0;
  /// Makes a directory, or a symlink in the place of nothing, a symlink or a regular file. A directory that
  /// is there is fine; anything else in its place is an Error.
  virtual void make_entry(EntrySpec spec, Op op, Completion<void> done) = 0;
  /// Writes a part of a regular file where it is; with `begin`, a new file takes the place of a symlink, or
  /// of a file that cannot be written in place. Calls of one thread take effect in their order, those of
  /// make_entry among them.
  virtual void write_range(RangeSpec spec, Op op, Completion<void> done) = 0;
  virtual void list_files(ListSpec spec, Op op, Completion<Listing> done) = 0;
  virtual void search_files(SearchSpec spec, Op op, Completion<SearchResult> done) = 0;
};

/// How a sandbox looks to the commands that run in it.
struct RunnerSettings {
  std::string home = "/home/user";
  std::string cwd = "/home/user";
  std::vector<std::pair<std::string, std::string>> env;  // base environment of every process
  std::string secret;                                    // for channels that others can reach
};

/// Opens a channel again after it was lost; an error ends the Runner (alive() becomes false).
using Reconnect = std::function<Result<std::unique_ptr<Channel>>(const Op&)>;

/// Says hello and returns when the runner has answered, or with why it did not within op. `reconnect` may be
/// empty: then a lost channel is a lost sandbox. Calls outstanding when a channel is lost are sent again on
/// the next one if it leads to the same boot id; otherwise they complete with data_loss. `lost` (may be
/// empty) is called once, from the I/O thread, when alive() has become false.
Result<std::shared_ptr<Runner>> make_runner_client(std::unique_ptr<Channel> channel, Reactor& reactor,
                                                   RunnerSettings settings, Reconnect reconnect,
                                                   std::function<void(const Error&)> lost, const Op& op);

/// Absolute path of `path` in a sandbox: "~" and "~/x" are the home, anything relative starts at `cwd`; "."
/// and
/// ".." and double slashes are left for the kernel of the sandbox.
std::string resolve_path(std::string_view path, std::string_view home, std::string_view cwd);

}  // namespace rexec::sandbox
