// The files of the sandbox. Short operations are answered at once; long ones go on in pieces of at most
// kPieceBytes per turn of the loop, so that nothing else has to wait for them.
#pragma once

#include <list>
#include <memory>

#include "sandbox-client/runner/edit_memory.h"
#include "sandbox-client/runner/file_task.h"
#include "sandbox-client/runner/loop.h"
#include "sandbox-client/runner/replies.h"
#include "sandbox-client/runner/wire_transfer.h"

namespace rexec::runner {

class FileService final : private Job {
 public:
  static constexpr std::size_t kMaxTasks = 256;  // under way at the same time

  FileService(Loop& loop, Replies& replies) : loop_(loop), replies_(replies) {}

  void stat(RequestId request, const StatFile& wanted);
  void read(RequestId request, const ReadFile& wanted);
  void read_lines(RequestId request, ReadLines wanted);
  void write(RequestId request, WriteFile wanted);
  /// An edit that was made already is answered from memory; one that is under way goes on for this request.
  void edit(RequestId request, EditFile wanted);
  void make_entry(RequestId request, const MakeEntry& wanted);
  void write_range(RequestId request, const WriteRange& wanted);
  void write_data(RequestId request, std::string_view data);

  /// True when `request` was under way here; it is answered, and what it made is removed.
  bool cancel(RequestId request);
  void drop_connection(std::uint64_t connection);

 private:
  struct Entry {
    std::unique_ptr<FileTask> task;
    bool running;
  };

  void step() override;
  void begin(std::unique_ptr<FileTask> task);
  /// Whether it is the turn of `entry`: large tasks of one connection are done one after the other.
  bool may_advance(const Entry& entry) const;
  void update_job();

  Loop& loop_;
  Replies& replies_;
  std::list<Entry> tasks_;
  EditMemory edits_;
  bool stepping_ = false;
};

}  // namespace rexec::runner
