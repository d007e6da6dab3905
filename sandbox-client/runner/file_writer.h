// write_file: creates, replaces or extends a file.
//
// Creating and replacing go through a temporary file in the same directory (see FileTarget) that is renamed
// when it is whole, so that nobody sees half a file and a failure changes nothing; the temporary file is
// removed whenever the task ends otherwise. Nothing is synced to the disk:
// after a crash of the machine a file that was written just before may be empty. Appending writes in place.
#pragma once

#include <sys/stat.h>

#include <string>

#include "sandbox-client/runner/file_target.h"
#include "sandbox-client/runner/file_task.h"
#include "sandbox-client/runner/sha256.h"

namespace rexec::runner {

class FileWriter final : public FileTask {
 public:
  static constexpr std::size_t kMaxStaged = 64 << 20;  // appended bytes that wait for a look at the file

  FileWriter(RequestId request, Replies& replies, WriteFile wanted);

  State advance() override;
  State data(std::string_view bytes) override;

 private:
  enum class Phase { open, receive, check, rehash };

  State fail(const Failure& failure);
  State fail(const char* step, const std::string& what);
  State open();
  State open_append();
  State open_temporary();
  State write(std::string_view bytes);
  State received_all();
  /// Hashes the next piece of `source_`; true at its end.
  bool hash_piece(Failure& failure);
  State check();
  State commit();
  State rehash();
  State answer(const std::string& sha256);
  bool exists() const { return target_.exists(); }

  Replies& replies_;
  WriteFile wanted_;
  Phase phase_ = Phase::open;
  FileTarget target_;
  struct stat existing_ {};
  Fd file_;    // what is written
  Fd source_;  // what is hashed
  std::uint64_t source_offset_ = 0;
  Sha256 source_hash_;
  Sha256 hash_;  // of the whole file, when that is known on the way
  std::uint64_t received_ = 0;
  std::string staged_;
};

}  // namespace rexec::runner
