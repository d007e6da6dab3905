// What the tests of copies share: an observer that remembers, a directory of this machine, and a sandbox
// whose files a test makes up.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sandbox-client/transfer/transfer.h"
#include "tests/support/catch.h"
#include "tests/support/fake_sandbox.h"
#include "tests/support/scratch_directory.h"

namespace rexec::test {

class RecordingObserver final : public sandbox::TransferObserver {
 public:
  sandbox::TransferCounts counts;
  std::vector<std::string> problems;

  void progress(const sandbox::TransferCounts& now) override { counts = now; }
  void problem(const std::string& message, bool) override { problems.push_back(message); }
};

inline sandbox::FileInfo info_of(sandbox::FileType type, std::uint64_t size = 0, unsigned mode = 0755) {
  sandbox::FileInfo info;
  info.type = type;
  info.size = size;
  info.mode = mode;
  info.modified_unix_ms = 1'234'567'890'123;
  return info;
}

/// The tree /src of a sandbox. Everything is what the test says, however impossible.
struct MadeUpTree {
  FakeRunner runner;
  sandbox::FileInfo root = info_of(sandbox::FileType::dir);
  std::vector<sandbox::ListEntry> entries;      // in this order, in one listing
  std::map<std::string, std::string> contents;  // by path

  MadeUpTree() {
    runner.on_stat_file = [this](std::string, bool, Op, sandbox::Completion<sandbox::FileInfo> done) {
      done(root);
    };
    runner.on_list_files = [this](sandbox::ListSpec, Op, sandbox::Completion<sandbox::Listing> done) {
      sandbox::Listing listing;
      listing.entries = entries;
      done(std::move(listing));
    };
    runner.on_read_file = [this](std::string path, std::uint64_t offset, std::size_t max, Op,
                                 sandbox::Completion<sandbox::FileData> done) {
      const auto found = contents.find(path);
      if (found == contents.end())
        return done(Error{ErrorCode::permission_denied, "no permission for " + path});
      sandbox::FileData data;
      data.info = info_of(sandbox::FileType::file, found->second.size(), 0640);
      data.offset = offset;
      if (offset < found->second.size()) data.data = found->second.substr(offset, max);
      done(std::move(data));
    };
  }

  void add(std::string path, sandbox::FileType type, std::string target = {}) {
    sandbox::FileInfo info = info_of(type);
    info.target = std::move(target);
    entries.push_back({std::move(path), std::move(info)});
  }
  void add_file(const std::string& path, std::string text) {
    add(path, sandbox::FileType::file);
    entries.back().info.size = text.size();
    contents["/src/" + path] = std::move(text);
  }
};

}  // namespace rexec::test
