// The protocol between a server and the runner inside a sandbox, version 1.
//
// Shape. A byte stream of frames, each a 12-byte header (u32 payload length, u8 type, u8 zero, u16 zero, u32
// id) and a payload. The client chooses the ids of its requests (never 0, not reused while outstanding);
// every request gets exactly one reply with its id, in any order. The runner never sends anything unasked, so
// the size of what it may send is always what was asked for: pulling by absolute offset is the flow control.
//
// Resume. Everything is idempotent: `start` is identified by a nonce, input and output by absolute offsets.
// After a lost connection a client connects again, says hello, compares the boot id, and sends its open
// requests once more. Another boot id means that everything is gone.
//
// Growth. Fields are appended, never changed; a decoder ignores what follows the fields it knows, and reads
// fields that the peer did not send as zero only where the comment says so. Unknown request types are
// answered by error(ENOSYS).
//
// Trust. Neither side believes the other: all lengths are bounded before they are used.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox-client/runner/codec.h"

namespace rexec::runner {

inline constexpr std::uint32_t kMagic = 0x31525852;  // "RXR1"
inline constexpr std::uint16_t kVersion = 1;
inline constexpr std::size_t kHeaderSize = 12;
inline constexpr std::size_t kMaxData = 1 << 20;                       // file or output bytes in one frame
inline constexpr std::size_t kMaxPayload = kMaxData * 2 + (64 << 10);  // anything larger ends the connection
inline constexpr std::size_t kMaxArguments = 4096;                     // argv and environment entries, each
inline constexpr std::size_t kMaxArgumentBytes = 1 << 20;              // argv and environment together
inline constexpr std::size_t kMaxStringArgument = 131071;              // MAX_ARG_STRLEN - 1, execve(2)
inline constexpr std::size_t kMaxPath = 4095;                          // PATH_MAX - 1
inline constexpr std::size_t kHeadBytes = 64 << 10;      // kept from the start of a stream, for good
inline constexpr std::size_t kTailBytes = 8 << 20;       // newest bytes kept of a stream
inline constexpr std::size_t kOutputBudget = 256 << 20;  // kept of all streams of a sandbox
inline constexpr std::size_t kInputQueue = 1 << 20;      // input accepted but not yet read by a process
inline constexpr std::size_t kMaxRunning = 256;
inline constexpr std::size_t kMaxFinished = 256;      // remembered; the oldest goes first
inline constexpr std::size_t kMaxOutstanding = 1024;  // requests of one connection
inline constexpr std::size_t kMaxConnections = 8;
inline constexpr std::uint64_t kMaxLeaseMs = std::uint64_t{1} << 42;  // a century
/// The exit status of a runner whose lease was over.
inline constexpr int kLeaseOverStatus = 75;
/// The exit status of a runner that lost a mount which protects files of the host (mount_guard.h).
inline constexpr int kMountLostStatus = 76;
/// Precedes the reason in the line that such a runner writes to standard error.
inline constexpr const char* kMountLostPrefix = "rexec-runner: ended: ";

enum class MessageType : std::uint8_t {
  // requests
  hello = 1,
  ping = 2,
  cancel = 3,  // no reply of its own
  start = 10,
  wait = 11,
  read_output = 12,
  write_input = 13,
  signal = 14,
  list = 15,
  stat_file = 20,
  read_file = 21,
  read_lines = 22,
  write_file = 23,
  write_data = 24,    // continues a write_file, same id; only the last is answered
  list_files = 25,    // wire_tree.h
  search_files = 26,  // wire_tree.h
  edit_file = 27,     // wire_edit.h
  make_entry = 28,    // wire_transfer.h; answered by done
  write_range = 29,   // wire_transfer.h; answered by done
  shutdown = 30,
  set_lease = 31,  // answered by done; EOPNOTSUPP without a listener
  // wire_terminal.h
  open_terminal = 32,
  wait_terminal = 33,
  write_terminal = 34,   // answered by input_report
  answer_terminal = 35,  // by done, as the next two
  resize_terminal = 36,
  close_terminal = 37,
  list_terminals = 38,
  put_checkpoint = 39,  // by done
  get_checkpoint = 40,
  // replies
  hello_reply = 129,
  pong = 130,
  done = 131,  // success with nothing to say
  error = 132,
  report = 140,
  output = 141,
  input_report = 142,
  process_list = 143,
  file_info = 150,
  file_data = 151,
  file_written = 152,
  listing = 153,
  matches = 154,
  edited = 155,
  terminal_report = 160,
  terminal_list = 161,
  checkpoint = 162,
};

struct FrameHeader {
  std::uint32_t length = 0;
  MessageType type{};
  std::uint32_t id = 0;
};

/// One frame: header and payload.
std::string encode_frame(MessageType type, std::uint32_t id, std::string_view payload);
/// From exactly kHeaderSize bytes; false when the length exceeds kMaxPayload.
bool decode_header(std::string_view bytes, FrameHeader& header);

/// Each message has encode(Writer&) const and decode(Reader&), which returns false for what it cannot accept.
struct Hello {
  std::uint32_t magic = kMagic;
  std::uint16_t min_version = kVersion;
  std::uint16_t max_version = kVersion;
  std::string client;
  std::string secret;  // empty when the channel itself is private

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

struct HelloReply {
  std::uint16_t version = kVersion;
  std::array<std::uint8_t, 16> boot_id{};  // new for every start of a runner
  std::int32_t pid = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string home;  // $HOME of the runner
  std::string cwd;
  std::string machine;  // uname -m
  std::string kernel;   // uname -r
  std::string shell;    // what commands are run by: absolute path of bash, else sh; empty when there is none
  std::vector<std::string> features;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

struct Failure {
  std::int32_t number = 0;  // errno
  std::string step;         // what failed: "exec", "cwd", "open", "rename", "expect", "limit", …
  std::string text;         // for people

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

/// A cancel may cross the reply on the wire. With `kill`, one that names an answered `start` of the same
/// connection (the latest with its nonce) still kills what that started, unless it has ended; nothing is
/// replied. Other answered requests are ignored.
struct Cancel {
  std::uint32_t target = 0;  // the request to give up; unknown ids are ignored
  bool kill = false;         // kill the process that it started or waits for, with everything it started

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

enum class Stream : std::uint8_t { stdout_stream = 0, stderr_stream = 1 };
inline constexpr std::size_t kStreams = 2;

enum class Until : std::uint8_t {
  none = 0,    // answer at once
  output = 1,  // something beyond `from` of a wanted stream, or the end
  exit = 2,    // the process has ended and its pipes are drained (at most kDrainGrace after its end)
};

/// When to answer with a report, and how much output to put into it.
struct WaitSpec {
  Until until = Until::exit;
  std::uint64_t wait_ms = 0;                   // answer after this long in any case
  std::array<std::uint64_t, kStreams> from{};  // first wanted byte of each stream
  std::array<bool, kStreams> wanted{true, true};
  // Of each wanted stream: everything from `from` on when it has at most head + tail bytes, else that many
  // bytes of its start and of its end. head + tail <= kMaxData.
  std::uint32_t head = 0;
  std::uint32_t tail = 0;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};
inline constexpr std::uint64_t kDrainGraceMs = 200;

struct Start {
  std::array<std::uint8_t, 16> nonce{};  // a second start with the same nonce reports on the same process
  bool stdin_pipe = false;               // otherwise standard input is /dev/null
  bool close_after_input = false;        // close the pipe when `input` is written
  std::string input;                     // first bytes of standard input, at most kMaxData
  std::string command;                   // run by the runner's shell with -c; or empty, then argv is run
  std::vector<std::string> argv;
  std::vector<std::string> env;   // the whole environment, "NAME=value"
  std::string cwd;                // absolute; empty: the runner's home
  std::uint64_t timeout_ms = 0;   // TERM then KILL; 0: none
  std::uint64_t grace_ms = 2000;  // between TERM and KILL
  std::string writer;             // name of the writer that `input` belongs to
  WaitSpec wait;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

struct Wait {
  std::uint64_t process = 0;
  WaitSpec spec;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

enum class ProcessStatus : std::uint8_t {
  running = 0,
  exited = 1,
  signaled = 2,
  timed_out = 3,
  cancelled = 4
};

struct StreamReport {
  std::uint64_t from = 0;      // as asked
  std::uint64_t produced = 0;  // bytes in all so far
  std::uint64_t newlines = 0;  // '\n' bytes in [from, produced), those no longer kept included
  std::uint64_t lost = 0;      // bytes of [from, produced) that are no longer kept
  bool end = false;            // nothing will follow
  std::uint64_t head_offset = 0;
  std::string head;
  std::uint64_t tail_offset = 0;  // head_offset + head.size() when nothing lies between
  std::string tail;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

struct Report {
  std::uint64_t process = 0;  // the runner's number of it: 1, 2, …; never used twice
  std::int32_t pid = 0;       // inside the sandbox
  ProcessStatus status = ProcessStatus::running;
  std::int32_t exit_code = 0;
  std::int32_t signal = 0;
  std::string reason;  // why it was ended by the runner, e.g. "timeout 600 s"
  std::int64_t started_unix_ms = 0;
  std::uint64_t duration_us = 0;
  std::uint64_t deadline_ms = 0;  // running with a timeout: time left
  bool usage_known = false;
  std::uint64_t cpu_us = 0;
  std::uint64_t max_rss = 0;  // bytes
  bool pipes_held = false;    // ended, but a child it left behind still holds its pipes
  std::array<StreamReport, kStreams> streams;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

struct ReadOutput {
  std::uint64_t process = 0;
  Stream stream{};
  std::uint64_t offset = 0;
  std::uint32_t max = 0;  // at most kMaxData

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

/// What is kept from `offset` on; data begins at the first kept byte at or after it.
struct Output {
  std::uint64_t offset = 0;
  std::uint64_t produced = 0;
  std::uint64_t newlines_before = 0;  // '\n' bytes in [0, offset)
  bool end = false;
  std::string data;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

/// Input of one writer: bytes before what the runner has of this writer are skipped, a gap is an error. The
/// reply comes when the data is queued, i.e. when less than kInputQueue was waiting; so a writer that has one
/// or two requests open never overruns anybody.
struct WriteInput {
  std::uint64_t process = 0;
  std::string writer;        // at most 32 bytes, of more than 16 writers of a process the oldest is forgotten
  std::uint64_t offset = 0;  // of data within this writer's input
  std::string data;
  bool close = false;  // close standard input after data

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

struct InputReport {
  std::uint64_t accepted = 0;  // offset of this writer
  bool closed = false;         // nobody reads any more: the process closed its standard input or ended

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

enum class SignalScope : std::uint8_t { group = 0, tree = 1 };

struct Signal {
  std::uint64_t process = 0;
  std::int32_t number = 0;
  SignalScope scope = SignalScope::group;  // tree: everything it started, wherever that went
  std::uint64_t kill_after_ms = 0;         // KILL to the tree then, if it has not ended; 0: never
  std::string reason;                      // becomes Report::reason when it ends by this

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

struct List {
  bool all = false;  // every process of the sandbox, not only those started by requests

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

struct ProcessEntry {
  std::uint64_t process = 0;  // 0: not started by a request
  std::int32_t pid = 0;
  std::int32_t ppid = 0;
  std::string command;  // at most 1000 bytes
  ProcessStatus status = ProcessStatus::running;
  std::int64_t started_unix_ms = 0;
  std::uint64_t cpu_us = 0;
  std::uint64_t rss = 0;
  std::uint64_t age_us = 0;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

struct ProcessList {
  std::vector<ProcessEntry> entries;  // at most 4096
  bool truncated = false;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

struct StatFile {
  std::string path;  // absolute
  bool follow = true;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

enum class FileType : std::uint8_t { file = 0, dir = 1, symlink = 2, other = 3 };

struct FileInfo {
  FileType type{};
  std::uint64_t size = 0;
  std::uint32_t mode = 0;  // permission bits
  std::int64_t modified_unix_ms = 0;
  std::string target;  // of a symlink, when not followed

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

/// A byte range. Never blocks on a FIFO or device: anything but a regular file is an error.
struct ReadFile {
  std::string path;
  std::uint64_t offset = 0;
  std::uint32_t max = 0;  // at most kMaxData

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

/// Whole lines of a file of any size. A line is terminated by '\n' or by the end of the file.
struct ReadLines {
  std::string path;
  std::int64_t start = 1;  // 1-based; negative counts from the end (-1 is the last line)
  std::uint32_t max_lines = 0;
  std::uint32_t max_bytes = 0;  // at most kMaxData; a line that does not fit is cut, see FileData

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

struct FileData {
  FileInfo info;
  std::uint64_t offset = 0;  // of data in the file
  std::string data;
  // For read_lines only, else 0:
  std::uint64_t first_line = 0;    // 1-based number of the first line in data
  std::uint64_t lines = 0;         // lines in data, a cut one included
  std::uint64_t total_lines = 0;   // of the whole file
  std::uint64_t cut_line_end = 0;  // not 0: the last line was cut; the file offset where it really ends
  std::string probe;               // first bytes of the file (at most 4096), to tell its type by

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

/// Creates or replaces a file: into a temporary file beside it, renamed when all `size` bytes have come; or
/// appends in place. An existing file keeps mode and owner; a symlink at the end of the path is followed.
/// The first bytes are in `data`, the rest follows as write_data frames with the same id.
struct WriteFile {
  std::string path;
  std::uint64_t size = 0;
  bool append = false;
  bool create_parents = false;
  std::uint32_t mode = 0;  // with mode_given
  bool mode_given = false;
  std::string expect_sha256;  // 64 hex digits, "absent", or empty; checked just before the change
  std::string data;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

struct WriteData {
  std::string data;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

struct FileWritten {
  std::string path;         // with symlinks followed
  std::uint64_t bytes = 0;  // size of the file now
  bool created = false;
  std::string sha256;  // hex, of the whole file now

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

/// Until when a runner with a listener goes on (lease.h). Replaces what was set before.
struct SetLease {
  std::uint64_t idle_ms = 0;         // without use; 0: no such bound
  std::int64_t expires_unix_ms = 0;  // 0: never

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

/// Payload of a message.
template <class Message>
std::string encode(const Message& message) {
  Writer writer;
  message.encode(writer);
  return writer.take();
}

template <class Message>
bool decode(std::string_view payload, Message& message) {
  Reader reader(payload);
  return message.decode(reader) && reader.ok();
}

}  // namespace rexec::runner
