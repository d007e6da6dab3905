// Copies out of a sandbox that says what it likes.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "base/fd.h"
#include "sandbox-client/transfer/host_files.h"
#include "tests/support/transfer_fixture.h"

using namespace rexec;
using namespace rexec::test;
using sandbox::FileType;

namespace fs = std::filesystem;

namespace {

struct CopyOut : MadeUpTree {
  ScratchDirectory scratch;
  RecordingObserver observer;
  sandbox::TransferLimits limits;
  std::string outside = scratch.make("outside");
  std::string destination = scratch.make("parent") + "/copy";

  Status run(const Op& op = {}) {
    return sandbox::copy_out(runner, "/src", destination, observer, op, limits);
  }
  std::string text(const std::string& name) const {
    return read_whole_file(destination + "/" + name, 16 << 20).value();
  }
  /// Nothing was written where it should not.
  void check_outside() const {
    CHECK(fs::is_empty(outside));
    for (const auto& entry : fs::directory_iterator(scratch.path() + "/parent"))
      CHECK(entry.path().filename() == "copy");
  }
};

struct stat status_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status;
}

}  // namespace

TEST_CASE("a tree comes out with contents, modes, times and symlinks", "[transfer]") {
  CopyOut copy;
  copy.root.mode = 0711;
  copy.add("a", FileType::dir);
  copy.add("a-b", FileType::dir);  // sorts between a and what is in it
  copy.add_file("a-b/x", "x");
  copy.add("a/empty", FileType::dir);
  copy.add("a/link", FileType::symlink, "../nowhere");
  copy.add_file("a/none", "");
  copy.add_file("b", std::string(3'000'000, 'y'));
  REQUIRE(copy.run().ok());
  CHECK(copy.text("a-b/x") == "x");
  CHECK(copy.text("a/none").empty());
  CHECK(copy.text("b") == std::string(3'000'000, 'y'));
  CHECK(fs::read_symlink(copy.destination + "/a/link") == "../nowhere");
  CHECK((status_of(copy.destination).st_mode & 07777) == 0711);
  CHECK((status_of(copy.destination + "/b").st_mode & 07777) == 0640);
  for (const char* name : {"/a", "/a-b", "/a/empty", "/a/link", "/a/none", "/b"})
    CHECK(status_of(copy.destination + name).st_mtim.tv_nsec == 123'000'000);
  CHECK(status_of(copy.destination).st_mtim.tv_sec == 1'234'567'890);
  CHECK((copy.observer.counts.files == 3 && copy.observer.counts.directories == 4));
  CHECK((copy.observer.counts.symlinks == 1 && copy.observer.counts.bytes == 3'000'001));
  CHECK(copy.observer.problems.empty());
}

TEST_CASE("names that no directory can have end the copy", "[transfer]") {
  for (const std::string& name : {std::string(".."), std::string("../outside/x"), std::string("/etc/x"),
                                  std::string("a/../../x"), std::string("."), std::string("a//b"),
                                  std::string("a\0b", 3), std::string(300, 'x'), std::string()}) {
    INFO(name);
    CopyOut copy;
    copy.add(name, FileType::dir);
    const Status done = copy.run();
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().code == ErrorCode::data_loss);
    copy.check_outside();
  }
}

TEST_CASE("names that come again or out of order end the copy", "[transfer]") {
  CopyOut copy;
  copy.add("b", FileType::dir);
  copy.add("b", FileType::dir);
  CHECK(copy.run().error().code == ErrorCode::data_loss);
  copy.entries.back().path = "a";
  CHECK(copy.run().error().code == ErrorCode::data_loss);
}

TEST_CASE("a symlink that is listed and then used as a directory leads nowhere", "[transfer]") {
  CopyOut copy;
  copy.add("trap", FileType::symlink, copy.outside);
  copy.add_file("trap/file", "escaped");
  copy.add("trap/folder", FileType::dir);
  copy.add("trap/link", FileType::symlink, "x");
  REQUIRE(copy.run().ok());
  CHECK(copy.observer.counts.errors == 3);
  copy.check_outside();
}

TEST_CASE("a directory that was never listed gets nothing", "[transfer]") {
  CopyOut copy;
  fs::create_directory(copy.destination);
  fs::create_directory(copy.destination + "/src");
  fs::create_directory_symlink(copy.outside, copy.destination + "/src/d");
  copy.add_file("d/file", "escaped");
  REQUIRE(copy.run().ok());
  CHECK(copy.observer.counts.errors == 1);
  copy.check_outside();
}

TEST_CASE("symlinks that are in the destination are replaced or refused, never followed", "[transfer]") {
  CopyOut copy;
  copy.scratch.write("victim", "kept");
  fs::create_directories(copy.destination + "/src");
  fs::create_directory_symlink(copy.outside, copy.destination + "/src/folder");
  fs::create_symlink(copy.scratch.path() + "/victim", copy.destination + "/src/file");
  fs::create_symlink(copy.scratch.path() + "/outside/new", copy.destination + "/src/dangling");
  copy.add_file("dangling", "new");
  copy.add_file("file", "new");
  copy.add("folder", FileType::dir);
  copy.add_file("folder/x", "escaped");
  copy.add("folder/y", FileType::dir);
  REQUIRE(copy.run().ok());
  CHECK(copy.text("src/file") == "new");
  CHECK(copy.text("src/dangling") == "new");
  CHECK_FALSE(fs::is_symlink(copy.destination + "/src/file"));
  CHECK(read_whole_file(copy.scratch.path() + "/victim", 100).value() == "kept");
  REQUIRE(copy.observer.problems.size() == 1);  // one for everything below
  CHECK_THAT(copy.observer.problems[0], ContainsSubstring("symbolic link"));
  CHECK(fs::is_empty(copy.outside));
}

TEST_CASE("special bits never arrive on files", "[transfer]") {
  CopyOut copy;
  copy.root.mode = 07777;
  copy.add_file("f", "x");
  auto read = copy.runner.on_read_file;
  copy.runner.on_read_file = [read](std::string path, std::uint64_t offset, std::size_t max, Op op,
                                    sandbox::Completion<sandbox::FileData> done) {
    read(std::move(path), offset, max, std::move(op), [done](Result<sandbox::FileData> data) {
      data->info.mode = 07755;
      done(std::move(data));
    });
  };
  REQUIRE(copy.run().ok());
  CHECK((status_of(copy.destination + "/f").st_mode & 07777) == (0755 & ~sandbox::process_umask()));
  CHECK((status_of(copy.destination).st_mode & 07777) == (0777 & ~sandbox::process_umask()));
}

TEST_CASE("a directory replaces no file, nor the other way round", "[transfer]") {
  CopyOut copy;
  copy.destination = copy.scratch.make("copy");
  copy.scratch.write("copy/src/file", "kept");
  copy.scratch.make("copy/src/folder");
  copy.add("file", FileType::dir);
  copy.add_file("file/x", "x");
  copy.add_file("folder", "x");
  REQUIRE(copy.run().ok());
  CHECK(copy.text("src/file") == "kept");
  CHECK(copy.observer.counts.errors == 2);
}

TEST_CASE("a FIFO or device in the destination is neither opened nor replaced", "[transfer]") {
  CopyOut copy;
  copy.destination = copy.scratch.make("copy");
  copy.scratch.make("copy/src");
  REQUIRE(::mkfifo((copy.destination + "/src/fifo").c_str(), 0600) == 0);
  copy.add_file("fifo", "x");
  REQUIRE(copy.run().ok());
  CHECK_THAT(copy.observer.problems.at(0), ContainsSubstring("FIFO"));
}

TEST_CASE("what is no file is skipped", "[transfer]") {
  CopyOut copy;
  copy.add("socket", FileType::other);
  REQUIRE(copy.run().ok());
  CHECK(copy.observer.counts.skipped == 1);
  CHECK(fs::is_empty(copy.destination));
}

TEST_CASE("a file that changes while it is copied is an error", "[transfer]") {
  const auto changes = [](const std::function<void(sandbox::FileData&)>& change) {
    CopyOut copy;
    copy.add_file("f", std::string(3 << 20, 'x'));
    copy.add_file("g", "fine");
    auto read = copy.runner.on_read_file;
    copy.runner.on_read_file = [read, change](std::string path, std::uint64_t offset, std::size_t max, Op op,
                                              sandbox::Completion<sandbox::FileData> done) {
      read(path, offset, max, std::move(op), [=](Result<sandbox::FileData> data) {
        if (path == "/src/f" && offset == 2 << 20) change(*data);
        done(std::move(data));
      });
    };
    REQUIRE(copy.run().ok());
    CHECK(copy.text("g") == "fine");
    return copy.observer.counts.errors == 1 && copy.observer.counts.files == 1 &&
           copy.observer.problems.at(0).find("changed while it was copied") != std::string::npos;
  };
  CHECK(changes([](sandbox::FileData& data) { data.info.size += 1; }));
  CHECK(changes([](sandbox::FileData& data) { data.info.modified_unix_ms += 1; }));
  CHECK(changes([](sandbox::FileData& data) { data.info.type = FileType::dir; }));
  CHECK(changes([](sandbox::FileData& data) { data.data.pop_back(); }));
  CHECK(changes([](sandbox::FileData& data) { data.data += "more"; }));
  CHECK(changes([](sandbox::FileData& data) { data.offset = 0; }));
}

TEST_CASE("a file may have another size than it was listed with", "[transfer]") {
  for (const std::uint64_t listed :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{9 << 20}, UINT64_MAX}) {
    CopyOut copy;
    copy.add_file("f", std::string(2'500'000, 'x'));
    copy.entries[0].info.size = listed;
    REQUIRE(copy.run().ok());
    CHECK(copy.text("f").size() == 2'500'000);
  }
}

TEST_CASE("a size that no file can have is an error", "[transfer]") {
  CopyOut copy;
  copy.add_file("f", "x");
  copy.runner.on_read_file = [](std::string, std::uint64_t, std::size_t, Op,
                                sandbox::Completion<sandbox::FileData> done) {
    sandbox::FileData data;
    data.info = info_of(FileType::file, UINT64_MAX);
    data.data = "x";
    done(std::move(data));
  };
  REQUIRE(copy.run().ok());
  CHECK(copy.observer.counts.errors == 1);
}

TEST_CASE("an endless listing ends at the bound on entries", "[transfer]") {
  CopyOut copy;
  copy.limits.entries = 1000;
  std::uint64_t next = 10'000'000;
  copy.runner.on_list_files = [&](sandbox::ListSpec, Op, sandbox::Completion<sandbox::Listing> done) {
    sandbox::Listing listing;
    for (int i = 0; i < 100; ++i)
      listing.entries.push_back({std::to_string(next++), info_of(FileType::other)});
    listing.stopped = sandbox::Stopped::limit;
    listing.next = listing.entries.back().path;
    done(std::move(listing));
  };
  CHECK(copy.run().error().code == ErrorCode::resource_exhausted);
  CHECK(copy.observer.counts.skipped == 1000);
}

TEST_CASE("a listing that gets nowhere, or goes back, ends the copy", "[transfer]") {
  for (const char* next : {"", "a"}) {
    CopyOut copy;
    copy.runner.on_list_files = [&](sandbox::ListSpec spec, Op, sandbox::Completion<sandbox::Listing> done) {
      sandbox::Listing listing;
      if (spec.after.empty() && *next != 0) listing.entries.push_back({"b", info_of(FileType::other)});
      listing.stopped = sandbox::Stopped::time;
      listing.next = next;
      done(std::move(listing));
    };
    CHECK(copy.run().error().code == ErrorCode::data_loss);
  }
}

TEST_CASE("directories are bounded in depth and in how many are open", "[transfer]") {
  CopyOut copy;
  copy.limits.depth = 3;
  copy.add("a", FileType::dir);
  copy.add("a/b", FileType::dir);
  copy.add("a/b/c", FileType::dir);
  copy.add_file("a/b/d", "x");
  REQUIRE(copy.run().ok());
  CHECK(copy.observer.counts.errors == 1);
  CHECK_FALSE(fs::exists(copy.destination + "/a/b/c"));
  CHECK(copy.text("a/b/d") == "x");
  CopyOut many;
  many.limits.open_directories = 10;
  for (std::string name = "a"; name.size() <= 10; name += '!') many.add(name, FileType::dir);
  CHECK(many.run().error().code == ErrorCode::resource_exhausted);
}

TEST_CASE("requests in flight are bounded, and answers may come late, from elsewhere and in any order",
          "[transfer]") {
  CopyOut copy;
  copy.limits.requests = 4;
  std::string content;
  for (int i = 0; i < 700'000; ++i) content += std::to_string(i);
  copy.add_file("f", content);
  for (char c = 'g'; c < 'p'; ++c) copy.add_file(std::string(1, c), std::string(1, c));
  auto read = copy.runner.on_read_file;
  std::vector<std::function<void()>> waiting;
  std::vector<std::jthread> threads;
  std::size_t most = 0;
  std::size_t asked = 0;
  copy.runner.on_read_file = [&](std::string path, std::uint64_t offset, std::size_t max, Op op,
                                 sandbox::Completion<sandbox::FileData> done) {
    waiting.push_back([=] { read(path, offset, max, op, done); });
    most = std::max(most, waiting.size());
    // All at once, the last one first, when no more can come.
    if (++asked % 4 != 0 && asked < 13) return;
    threads.emplace_back([later = std::exchange(waiting, {})] {
      for (auto answer = later.rbegin(); answer != later.rend(); ++answer) (*answer)();
    });
  };
  REQUIRE(copy.run().ok());
  CHECK(most <= 4);
  CHECK(copy.text("f") == content);
  CHECK(copy.observer.counts.files == 10);
}

TEST_CASE("one file that cannot be read does not keep others from being copied", "[transfer]") {
  CopyOut copy;
  copy.add("a", FileType::file);
  copy.add_file("b", "fine");
  REQUIRE(copy.run().ok());
  CHECK(copy.text("b") == "fine");
  CHECK_THAT(copy.observer.problems.at(0), ContainsSubstring("no permission"));
  CHECK_FALSE(fs::exists(copy.destination + "/a"));
}

TEST_CASE("the loss of the sandbox ends the copy, as giving up does", "[transfer]") {
  for (const ErrorCode code : {ErrorCode::data_loss, ErrorCode::cancelled, ErrorCode::deadline_exceeded}) {
    CopyOut copy;
    for (char c = 'a'; c < 'z'; ++c) copy.add(std::string(1, c), FileType::file);
    copy.runner.on_read_file = [code](std::string, std::uint64_t, std::size_t, Op,
                                      sandbox::Completion<sandbox::FileData> done) {
      done(Error{code, "over"});
    };
    CHECK(copy.run().error().code == code);
    CHECK(copy.observer.problems.empty());
  }
}

TEST_CASE("a copy that was given up begins nothing more and waits for what is under way", "[transfer]") {
  CopyOut copy;
  std::stop_source stop;
  for (char c = 'a'; c < 'z'; ++c) copy.add_file(std::string(1, c), "x");
  int outstanding = 0;
  std::vector<std::shared_ptr<void>> held;
  copy.runner.on_read_file = [&](std::string, std::uint64_t, std::size_t, Op op,
                                 sandbox::Completion<sandbox::FileData> done) {
    ++outstanding;
    held.push_back(give_up_by_op<sandbox::FileData>(op, [&, done](Result<sandbox::FileData> data) {
      --outstanding;
      done(std::move(data));
    }));
    if (held.size() == 5) stop.request_stop();
  };
  CHECK(copy.run(Op{stop.get_token()}).error().code == ErrorCode::cancelled);
  CHECK(outstanding == 0);
  CHECK(held.size() == 5);
}

TEST_CASE("a file goes to the name of the destination, or into it, through a symlink that is it",
          "[transfer]") {
  CopyOut copy;
  copy.root = info_of(FileType::file, 3);
  copy.contents["/src"] = "new";
  REQUIRE(copy.run().ok());
  CHECK(read_whole_file(copy.destination, 10).value() == "new");
  fs::create_directory(copy.scratch.path() + "/parent/folder");
  copy.destination = copy.scratch.path() + "/parent/folder";
  REQUIRE(copy.run().ok());
  CHECK(copy.text("src") == "new");
  copy.scratch.write("real", "old and long");
  fs::create_symlink("real", copy.scratch.path() + "/link");
  copy.destination = copy.scratch.path() + "/link";
  REQUIRE(copy.run().ok());
  CHECK(fs::is_symlink(copy.destination));
  CHECK(read_whole_file(copy.scratch.path() + "/real", 100).value() == "new");
}

TEST_CASE("what a directory holds goes into an existing one, which stays as it is", "[transfer]") {
  CopyOut copy;
  copy.destination = copy.scratch.make("copy");
  ::chmod(copy.destination.c_str(), 01770);
  copy.add_file("f", "x");
  REQUIRE(sandbox::copy_out(copy.runner, "/src/.", copy.destination, copy.observer, {}).ok());
  CHECK(copy.text("f") == "x");
  CHECK((status_of(copy.destination).st_mode & 07777) == 01770);
}

TEST_CASE("zeros take no room, and replace what was there", "[transfer]") {
  CopyOut copy;
  REQUIRE(fs::create_directory(copy.destination));
  std::string content(6 << 20, '\0');
  content[5 << 20] = 'x';
  for (const char* name : {"new", "old"}) copy.add_file(name, content);
  copy.add_file("zeros", std::string(300'000, '\0'));
  {
    UniqueFd old(::open((copy.destination + "/old").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    REQUIRE(write_all(old.get(), std::string(7 << 20, 'o')));
  }
  REQUIRE(sandbox::copy_out(copy.runner, "/src/.", copy.destination, copy.observer, {}).ok());
  for (const char* name : {"new", "old"}) {
    CHECK(copy.text(name) == content);
    CHECK(status_of(copy.destination + "/" + name).st_blocks * 512 < 1 << 20);
  }
  CHECK(copy.text("zeros") == std::string(300'000, '\0'));
}

TEST_CASE("a file comes out as a stream, in order", "[transfer]") {
  CopyOut copy;
  std::string content;
  for (int i = 0; i < 700'000; ++i) content += std::to_string(i);
  copy.root = info_of(FileType::file, content.size());
  copy.contents["/src"] = content;
  auto read = copy.runner.on_read_file;
  std::vector<std::function<void()>> waiting;
  copy.runner.on_read_file = [&](std::string path, std::uint64_t offset, std::size_t max, Op op,
                                 sandbox::Completion<sandbox::FileData> done) {
    waiting.push_back([=] { read(path, offset, max, op, done); });
    if (waiting.size() < 4) return;
    for (auto answer = waiting.rbegin(); answer != waiting.rend(); ++answer) (*answer)();
    waiting.clear();
  };
  std::string got;
  const auto write = [&](const std::string& bytes) -> Status {
    got += bytes;
    return {};
  };
  REQUIRE(content.size() > 3 << 20);
  REQUIRE(content.size() <= 4 << 20);
  REQUIRE(sandbox::copy_out_stream(copy.runner, "/src", write, copy.observer, {}).ok());
  CHECK(got == content);
  CHECK(copy.observer.counts.files == 1);
  const auto full = [](const std::string&) -> Status { return Error{ErrorCode::unavailable, "full"}; };
  CHECK(sandbox::copy_out_stream(copy.runner, "/src", full, copy.observer, {}).error().message == "full");
  copy.root = info_of(FileType::dir);
  CHECK_FALSE(sandbox::copy_out_stream(copy.runner, "/src", write, copy.observer, {}).ok());
}
