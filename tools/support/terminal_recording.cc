#include "tools/support/terminal_recording.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "base/json.h"
#include "base/log.h"
#include "base/utf8.h"

namespace rexec::tools {
namespace {

constexpr std::string_view kSuffix = ".cast";
constexpr int kMaxAttempts = 1000;  // at a name that nobody has

std::string size_text(const sandbox::TerminalSize& size) {
  return std::to_string(size.cols) + "x" + std::to_string(size.rows);
}

Status make_directory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  if (::mkdir(path.c_str(), 0700) == 0) return {};
  if (errno != EEXIST) return errno_error("making " + path, errno);
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return errno_error(path, errno);
  if (!S_ISDIR(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & 022) != 0)
    return Error{ErrorCode::failed_precondition,
                 path + " has to be a directory of this user that nobody else may write to"};
  return {};
}

void make_room(const std::string& directory) {
  std::vector<std::pair<std::filesystem::file_time_type, std::filesystem::path>> files;
  std::error_code error;
  for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().extension() != kSuffix) continue;
    std::error_code ignored;
    files.emplace_back(it->last_write_time(ignored), it->path());
  }
  if (files.size() < TerminalRecording::kMaxFiles) return;
  std::ranges::sort(files);
  for (std::size_t i = 0; i + TerminalRecording::kMaxFiles <= files.size(); ++i)
    std::filesystem::remove(files[i].second, error);
}

}  // namespace

TerminalRecording::TerminalRecording(std::string path, UniqueFd file, bool input, const Clock& clock)
    : path_(std::move(path)),
      records_input_(input),
      clock_(clock),
      begun_(clock.now()),
      file_(std::move(file)) {}

Result<std::shared_ptr<TerminalRecording>> TerminalRecording::make(const RecordingOptions& options,
                                                                   const std::string& name,
                                                                   const sandbox::TerminalSize& size,
                                                                   const std::string& command,
                                                                   const Clock& clock) {
  if (options.directory.empty())
    return Error{ErrorCode::failed_precondition, "this server has no directory for recordings"};
  if (const Status made = make_directory(options.directory); !made) return made.error();
  make_room(options.directory);
  std::string path;
  UniqueFd file;
  for (int i = 1; i <= kMaxAttempts && !file.valid(); ++i) {
    path = options.directory + "/" + name + (i == 1 ? "" : "-" + std::to_string(i)) + std::string(kSuffix);
    file.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.valid() && errno != EEXIST) break;
  }
  if (!file.valid()) return errno_error("making " + path, errno);
  std::shared_ptr<TerminalRecording> recording(
      new TerminalRecording(path, std::move(file), options.input, clock));
  Json header = {{"version", 2},
                 {"width", size.cols},
                 {"height", size.rows},
                 {"timestamp", clock.unix_ms() / 1000},
                 {"env", {{"TERM", "xterm-256color"}}}};
  if (!command.empty()) header["command"] = to_valid_utf8(command);
  const MutexLock lock(recording->mutex_);
  recording->put(dump_json(header) + "\n");
  return recording;
}

void TerminalRecording::output(std::string_view bytes) {
  const MutexLock lock(mutex_);
  std::string text = std::move(incomplete_) + std::string(bytes);
  const std::size_t tail = utf8_incomplete_tail(text);
  incomplete_ = text.substr(text.size() - tail);
  text.resize(text.size() - tail);
  if (!text.empty()) event('o', to_valid_utf8(text));
}

void TerminalRecording::resized(const sandbox::TerminalSize& size) {
  const MutexLock lock(mutex_);
  event('r', size_text(size));
}

void TerminalRecording::typed(std::string_view bytes) {
  if (!records_input_) return;
  const MutexLock lock(mutex_);
  event('i', to_valid_utf8(bytes));
}

void TerminalRecording::ended() {
  const MutexLock lock(mutex_);
  if (!incomplete_.empty()) event('o', to_valid_utf8(incomplete_));
  incomplete_.clear();
  file_.reset();
}

void TerminalRecording::discard() {
  const MutexLock lock(mutex_);
  file_.reset();
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

void TerminalRecording::event(char kind, const std::string& text) {
  char time[32];
  std::snprintf(time, sizeof time, "%.6f", std::chrono::duration<double>(clock_.now() - begun_).count());
  put("[" + std::string(time) + ", \"" + kind + "\", " + dump_json(Json(text)) + "]\n");
}

void TerminalRecording::put(const std::string& line) {
  if (!file_.valid()) return;
  Status written;
  if (written_ + line.size() <= kMaxBytes) {
    written = write_all(file_.get(), line);
    if (written) {
      written_ += line.size();
      return;
    }
  } else {
    written = Error{ErrorCode::resource_exhausted, "it has the largest size that a recording may have"};
  }
  // Half a line would make all of it unreadable.
  if (::ftruncate(file_.get(), static_cast<off_t>(written_)) != 0)
    log(LogLevel::warning, "terminal", "the last line of " + path_ + " is not complete");
  file_.reset();
  log(LogLevel::warning, "terminal", "the recording " + path_ + " ends early: " + written.error().message);
}

}  // namespace rexec::tools
