#include "tools/resources/files.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "tools/support/arguments.h"
#include "tools/support/file_text.h"
#include "tools/support/file_type.h"
#include "tools/support/sandbox_use.h"
#include "tools/support/tree_paths.h"

namespace rexec::tools {
namespace {

constexpr std::size_t kMaxEntries = 1000;  // of a directory that is read as a resource
/// Room for the line that says what is missing, beside the text.
constexpr std::size_t kUnboundedChars = std::numeric_limits<std::size_t>::max();

class FileReading : public std::enable_shared_from_this<FileReading> {
 public:
  FileReading(const mcp::Inquiry& inquiry, sandbox::SandboxHandle handle, const std::string& path,
              const ToolLimits& limits, mcp::Reply<mcp::ResourceContents> reply)
      : inquiry_(inquiry),
        handle_(std::move(handle)),
        path_(sandbox::resolve_path(path, handle_.record.home, handle_.record.cwd)),
        read_cap_(limits.read_cap),
        reply_(std::move(reply)) {}

  void run() {
    handle_.runner->stat_file(
        path_, true, inquiry_.op(),
        [self = shared_from_this()](Result<sandbox::FileInfo> info) { self->dispatch(info); });
  }

 private:
  void dispatch(const Result<sandbox::FileInfo>& info) {
    if (!info) return fail(info.error());
    switch (info->type) {
      case sandbox::FileType::file:
        return read();
      case sandbox::FileType::dir:
        return list();
      default:
        return reply_(Error{ErrorCode::unsupported, in_quotes(path_) + " is a device, pipe or socket"});
    }
  }

  void list() {
    sandbox::ListSpec spec;
    spec.path = path_;
    spec.limit = kMaxEntries;
    spec.hidden = true;
    handle_.runner->list_files(std::move(spec), inquiry_.op(),
                               [self = shared_from_this()](Result<sandbox::Listing> listing) {
                                 if (!listing) return self->fail(listing.error());
                                 auto shared = std::make_shared<const sandbox::Listing>(*std::move(listing));
                                 self->inquiry_.defer([self, shared] { self->present(*shared); });
                               });
  }

  /// One name on a line, as `ls -F` marks them.
  void present(const sandbox::Listing& listing) {
    mcp::ResourceContents contents;
    contents.mime_type = "text/plain";
    for (const sandbox::ListEntry& entry : listing.entries) {
      contents.data += one_line(entry.path);
      if (entry.info.type == sandbox::FileType::dir) contents.data += '/';
      if (entry.info.type == sandbox::FileType::symlink)
        contents.data += " -> " + one_line(entry.info.target);
      contents.data += '\n';
    }
    if (listing.stopped != sandbox::Stopped::complete) contents.data += "[there are more; see list_files]\n";
    reply_(std::move(contents));
  }

  void read() {
    handle_.runner->read_file(path_, 0, read_cap_, inquiry_.op(),
                              [self = shared_from_this()](Result<sandbox::FileData> data) {
                                if (!data) return self->fail(data.error());
                                auto shared = std::make_shared<sandbox::FileData>(*std::move(data));
                                self->inquiry_.defer([self, shared] { self->present(std::move(*shared)); });
                              });
  }

  void present(sandbox::FileData data) {
    const bool whole = data.data.size() >= data.info.size;
    mcp::ResourceContents contents;
    if (image_type(data.probe).empty() && is_text(data.probe, data.probe.size() == data.info.size)) {
      contents.mime_type = "text/plain";
      contents.data = whole ? std::move(data.data) : present_bytes(path_, data, kUnboundedChars);
      return reply_(std::move(contents));
    }
    contents.mime_type = mime_type(data.probe);
    if (!whole) {
      return reply_(Error{ErrorCode::resource_exhausted,
                          in_quotes(path_) + " is " + contents.mime_type + " of " +
                              std::to_string(data.info.size) + " bytes; resources have at most " +
                              std::to_string(read_cap_) +
                              ". Read parts of it with read_file, offset_bytes and encoding \"base64\""});
    }
    contents.binary = true;
    contents.data = std::move(data.data);
    reply_(std::move(contents));
  }

  void fail(const Error& error) {
    if (error.code != ErrorCode::not_found) return reply_(resource_error(handle_, error));
    reply_(Error{ErrorCode::not_found, "there is no file " + in_quotes(path_) + " in the sandbox " +
                                           in_quotes(handle_.record.name)});
  }

  const mcp::Inquiry inquiry_;
  const sandbox::SandboxHandle handle_;
  const std::string path_;
  const std::size_t read_cap_;
  const mcp::Reply<mcp::ResourceContents> reply_;
};

}  // namespace

void read_file_resource(const mcp::Inquiry& inquiry, const sandbox::SandboxHandle& handle,
                        const std::string& path, const ToolLimits& limits,
                        mcp::Reply<mcp::ResourceContents> reply) {
  std::make_shared<FileReading>(inquiry, handle, path, limits, std::move(reply))->run();
}

}  // namespace rexec::tools
