// Out of the sandbox. The listing comes in the order of the whole paths, so at any time the directories that
// may still get entries are those whose path, with a slash, is a prefix of the entry's. Each is open from its
// own entry on, and what lies in it is made relative to it: no path is ever resolved a second time.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <vector>

#include "sandbox-client/transfer/flight.h"
#include "sandbox-client/transfer/host_files.h"
#include "sandbox-client/transfer/remote_file.h"
#include "sandbox-client/transfer/tally.h"

namespace rexec::sandbox {
namespace {

constexpr int kMostIdlePages = 3;  // in a row, in which a listing got nowhere
constexpr Duration kPageTime = std::chrono::seconds(60);

/// A directory of this machine that is being filled.
struct OpenDirectory {
  std::string prefix;  // of the paths below it
  std::string shown;
  UniqueFd fd;  // invalid: it could not be made, which was reported
  std::optional<Attributes> attributes;
  std::size_t files_out = 0;
  bool complete = false;  // no further entry will come
};

struct IncomingFile {
  IncomingFile(RemoteFile file, std::shared_ptr<OpenDirectory> in, std::string named, bool followed)
      : remote(std::move(file)), directory(std::move(in)), name(std::move(named)), follow(followed) {}

  RemoteFile remote;
  const std::shared_ptr<OpenDirectory> directory;
  const std::string name;
  const bool follow;
  UniqueFd fd;
  std::size_t out = 0;
  bool failed = false;
};

Result<FileInfo> stat_of(Runner& runner, const std::string& path, const Op& op) {
  return answer_to<FileInfo>(
      [&](Completion<FileInfo> done) { runner.stat_file(path, true, op, std::move(done)); });
}

/// As a new file of this process would have it: what everybody may write in a sandbox is not here.
Attributes attributes_of(const FileInfo& info) {
  static const unsigned mask = process_umask();
  return {info.mode & ~mask, nanoseconds_of(info.modified_unix_ms)};
}

Result<Present> look(const std::string& destination) {
  struct stat status {};
  if (::stat(destination.c_str(), &status) != 0) {
    if (errno == ENOENT) return Present::nothing;
    return errno_error(in_quotes(destination), errno);
  }
  if (S_ISDIR(status.st_mode)) return Present::directory;
  return S_ISREG(status.st_mode) ? Present::file : Present::other;
}

class Download {
 public:
  Download(Runner& runner, TransferObserver& observer, const Op& op, const TransferLimits& limits)
      : runner_(runner), op_(op), limits_(limits), tally_(observer, op) {}
  ~Download() { land_all(); }
  Download(const Download&) = delete;
  Download& operator=(const Download&) = delete;

  Status copy(const std::string& source, const std::string& destination);

 private:
  struct Asked {
    std::shared_ptr<IncomingFile> file;
    std::uint64_t offset = 0;
  };

  void copy_tree(const std::string& source);
  void take(const Listing& listing, const std::string& source, std::string& last);
  void take(const ListEntry& entry, const std::string& source);
  void enter(const std::shared_ptr<OpenDirectory>& parent, const std::string& name, const ListEntry& entry);
  void place_symlink(const OpenDirectory& parent, const std::string& name, const ListEntry& entry);
  std::shared_ptr<OpenDirectory> directory_of(const std::string& path) const;
  void leave_before(const std::string& path);
  void leave(std::shared_ptr<OpenDirectory> directory);
  void complete(OpenDirectory& directory);

  void fetch(const std::shared_ptr<IncomingFile>& file);
  void ask(const std::shared_ptr<IncomingFile>& file);
  void receive(IncomingFile& file, std::uint64_t offset, const FileData& data);
  void settle(IncomingFile& file);
  void fail(IncomingFile& file, Error error);
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
  Flight<Asked, FileData> flight_;
  std::uint64_t entries_ = 0;
  // Those that may get entries, each prefix one of the next. The root is the first.
  std::vector<std::shared_ptr<OpenDirectory>> open_;
};

Status Download::copy(const std::string& source, const std::string& destination) {
  ASSIGN_OR_RETURN(const FileInfo info, stat_of(runner_, source, op_));
  if (info.type != FileType::dir && info.type != FileType::file)
    return Error{ErrorCode::failed_precondition, in_quotes(source) + " is neither a file nor a directory"};
  const bool is_directory = info.type == FileType::dir;
  ASSIGN_OR_RETURN(const Present present, look(destination));
  const std::string source_name = base_name(source);
  ASSIGN_OR_RETURN(const Target target, choose_target(is_directory, source_name, present, destination));

  const std::string parent = target.inside || target.merged ? destination : directory_name(destination);
  const std::string name = target.inside ? source_name : base_name(destination);
  auto opened = open_directory(parent);
  if (!opened) return with_context(in_quotes(parent), std::move(opened).error());
  const auto root = std::make_shared<OpenDirectory>();
  root->fd = *std::move(opened);
  root->shown = parent;
  if (!is_directory) {
    fetch(std::make_shared<IncomingFile>(RemoteFile(source, info.size), root, name, target.follow));
  } else {
    if (!target.merged) {
      auto made = make_directory(root->fd.get(), name);
      if (!made) return with_context(in_quotes(path_in(parent, name)), std::move(made).error());
      root->fd = *std::move(made);
      root->shown = path_in(parent, name);
      root->attributes = attributes_of(info);
      tally_.add(&TransferCounts::directories);
    }
    open_.push_back(root);
    copy_tree(without_dots(source));
  }
  land_all();
  return tally_.result();
}

void Download::copy_tree(const std::string& source) {
  ListSpec spec;
  spec.path = source;
  spec.depth = static_cast<unsigned>(limits_.depth);
  spec.hidden = true;
  spec.limit = limits_.page;
  spec.time = kPageTime;
  bool gaps = false;
  int idle = 0;
  for (std::string last; !tally_.over();) {
    auto listing =
        answer_to<Listing>([&](Completion<Listing> done) { runner_.list_files(spec, op_, std::move(done)); });
    if (!listing) return tally_.end(std::move(listing).error());
    gaps = gaps || listing->unreadable > 0 || listing->too_deep > 0;
    take(*listing, source, last);
    if (listing->stopped == Stopped::complete) break;
    idle = listing->next > spec.after ? 0 : idle + 1;
    if (listing->next < last || idle > kMostIdlePages)
      return tally_.end(
          {ErrorCode::data_loss, "the sandbox cannot list " + in_quotes(source) + " to its end"});
    spec.after = std::move(listing->next);
  }
  while (!open_.empty() && !tally_.ended()) {
    leave(std::move(open_.back()));
    open_.pop_back();
  }
  if (gaps)
    tally_.fail({ErrorCode::permission_denied, "directories below " + in_quotes(source) +
                                                   " could not be read, or lie below more than " +
                                                   std::to_string(limits_.depth) + " others"});
}

void Download::take(const Listing& listing, const std::string& source, std::string& last) {
  for (const ListEntry& entry : listing.entries) {
    if (tally_.over()) return;
    if (!is_inside(entry.path, limits_.depth) || entry.path <= last)
      return tally_.end({ErrorCode::data_loss, "the sandbox lists names that cannot be in a directory"});
    if (++entries_ > limits_.entries)
      return tally_.end(
          {ErrorCode::resource_exhausted,
           "there are more than " + std::to_string(limits_.entries) + " entries below " + in_quotes(source)});
    last = entry.path;
    take(entry, source);
  }
}

void Download::take(const ListEntry& entry, const std::string& source) {
  leave_before(entry.path);
  const auto parent = directory_of(entry.path);
  const std::string path = path_in(source, entry.path);
  if (parent == nullptr) return tally_.fail(changed_meanwhile(path));
  const std::string name = entry.path.substr(parent->prefix.size());
  if (!parent->fd.valid()) {
    // What is below a directory that could not be made was not copied either, without a word on each.
    if (entry.info.type == FileType::dir) enter(parent, name, entry);
    return;
  }
  switch (entry.info.type) {
    case FileType::dir:
      return enter(parent, name, entry);
    case FileType::symlink:
      return place_symlink(*parent, name, entry);
    case FileType::file:
      return fetch(std::make_shared<IncomingFile>(RemoteFile(path, entry.info.size), parent, name, false));
    case FileType::other:
      return tally_.skip(path);
  }
}

/// The directory that the last name of `path` is in, if it is open.
std::shared_ptr<OpenDirectory> Download::directory_of(const std::string& path) const {
  const std::size_t length = path.rfind('/') + 1;  // 0 without a slash
  for (auto directory = open_.rbegin(); directory != open_.rend(); ++directory) {
    if ((*directory)->prefix.size() == length && path.starts_with((*directory)->prefix)) return *directory;
  }
  return nullptr;
}

void Download::leave_before(const std::string& path) {
  // A path sorts behind everything in a directory when it does so behind the prefix without being below it.
  while (open_.size() > 1 && path > open_.back()->prefix && !path.starts_with(open_.back()->prefix)) {
    leave(std::move(open_.back()));
    open_.pop_back();
  }
}

void Download::leave(std::shared_ptr<OpenDirectory> directory) {
  directory->complete = true;
  if (directory->files_out == 0) complete(*directory);
}

void Download::complete(OpenDirectory& directory) {
  if (!directory.fd.valid() || !directory.attributes || tally_.ended()) return;
  if (Status set = set_attributes(directory.fd.get(), *directory.attributes); !set)
    tally_.fail(with_context(in_quotes(directory.shown), std::move(set).error()));
}

void Download::enter(const std::shared_ptr<OpenDirectory>& parent, const std::string& name,
                     const ListEntry& entry) {
  if (open_.size() >= limits_.open_directories)
    return tally_.end(
        {ErrorCode::resource_exhausted, "more than " + std::to_string(limits_.open_directories) +
                                            " directories would have to be open at the same time"});
  // A listing leaves out what is in such a directory.
  if (static_cast<std::size_t>(std::ranges::count(entry.path, '/')) + 1 >= limits_.depth)
    return tally_.fail(too_deep(path_in(parent->shown, name), limits_.depth));
  auto directory = std::make_shared<OpenDirectory>();
  directory->prefix = entry.path + "/";
  directory->shown = path_in(parent->shown, name);
  directory->attributes = attributes_of(entry.info);
  if (parent->fd.valid()) {
    if (auto made = make_directory(parent->fd.get(), name)) {
      directory->fd = *std::move(made);
      tally_.add(&TransferCounts::directories);
    } else {
      tally_.fail(with_context(in_quotes(directory->shown), std::move(made).error()));
    }
  }
  open_.push_back(std::move(directory));
}

void Download::place_symlink(const OpenDirectory& parent, const std::string& name, const ListEntry& entry) {
  const std::string& target = entry.info.target;
  const std::string shown = path_in(parent.shown, name);
  if (target.empty() || target.size() > kMaxPathBytes || target.find('\0') != std::string::npos)
    return tally_.fail({ErrorCode::failed_precondition, in_quotes(shown) + " would be a link to nowhere"});
  Status made = make_symlink(parent.fd.get(), name, target, nanoseconds_of(entry.info.modified_unix_ms));
  if (!made) return tally_.fail(with_context(in_quotes(shown), std::move(made).error()));
  tally_.add(&TransferCounts::symlinks);
}

void Download::fetch(const std::shared_ptr<IncomingFile>& file) {
  ++file->directory->files_out;
  while (file->remote.has_next()) {
    make_room();
    if (file->failed || tally_.over()) break;
    if (file->remote.has_next()) ask(file);
  }
}

void Download::ask(const std::shared_ptr<IncomingFile>& file) {
  const std::uint64_t offset = file->remote.take_next();
  ++file->out;
  runner_.read_file(file->remote.path(), offset, kPartBytes, op_, flight_.depart({file, offset}));
}

void Download::land() {
  auto [asked, result] = flight_.land();
  IncomingFile& file = *asked.file;
  --file.out;
  if (!file.failed) {
    if (result) {
      receive(file, asked.offset, *result);
    } else {
      fail(file, std::move(result).error());
    }
  }
  if (file.out > 0) return;
  // The file may have been larger than it was listed.
  if (!file.failed && !tally_.over() && file.remote.has_next()) return ask(asked.file);
  settle(file);
}

void Download::receive(IncomingFile& file, std::uint64_t offset, const FileData& data) {
  if (Status fits = file.remote.accept(offset, data); !fits) return fail(file, std::move(fits).error());
  const auto refuse = [&](Error error) {
    fail(file, with_context(in_quotes(path_in(file.directory->shown, file.name)), std::move(error)));
  };
  if (!file.fd.valid()) {
    auto made = make_file(file.directory->fd.get(), file.name, file.follow);
    if (!made) return refuse(std::move(made).error());
    file.fd = *std::move(made);
  }
  if (Status written = write_sparse(file.fd.get(), data.data, offset); !written)
    return refuse(std::move(written).error());
  tally_.add(&TransferCounts::bytes, data.data.size());
}

void Download::settle(IncomingFile& file) {
  if (!file.failed && !tally_.ended()) {
    Status set = finish_file(file.fd.get(), file.remote.info().size);
    if (set) set = set_attributes(file.fd.get(), attributes_of(file.remote.info()));
    if (set) {
      tally_.add(&TransferCounts::files);
    } else {
      fail(file, with_context(in_quotes(path_in(file.directory->shown, file.name)), std::move(set).error()));
    }
  }
  file.fd.reset();
  OpenDirectory& directory = *file.directory;
  if (--directory.files_out == 0 && directory.complete) complete(directory);
}

void Download::fail(IncomingFile& file, Error error) {
  file.failed = true;
  tally_.fail(std::move(error));
}

}  // namespace

Status copy_out(Runner& runner, const std::string& source, const std::string& destination,
                TransferObserver& observer, const Op& op, const TransferLimits& limits) {
  return Download(runner, observer, op, limits).copy(source, destination);
}

Status copy_out_stream(Runner& runner, const std::string& source, const WriteAll& write,
                       TransferObserver& observer, const Op& op, const TransferLimits& limits) {
  ASSIGN_OR_RETURN(const FileInfo info, stat_of(runner, source, op));
  if (info.type != FileType::file)
    return Error{ErrorCode::failed_precondition, in_quotes(source) + " is not a file"};
  Tally tally(observer, op);
  RemoteFile file(source, info.size);
  Flight<std::uint64_t, FileData> flight;
  std::map<std::uint64_t, FileData> early;  // parts that came before those in front of them
  std::uint64_t written = 0;
  const auto take = [&](std::uint64_t offset, FileData data) -> Status {
    RETURN_IF_ERROR(file.accept(offset, data));
    early.emplace(offset, std::move(data));
    while (!early.empty() && early.begin()->first == written) {
      const auto part = early.extract(early.begin());
      if (part.mapped().data.empty()) break;
      RETURN_IF_ERROR(write(part.mapped().data));
      written += part.mapped().data.size();
      tally.add(&TransferCounts::bytes, part.mapped().data.size());
    }
    return {};
  };
  while (flight.out() > 0 || (!tally.over() && file.has_next())) {
    while (!tally.over() && file.has_next() && flight.out() + early.size() < limits.requests) {
      const std::uint64_t offset = file.take_next();
      runner.read_file(source, offset, kPartBytes, op, flight.depart(offset));
    }
    auto [offset, data] = flight.land();
    if (tally.ended()) continue;
    if (!data) {
      tally.end(std::move(data).error());
    } else if (Status taken = take(offset, *std::move(data)); !taken) {
      tally.end(std::move(taken).error());
    }
  }
  if (!tally.ended()) tally.add(&TransferCounts::files);
  return tally.result();
}

}  // namespace rexec::sandbox
