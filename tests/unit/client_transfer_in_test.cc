#include <fcntl.h>
#include <sys/stat.h>

#include "tests/support/transfer_fixture.h"

using namespace rexec;
using namespace rexec::test;
using sandbox::FileType;

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMiB = 1 << 20;

/// A sandbox that remembers what was made in it.
struct CopyIn {
  ScratchDirectory scratch;
  FakeRunner runner;
  RecordingObserver observer;
  sandbox::TransferLimits limits;
  std::optional<FileType> present;                   // what is at the destination
  std::map<std::string, std::string> files;          // contents by path
  std::map<std::string, sandbox::FileEnd> finished;  // by path
  std::map<std::string, std::string> links;
  std::map<std::string, sandbox::EntrySpec> directories;  // as they were asked for last
  std::vector<std::string> order;

  CopyIn() {
    scratch.make("src");
    runner.on_stat_file = [this](std::string path, bool follow, Op,
                                 sandbox::Completion<sandbox::FileInfo> done) {
      CHECK(follow);
      if (!present) return done(Error{ErrorCode::not_found, path + " does not exist"});
      done(info_of(*present));
    };
    runner.on_make_entry = [this](sandbox::EntrySpec spec, Op, sandbox::Completion<void> done) {
      order.push_back((spec.attributes ? "end " : "make ") + spec.path);
      if (spec.type == FileType::symlink) {
        links[spec.path] = spec.target;
      } else {
        directories[spec.path] = spec;
      }
      done(Status());
    };
    runner.on_write_range = [this](sandbox::RangeSpec spec, Op, sandbox::Completion<void> done) {
      order.push_back((spec.finish ? "last " : "part ") + spec.path);
      CHECK(spec.begin == (files.count(spec.path) == 0));
      CHECK(spec.data.size() <= kMiB);
      CHECK(finished.count(spec.path) == 0);
      std::string& content = files[spec.path];
      if (content.size() < spec.offset + spec.data.size()) content.resize(spec.offset + spec.data.size());
      content.replace(spec.offset, spec.data.size(), spec.data);
      if (spec.finish) finished[spec.path] = *spec.finish;
      done(Status());
    };
  }
  Status run(const std::string& source = "src", const Op& op = {}) {
    return sandbox::copy_in(runner, scratch.path() + "/" + source, "/dst", observer, op, limits);
  }
};

}  // namespace

TEST_CASE("a tree goes in with contents, modes, times and symlinks", "[transfer]") {
  CopyIn copy;
  const std::string large(2 * kMiB + 5, 'x');
  copy.scratch.write("src/a/file", "text");
  copy.scratch.write("src/large", large);
  copy.scratch.write("src/exact", std::string(kMiB, 'y'));
  copy.scratch.write("src/none");
  fs::create_symlink("../nowhere", copy.scratch.path() + "/src/link");
  ::chmod((copy.scratch.path() + "/src/a/file").c_str(), 04751);
  ::chmod((copy.scratch.path() + "/src/a").c_str(), 02711);
  const timespec times[2] = {{1, 0}, {1'234'567'890, 123'456'789}};
  ::utimensat(AT_FDCWD, (copy.scratch.path() + "/src/a/file").c_str(), times, 0);
  ::utimensat(AT_FDCWD, (copy.scratch.path() + "/src/a").c_str(), times, 0);
  REQUIRE(copy.run().ok());
  CHECK((copy.files.size() == 4 && copy.finished.size() == 4));
  CHECK(copy.files["/dst/large"] == large);
  CHECK(copy.finished["/dst/large"].size == large.size());
  CHECK(copy.files["/dst/exact"].size() == kMiB);
  CHECK(copy.files["/dst/none"].empty());
  CHECK(copy.finished["/dst/a/file"].mode == 0751);
  CHECK(copy.finished["/dst/a/file"].modified_unix_ns == 1'234'567'890'123'456'789);
  CHECK((copy.directories["/dst/a"].mode == 0711 && copy.directories["/dst/a"].attributes));
  CHECK(copy.directories["/dst/a"].modified_unix_ns == 1'234'567'890'123'456'789);
  CHECK(copy.links["/dst/link"] == "../nowhere");
  CHECK((copy.observer.counts.files == 4 && copy.observer.counts.directories == 2));
  CHECK((copy.observer.counts.symlinks == 1 && copy.observer.counts.bytes == large.size() + kMiB + 4));
  CHECK(copy.order.front() == "make /dst");
  CHECK(copy.order.back() == "end /dst");
}

TEST_CASE("what is in a directory is sent between its making and its attributes", "[transfer]") {
  CopyIn copy;
  copy.scratch.write("src/a/b/file", "text");
  REQUIRE(copy.run().ok());
  CHECK(copy.order == std::vector<std::string>{"make /dst", "make /dst/a", "make /dst/a/b",
                                               "last /dst/a/b/file", "end /dst/a/b", "end /dst/a",
                                               "end /dst"});
}

TEST_CASE("the copy goes into a directory that is there, or only what the source holds", "[transfer]") {
  CopyIn copy;
  copy.present = FileType::dir;
  copy.scratch.write("src/file", "text");
  REQUIRE(copy.run().ok());
  CHECK(copy.files.count("/dst/src/file") == 1);
  CopyIn merged;
  merged.present = FileType::dir;
  merged.scratch.write("src/file", "text");
  REQUIRE(merged.run("src/.").ok());
  CHECK(merged.order == std::vector<std::string>{"last /dst/file"});
  CopyIn file;
  file.present = FileType::file;
  file.scratch.write("src/file", "text");
  REQUIRE(file.run("src/file").ok());
  CHECK(file.files["/dst"] == "text");
  CHECK_FALSE(file.run("src").ok());
}

TEST_CASE("a source that is a symlink is followed, one below it is not", "[transfer]") {
  CopyIn copy;
  copy.scratch.write("src/file", "text");
  fs::create_directory_symlink("src", copy.scratch.path() + "/link");
  fs::create_directory_symlink("/etc", copy.scratch.path() + "/src/etc");
  REQUIRE(copy.run("link").ok());
  CHECK(copy.files["/dst/file"] == "text");
  CHECK(copy.links["/dst/etc"] == "/etc");
}

TEST_CASE("FIFOs and the like are skipped, and none is opened", "[transfer]") {
  CopyIn copy;
  REQUIRE(::mkfifo((copy.scratch.path() + "/src/fifo").c_str(), 0600) == 0);
  REQUIRE(copy.run().ok());
  CHECK(copy.observer.counts.skipped == 1);
  CHECK_THAT(copy.observer.problems.at(0), ContainsSubstring("/src/fifo\""));
  CHECK_FALSE(copy.run("src/fifo").ok());
  CHECK(copy.run("nothing").error().code == ErrorCode::not_found);
}

TEST_CASE("a directory that cannot be made is one error, and nothing below it is sent", "[transfer]") {
  CopyIn copy;
  copy.scratch.write("src/a/x", "text");
  copy.scratch.write("src/a/y", "text");
  copy.scratch.write("src/b", "text");
  auto make = copy.runner.on_make_entry;
  copy.runner.on_make_entry = [make](sandbox::EntrySpec spec, Op op, sandbox::Completion<void> done) {
    if (spec.path == "/dst/a") return done(Error{ErrorCode::failed_precondition, "/dst/a is a file"});
    make(std::move(spec), std::move(op), std::move(done));
  };
  REQUIRE(copy.run().ok());
  CHECK(copy.observer.problems == std::vector<std::string>{"/dst/a is a file"});
  CHECK(copy.files.size() == 1);
}

TEST_CASE("a part that fails is one error, and the file is not made to look whole", "[transfer]") {
  CopyIn copy;
  copy.scratch.write("src/large", std::string(10 * kMiB, 'x'));
  copy.scratch.write("src/other", "text");
  auto write = copy.runner.on_write_range;
  copy.runner.on_write_range = [write](sandbox::RangeSpec spec, Op op, sandbox::Completion<void> done) {
    if (spec.offset >= 2 * kMiB) return done(Error{ErrorCode::resource_exhausted, "no space"});
    write(std::move(spec), std::move(op), std::move(done));
  };
  REQUIRE(copy.run().ok());
  CHECK(copy.observer.problems == std::vector<std::string>{"no space"});
  CHECK((copy.finished.count("/dst/large") == 0 && copy.finished.count("/dst/other") == 1));
  CHECK(copy.observer.counts.files == 1);
}

TEST_CASE("a file of this machine that changes while it is sent is an error", "[transfer]") {
  for (const bool grows : {true, false}) {
    CopyIn copy;
    copy.scratch.write("src/large", std::string(3 * kMiB, 'x'));
    const std::string path = copy.scratch.path() + "/src/large";
    auto write = copy.runner.on_write_range;
    copy.runner.on_write_range = [&](sandbox::RangeSpec spec, Op op, sandbox::Completion<void> done) {
      if (spec.offset == kMiB) fs::resize_file(path, grows ? 4 * kMiB : 2 * kMiB);
      write(std::move(spec), std::move(op), std::move(done));
    };
    REQUIRE(copy.run().ok());
    CHECK_THAT(copy.observer.problems.at(0), ContainsSubstring("changed while it was copied"));
    CHECK(copy.finished.empty());
  }
}

TEST_CASE("a file that does not tell its size is sent to its end", "[transfer]") {
  CopyIn copy;
  REQUIRE(sandbox::copy_in(copy.runner, "/proc/self/status", "/dst", copy.observer, {}).ok());
  CHECK_THAT(copy.files["/dst"], ContainsSubstring("Name:"));
  CHECK(copy.finished["/dst"].size == copy.files["/dst"].size());
}

TEST_CASE("requests in flight are bounded, and the last part waits for the others", "[transfer]") {
  CopyIn copy;
  copy.limits.requests = 3;
  copy.scratch.write("src/large", std::string(9 * kMiB + 1, 'x'));
  auto write = copy.runner.on_write_range;
  std::vector<std::function<void()>> waiting;
  std::size_t most = 0;
  std::size_t parts = 0;
  copy.runner.on_write_range = [&](sandbox::RangeSpec spec, Op op, sandbox::Completion<void> done) {
    if (spec.finish) CHECK(waiting.empty());
    const bool last = spec.finish.has_value();
    write(std::move(spec), std::move(op),
          [&waiting, done](Status status) { waiting.push_back([done, status] { done(status); }); });
    most = std::max(most, waiting.size());
    if (++parts % 3 != 0 && !last) return;
    for (const auto& answer : std::exchange(waiting, {})) answer();
  };
  REQUIRE(copy.run().ok());
  CHECK(most == 3);
  CHECK(copy.files["/dst/large"].size() == 9 * kMiB + 1);
}

TEST_CASE("the loss of the sandbox ends the copy, as giving up and an old runner do", "[transfer]") {
  for (const ErrorCode code : {ErrorCode::data_loss, ErrorCode::unsupported}) {
    CopyIn copy;
    copy.scratch.write("src/a", "x");
    copy.scratch.write("src/b", "x");
    copy.runner.on_write_range = [code](sandbox::RangeSpec, Op, sandbox::Completion<void> done) {
      done(Error{code, "over"});
    };
    CHECK(copy.run().error().code == code);
    CHECK(copy.observer.problems.empty());
  }
  CopyIn copy;
  std::stop_source stop;
  stop.request_stop();
  CHECK(copy.run("src", Op{stop.get_token()}).error().code == ErrorCode::cancelled);
  CHECK(copy.order.empty());
}

TEST_CASE("directories below one another are bounded", "[transfer]") {
  CopyIn copy;
  copy.limits.depth = 3;
  copy.scratch.make("src/a/b/c");
  copy.scratch.write("src/a/b/file", "text");
  REQUIRE(copy.run().ok());
  CHECK(copy.observer.counts.errors == 1);
  CHECK((copy.directories.count("/dst/a/b") == 1 && copy.directories.count("/dst/a/b/c") == 0));
}

TEST_CASE("a stream goes in as one file, which keeps its mode if it is there", "[transfer]") {
  for (const bool there : {false, true}) {
    CopyIn copy;
    if (there) copy.present = FileType::file;
    std::string left(2 * kMiB + 17, 'x');
    const auto read = [&](char* bytes, std::size_t size) -> Result<std::size_t> {
      const std::size_t got = std::min({size, left.size(), std::size_t{70'000}});
      left.copy(bytes, got);
      left.erase(0, got);
      return got;
    };
    REQUIRE(sandbox::copy_in_stream(copy.runner, read, "/dst", copy.observer, {}).ok());
    CHECK(copy.files["/dst"].size() == 2 * kMiB + 17);
    CHECK(copy.finished["/dst"].mode.has_value() == !there);
    CHECK_FALSE(copy.finished["/dst"].modified_unix_ns.has_value());
  }
  CopyIn copy;
  const auto broken = [](char*, std::size_t) -> Result<std::size_t> {
    return Error{ErrorCode::cancelled, "interrupted"};
  };
  CHECK_FALSE(sandbox::copy_in_stream(copy.runner, broken, "/dst", copy.observer, {}).ok());
  CHECK(copy.finished.empty());
}
