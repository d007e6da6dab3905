#include "sandbox-client/runner/file_service.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "sandbox-client/runner/file_editor.h"
#include "sandbox-client/runner/file_transfer.h"
#include "sandbox-client/runner/file_writer.h"
#include "sandbox-client/runner/line_reader.h"

namespace rexec::runner {
namespace {

constexpr std::size_t kProbeBytes = 4096;

}  // namespace

void FileService::stat(RequestId request, const StatFile& wanted) {
  Failure failure;
  if (!check_path(wanted.path, failure)) return replies_.reply_error(request, failure);
  struct stat status {};
  const char* path = wanted.path.c_str();
  if ((wanted.follow ? ::stat(path, &status) : ::lstat(path, &status)) != 0)
    return replies_.reply_error(request, errno_failure(errno, "stat", wanted.path));
  FileInfo info = info_of(status);
  if (info.type == FileType::symlink) {
    char target[PATH_MAX];
    const ssize_t size = ::readlink(path, target, sizeof target);
    if (size > 0) info.target.assign(target, static_cast<std::size_t>(size));
  }
  replies_.reply(request, MessageType::file_info, info);
}

void FileService::read(RequestId request, const ReadFile& wanted) {
  Failure failure;
  struct stat status {};
  const Fd file = open_for_reading(wanted.path, status, failure);
  if (!file.valid()) return replies_.reply_error(request, failure);
  FileData data;
  data.info = info_of(status);
  data.offset = wanted.offset;
  if (wanted.offset > static_cast<std::uint64_t>(INT64_MAX) - kMaxData)
    return replies_.reply_error(request, EINVAL, "read", "the offset is too large");
  // A file that knows its size needs no buffer beyond it.
  std::uint64_t size = wanted.max;
  if (data.info.size > 0)
    size = std::min(size, data.info.size > wanted.offset ? data.info.size - wanted.offset : 0);
  data.data.resize(static_cast<std::size_t>(size));
  const ssize_t got = read_at(file.get(), data.data.data(), data.data.size(), wanted.offset);
  if (got < 0) return replies_.reply_error(request, errno_failure(errno, "read", wanted.path));
  data.data.resize(static_cast<std::size_t>(got));
  if (wanted.offset == 0) {
    data.probe = data.data.substr(0, kProbeBytes);
  } else {
    data.probe.resize(kProbeBytes);
    const ssize_t probed = read_at(file.get(), data.probe.data(), kProbeBytes, 0);
    data.probe.resize(probed > 0 ? static_cast<std::size_t>(probed) : 0);
  }
  replies_.reply(request, MessageType::file_data, data, data.data.size() + data.probe.size() + 256);
}

void FileService::read_lines(RequestId request, ReadLines wanted) {
  begin(std::make_unique<LineReader>(request, replies_, std::move(wanted)));
}

void FileService::write(RequestId request, WriteFile wanted) {
  begin(std::make_unique<FileWriter>(request, replies_, std::move(wanted)));
}

void FileService::edit(RequestId request, EditFile wanted) {
  if (const FileEdited* made = edits_.find(wanted.nonce))
    return replies_.reply(request, MessageType::edited, *made, made->diff.size() + 256);
  // It came on a connection whose end the runner has not seen yet; nothing has been changed so far.
  const auto twin = std::find_if(tasks_.begin(), tasks_.end(), [&](const Entry& entry) {
    return entry.task->nonce() != nullptr && *entry.task->nonce() == wanted.nonce;
  });
  if (twin != tasks_.end()) (void)cancel(twin->task->request());
  begin(std::make_unique<FileEditor>(request, replies_, edits_, std::move(wanted)));
}

void FileService::make_entry(RequestId request, const MakeEntry& wanted) {
  Failure failure;
  if (!runner::make_entry(wanted, failure)) return replies_.reply_error(request, failure);
  replies_.reply_done(request);
}

void FileService::write_range(RequestId request, const WriteRange& wanted) {
  Failure failure;
  if (!runner::write_range(wanted, failure)) return replies_.reply_error(request, failure);
  replies_.reply_done(request);
}

bool FileService::may_advance(const Entry& entry) const {
  const std::uint64_t connection = entry.task->request().connection;
  if (!entry.running || replies_.congested(connection)) return false;
  if (!entry.task->large()) return true;
  const auto first = std::find_if(tasks_.begin(), tasks_.end(), [&](const Entry& other) {
    return other.task->large() && other.task->request().connection == connection;
  });
  return &*first == &entry;
}

void FileService::begin(std::unique_ptr<FileTask> task) {
  if (tasks_.size() >= kMaxTasks)
    return replies_.reply_error(task->request(), EAGAIN, "limit",
                                "too many file operations are under way in this sandbox");
  const FileTask::State state = task->large() ? FileTask::State::running : task->advance();
  if (state == FileTask::State::finished) return;
  tasks_.push_back({std::move(task), state == FileTask::State::running});
  update_job();
}

void FileService::write_data(RequestId request, std::string_view data) {
  const auto found = std::find_if(tasks_.begin(), tasks_.end(),
                                  [&](const Entry& entry) { return entry.task->request() == request; });
  if (found == tasks_.end()) return;
  const FileTask::State state = found->task->data(data);
  if (state == FileTask::State::finished) {
    tasks_.erase(found);
  } else {
    found->running = state == FileTask::State::running;
  }
  update_job();
}

bool FileService::cancel(RequestId request) {
  const auto found = std::find_if(tasks_.begin(), tasks_.end(),
                                  [&](const Entry& entry) { return entry.task->request() == request; });
  if (found == tasks_.end()) return false;
  tasks_.erase(found);
  update_job();
  replies_.reply_error(request, ECANCELED, "cancelled", "cancelled");
  return true;
}

void FileService::drop_connection(std::uint64_t connection) {
  tasks_.remove_if([&](const Entry& entry) { return entry.task->request().connection == connection; });
  update_job();
}

void FileService::step() {
  for (auto entry = tasks_.begin(); entry != tasks_.end();) {
    if (!may_advance(*entry)) {
      ++entry;
      continue;
    }
    const FileTask::State state = entry->task->advance();
    if (state == FileTask::State::finished) {
      entry = tasks_.erase(entry);
    } else {
      entry->running = state == FileTask::State::running;
      ++entry;
    }
  }
  update_job();
}

void FileService::update_job() {
  const bool wanted =
      std::any_of(tasks_.begin(), tasks_.end(), [](const Entry& entry) { return entry.running; });
  if (wanted == stepping_) return;
  stepping_ = wanted;
  if (wanted) {
    loop_.add(*this);
  } else {
    loop_.remove(*this);
  }
}

}  // namespace rexec::runner
