#include "base/log.h"

#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>

#include "base/thread_annotations.h"
#include "base/utf8.h"

namespace rexec {
namespace {

// At most PIPE_BUF, so that a line that goes to a pipe is never mixed with another (pipe(7)).
constexpr std::size_t kMaxLine = 4096;
constexpr std::size_t kMaxComponent = 64;
constexpr std::string_view kCutMark = "\xE2\x80\xA6";

struct Sink {
  Mutex mutex;
  LogFormat format REXEC_GUARDED_BY(mutex) = LogFormat::text;
  int fd REXEC_GUARDED_BY(mutex) = STDERR_FILENO;
  bool is_pipe REXEC_GUARDED_BY(mutex) = false;
  std::uint64_t dropped REXEC_GUARDED_BY(mutex) = 0;
};

constinit std::atomic<LogLevel> minimum{LogLevel::info};
constinit Sink sink;

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
    case LogLevel::off:
      break;
  }
  return "error";
}

// RFC 3339, UTC, milliseconds.
std::string time_stamp() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  std::tm parts{};
  ::gmtime_r(&now.tv_sec, &parts);
  char text[64];
  const int length = std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                                   parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                                   parts.tm_min, parts.tm_sec, static_cast<int>(now.tv_nsec / 1'000'000));
  return std::string(text, static_cast<std::size_t>(length));
}

// The escaped form of the character `c` (valid UTF-8), or nothing when it stands for itself. C1 controls are
// included: terminals obey U+009B as they obey ESC [.
std::string escape_of(std::string_view c, LogFormat format) {
  const auto first = static_cast<std::uint8_t>(c[0]);
  if (format == LogFormat::json && (first == '"' || first == '\\')) return std::string("\\").append(c);
  if (first == '\n') return "\\n";
  if (first == '\r') return "\\r";
  if (first == '\t') return "\\t";
  const std::uint8_t code = first == 0xC2 ? static_cast<std::uint8_t>(c[1]) : first;
  const bool control = first < 0x20 || first == 0x7F || (first == 0xC2 && code < 0xA0);
  if (!control) return {};
  char text[8];
  const int length = std::snprintf(text, sizeof text, "\\u%04x", code);
  return std::string(text, static_cast<std::size_t>(length));
}

// `raw`, repaired and escaped, in at most `room` bytes; ends with the cut mark when that is not all of it.
std::string printable(std::string_view raw, LogFormat format, std::size_t room) {
  bool cut = raw.size() > room;
  if (cut) {
    raw = raw.substr(0, room);
    raw.remove_suffix(utf8_incomplete_tail(raw));
  }
  const std::string valid = to_valid_utf8(raw);
  std::string_view rest = valid;
  std::string text;
  std::size_t before_mark = 0;  // longest length that leaves room for the mark
  while (!rest.empty()) {
    const std::string_view c = utf8_prefix(rest, 1);
    const std::string escaped = escape_of(c, format);
    const std::string_view shown = escaped.empty() ? c : std::string_view(escaped);
    if (text.size() + shown.size() > room) {
      cut = true;
      break;
    }
    text.append(shown);
    if (text.size() + kCutMark.size() <= room) before_mark = text.size();
    rest.remove_prefix(c.size());
  }
  if (cut) {
    text.resize(before_mark);
    text.append(kCutMark);
  }
  return text;
}

std::string make_line(LogFormat format, LogLevel level, std::string_view component,
                      std::string_view message) {
  const std::string name = printable(component, format, kMaxComponent);
  std::string line;
  std::string_view end = "\n";
  if (format == LogFormat::json) {
    line.append(R"({"time":")").append(time_stamp()).append(R"(","level":")").append(name_of(level));
    line.append(R"(","component":")").append(name).append(R"(","message":")");
    end = "\"}\n";
  } else {
    line.append(time_stamp()).append(" ").append(name_of(level)).append(" ").append(name).append(": ");
  }
  line.append(printable(message, format, kMaxLine - line.size() - end.size()));
  return line.append(end);
}

// False when the line would have to wait.
bool write_line(const std::string& line) REXEC_REQUIRES(sink.mutex) {
  pollfd entry{sink.fd, POLLOUT, 0};
  if (::poll(&entry, 1, 0) != 1 || (entry.revents & POLLOUT) == 0) return false;
  if (sink.is_pipe) {
    // Another process may fill the pipe after the poll; kernels before 6.5 cannot rule that wait out.
    const iovec part{const_cast<char*>(line.data()), line.size()};
    const ssize_t written = ::pwritev2(sink.fd, &part, 1, -1, RWF_NOWAIT);
    if (written >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != ESPIPE)) return written >= 0;
  }
  return ::write(sink.fd, line.data(), line.size()) >= 0;
}

}  // namespace

void configure_log(LogLevel level, LogFormat format, int fd) {
  struct stat status {};
  const bool is_pipe = ::fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
  minimum.store(level, std::memory_order_relaxed);
  MutexLock lock(sink.mutex);
  sink.format = format;
  sink.fd = fd;
  sink.is_pipe = is_pipe;
  sink.dropped = 0;
}

bool log_enabled(LogLevel level) {
  return level != LogLevel::off && level >= minimum.load(std::memory_order_relaxed);
}

void log(LogLevel level, std::string_view component, std::string_view message) {
  if (!log_enabled(level)) return;
  const int saved = errno;
  {
    MutexLock lock(sink.mutex);
    if (sink.dropped > 0) {
      const std::string note = "lines dropped because nobody read them: " + std::to_string(sink.dropped);
      if (write_line(make_line(sink.format, LogLevel::warning, "log", note))) sink.dropped = 0;
    }
    if (!write_line(make_line(sink.format, level, component, message))) ++sink.dropped;
  }
  errno = saved;
}

}  // namespace rexec
