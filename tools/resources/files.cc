#include "tools/resources/files.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "tools/support/arguments.h"
#include "tools/support/file_text.h"
#include "tools/support/file_type.h"
#include "tools/support/sandbox_use.h"

namespace rexec::tools {
namespace {

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

  // A runner of this version does not list directories.
  void list() {
    reply_(Error{ErrorCode::unsupported, in_quotes(path_) +
                                             " is a directory, which cannot be read as a resource yet; "
                                             "look at it with exec and ls"});
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
