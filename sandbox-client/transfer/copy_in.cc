// Into the sandbox. A file of one part is one request. The last part of a longer one, which makes the file
// whole, waits until all others have arrived; everything else relies on the order of write_range and
// make_entry: what a directory holds is sent after the directory was made and before it gets its attributes.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <memory>

#include "sandbox-client/transfer/flight.h"
#include "sandbox-client/transfer/host_files.h"
#include "sandbox-client/transfer/tally.h"

namespace rexec::sandbox {
namespace {

constexpr std::uint64_t kUnknownSizeProbe = 4096;  // of a file that says it is empty, as those of /proc do
constexpr unsigned kNewFileMode = 0644;
constexpr int kReading = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

struct Part {
  std::string data;
  bool last = false;
};

/// What is sent as one file: its parts one after the other, each with the offset at which it begins, and what
/// the file of so many bytes becomes in the end.
struct Contents {
  std::function<Result<Part>(std::uint64_t offset)> next;
  std::function<Result<FileEnd>(std::uint64_t size)> end;
};

Result<std::size_t> fill(std::string& data, const ReadSome& read) {
  std::size_t size = 0;
  while (size < data.size()) {
    ASSIGN_OR_RETURN(const std::size_t got, read(data.data() + size, data.size() - size));
    if (got == 0) break;
    size += got;
  }
  return size;
}

Error host_error(std::string_view path, int number) {
  return errno_error(in_quotes(path), number);
}

/// The contents of an open file, which has to stay what `status` says. All arguments outlive the result.
Contents contents_of(const UniqueFd& file, const struct stat& status, const std::string& path) {
  const auto size = static_cast<std::uint64_t>(status.st_size);
  return {[&file, &path, size](std::uint64_t offset) -> Result<Part> {
            std::uint64_t limit = offset < size ? size - offset + 1 : 1;  // one more, to find the end
            if (size == 0) limit = offset == 0 ? kUnknownSizeProbe : kPartBytes;
            Part part{std::string(std::min<std::uint64_t>(limit, kPartBytes), '\0')};
            const auto read = [&](char* bytes, std::size_t room) -> Result<std::size_t> {
              ssize_t got = 0;
              do got = ::pread(file.get(), bytes, room, static_cast<off_t>(offset));
              while (got < 0 && errno == EINTR);
              if (got < 0) return host_error(path, errno);
              offset += static_cast<std::uint64_t>(got);
              return static_cast<std::size_t>(got);
            };
            ASSIGN_OR_RETURN(const std::size_t got, fill(part.data, read));
            if (size != 0 && offset > size) return changed_meanwhile(path);
            part.last = got < part.data.size();
            part.data.resize(got);
            return part;
          },
          [&file, &path, &status, size](std::uint64_t sent) -> Result<FileEnd> {
            struct stat now {};
            if (::fstat(file.get(), &now) != 0) return host_error(path, errno);
            if (now.st_size != status.st_size || modified_unix_ns(now) != modified_unix_ns(status) ||
                (size != 0 && sent != size))
              return changed_meanwhile(path);
            return FileEnd{sent, status.st_mode & 0777, modified_unix_ns(status)};
          }};
}

class Upload {
 public:
  Upload(Runner& runner, TransferObserver& observer, const Op& op, const TransferLimits& limits)
      : runner_(runner), op_(op), limits_(limits), tally_(observer, op) {}
  ~Upload() { land_all(); }
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  Status copy(const std::string& source, const std::string& destination);
  Status copy_stream(const ReadSome& read, const std::string& destination);

 private:
  /// What is sent in one or several requests and counted when the last one has arrived.
  struct Item {
    std::uint64_t TransferCounts::*counted = nullptr;
    std::size_t out = 0;
    bool failed = false;
  };
  struct Sent {
    std::shared_ptr<Item> item;
    std::uint64_t bytes = 0;
    bool last = false;
  };

  Result<Present> look(const std::string& destination);
  void send_file(const Contents& contents, const std::string& to, bool follow);
  void send_open_file(const UniqueFd& file, const struct stat& status, const std::string& from,
                      const std::string& to, bool follow);
  void send_directory(UniqueFd fd, const std::string& from, const std::string& to, bool merged,
                      std::size_t depth);
  void send_names(UniqueFd fd, const std::string& from, const std::string& to, std::size_t depth);
  void send_name(int directory, const char* name, const std::string& from, const std::string& to,
                 std::size_t depth);
  void send_symlink(int directory, const char* name, const struct stat& status, const std::string& from,
                    const std::string& to);
  std::shared_ptr<Item> send_entry(EntrySpec entry, std::uint64_t TransferCounts::*counted);
  Completion<void> depart(const std::shared_ptr<Item>& item, std::uint64_t bytes, bool last);
  void make_room() {
    while (flight_.out() >= limits_.requests) land();
  }
  void land_all() {
    while (flight_.out() > 0) land();
  }
  void land();

  Runner& runner_;
  const Op& op_;
  const TransferLimits& limits_;
  Tally tally_;
  Flight<Sent, void> flight_;
};

Completion<void> Upload::depart(const std::shared_ptr<Item>& item, std::uint64_t bytes, bool last) {
  ++item->out;
  return flight_.depart({item, bytes, last});
}

void Upload::land() {
  auto [sent, result] = flight_.land();
  Item& item = *sent.item;
  --item.out;
  if (!result) {
    if (!std::exchange(item.failed, true)) tally_.fail(std::move(result).error());
    return;
  }
  if (sent.bytes > 0) tally_.add(&TransferCounts::bytes, sent.bytes);
  if (sent.last && item.counted != nullptr && !item.failed) tally_.add(item.counted);
}

Result<Present> Upload::look(const std::string& destination) {
  const auto info = answer_to<FileInfo>(
      [&](Completion<FileInfo> done) { runner_.stat_file(destination, true, op_, std::move(done)); });
  if (!info && info.error().code == ErrorCode::not_found) return Present::nothing;
  if (!info) return info.error();
  if (info->type == FileType::dir) return Present::directory;
  return info->type == FileType::file ? Present::file : Present::other;
}

Status Upload::copy(const std::string& source, const std::string& destination) {
  struct stat status {};
  // Looked at before it is opened, since opening some devices does something.
  if (::stat(source.c_str(), &status) != 0) return host_error(source, errno);
  if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode))
    return Error{ErrorCode::failed_precondition, in_quotes(source) + " is neither a file nor a directory"};
  UniqueFd opened(::open(source.c_str(), kReading));
  if (!opened.valid() || ::fstat(opened.get(), &status) != 0) return host_error(source, errno);
  const bool is_directory = S_ISDIR(status.st_mode);
  ASSIGN_OR_RETURN(const Present present, look(destination));
  const std::string name = base_name(source);
  ASSIGN_OR_RETURN(const Target target, choose_target(is_directory, name, present, destination));
  const std::string to = target.inside ? path_in(destination, name) : destination;
  if (is_directory) {
    send_directory(std::move(opened), without_dots(source), to, target.merged, 1);
  } else {
    send_open_file(opened, status, source, to, target.follow);
  }
  land_all();
  return tally_.result();
}

Status Upload::copy_stream(const ReadSome& read, const std::string& destination) {
  ASSIGN_OR_RETURN(const Present present, look(destination));
  ASSIGN_OR_RETURN(const Target target, choose_target(false, {}, present, destination));
  const auto next = [&](std::uint64_t) -> Result<Part> {
    Part part{std::string(kPartBytes, '\0')};
    ASSIGN_OR_RETURN(const std::size_t got, fill(part.data, read));
    part.last = got < part.data.size();
    part.data.resize(got);
    return part;
  };
  const auto end = [&](std::uint64_t size) -> Result<FileEnd> {
    FileEnd file_end;
    file_end.size = size;
    if (present == Present::nothing) file_end.mode = kNewFileMode;
    return file_end;
  };
  send_file({next, end}, destination, target.follow);
  land_all();
  return tally_.result();
}

void Upload::send_file(const Contents& contents, const std::string& to, bool follow) {
  const auto item = std::make_shared<Item>();
  item->counted = &TransferCounts::files;
  const auto give_up = [&](Error error) {
    item->failed = true;
    tally_.fail(std::move(error));
  };
  std::size_t size = 0;
  for (std::uint64_t offset = 0;; offset += size) {
    make_room();
    if (item->failed || tally_.over()) return;
    auto part = contents.next(offset);
    if (!part) return give_up(std::move(part).error());
    size = part->data.size();
    RangeSpec range{to, follow, offset, std::move(part->data), offset == 0, std::nullopt};
    if (part->last) {
      while (item->out > 0) land();
      if (item->failed || tally_.over()) return;
      auto end = contents.end(offset + size);
      if (!end) return give_up(std::move(end).error());
      range.finish = *end;
    }
    runner_.write_range(std::move(range), op_, depart(item, size, part->last));
    if (part->last) return;
  }
}

void Upload::send_open_file(const UniqueFd& file, const struct stat& status, const std::string& from,
                            const std::string& to, bool follow) {
  send_file(contents_of(file, status, from), to, follow);
}

std::shared_ptr<Upload::Item> Upload::send_entry(EntrySpec entry, std::uint64_t TransferCounts::*counted) {
  auto item = std::make_shared<Item>();
  item->counted = counted;
  make_room();
  if (!tally_.over()) runner_.make_entry(std::move(entry), op_, depart(item, 0, true));
  return item;
}

void Upload::send_directory(UniqueFd fd, const std::string& from, const std::string& to, bool merged,
                            std::size_t depth) {
  if (depth > limits_.depth) return tally_.fail(too_deep(from, limits_.depth));
  if (merged) return send_names(std::move(fd), from, to, depth);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return tally_.fail(host_error(from, errno));
  EntrySpec entry;
  entry.path = to;
  const auto made = send_entry(entry, &TransferCounts::directories);
  // Otherwise one error would be one for everything below.
  while (made->out > 0) land();
  if (made->failed || tally_.over()) return;
  send_names(std::move(fd), from, to, depth);
  entry.attributes = true;
  entry.mode = status.st_mode & 0777;
  entry.modified_unix_ns = modified_unix_ns(status);
  send_entry(std::move(entry), nullptr);
}

void Upload::send_names(UniqueFd fd, const std::string& from, const std::string& to, std::size_t depth) {
  const auto close = [](DIR* directory) { ::closedir(directory); };
  const std::unique_ptr<DIR, decltype(close)> names(::fdopendir(fd.get()), close);
  if (names == nullptr) return tally_.fail(host_error(from, errno));
  (void)fd.release();
  while (!tally_.over()) {
    errno = 0;
    const dirent* found = ::readdir(names.get());
    if (found == nullptr) {
      if (errno != 0) tally_.fail(host_error(from, errno));
      return;
    }
    const std::string name = found->d_name;
    if (name == "." || name == "..") continue;
    send_name(::dirfd(names.get()), name.c_str(), path_in(from, name), path_in(to, name), depth);
  }
}

void Upload::send_name(int directory, const char* name, const std::string& from, const std::string& to,
                       std::size_t depth) {
  struct stat status {};
  if (::fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
    return tally_.fail(host_error(from, errno));
  if (S_ISLNK(status.st_mode)) return send_symlink(directory, name, status, from, to);
  if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode)) return tally_.skip(from);
  const int kind = S_ISDIR(status.st_mode) ? O_DIRECTORY : 0;
  UniqueFd opened(::openat(directory, name, kReading | O_NOFOLLOW | kind));
  if (!opened.valid() || ::fstat(opened.get(), &status) != 0) return tally_.fail(host_error(from, errno));
  if (S_ISDIR(status.st_mode)) return send_directory(std::move(opened), from, to, false, depth + 1);
  if (!S_ISREG(status.st_mode)) return tally_.skip(from);
  send_open_file(opened, status, from, to, false);
}

void Upload::send_symlink(int directory, const char* name, const struct stat& status, const std::string& from,
                          const std::string& to) {
  char target[PATH_MAX];
  const ssize_t size = ::readlinkat(directory, name, target, sizeof target);
  if (size < 0) return tally_.fail(host_error(from, errno));
  EntrySpec entry;
  entry.path = to;
  entry.type = FileType::symlink;
  entry.target.assign(target, static_cast<std::size_t>(size));
  entry.attributes = true;
  entry.modified_unix_ns = modified_unix_ns(status);
  send_entry(std::move(entry), &TransferCounts::symlinks);
}

}  // namespace

Status copy_in(Runner& runner, const std::string& source, const std::string& destination,
               TransferObserver& observer, const Op& op, const TransferLimits& limits) {
  return Upload(runner, observer, op, limits).copy(source, destination);
}

Status copy_in_stream(Runner& runner, const ReadSome& read, const std::string& destination,
                      TransferObserver& observer, const Op& op, const TransferLimits& limits) {
  return Upload(runner, observer, op, limits).copy_stream(read, destination);
}

}  // namespace rexec::sandbox
