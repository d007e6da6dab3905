// Which sandbox a resource belongs to, and who may see it.
#include <algorithm>
#include <utility>

#include "tools/resources/about.h"
#include "tools/resources/features.h"
#include "tools/resources/files.h"
#include "tools/resources/processes.h"
#include "tools/resources/terminals.h"
#include "tools/resources/uris.h"
#include "tools/support/arguments.h"

namespace rexec::tools {
namespace {

class SandboxResources final : public mcp::ResourceProvider {
 public:
  explicit SandboxResources(const Services& services) : services_(services) {}

  const std::vector<mcp::ResourceInfo>& templates() const override { return published_templates(); }

  void list(const mcp::Inquiry& inquiry, mcp::Reply<std::vector<mcp::ResourceInfo>> reply) override {
    const auto records = services_.sandboxes.list({inquiry.principal()}, inquiry.op());
    if (!records) return reply(records.error());
    std::vector<mcp::ResourceInfo> infos = published_resources();
    for (const sandbox::SandboxRecord& record : sorted(*records)) {
      if (record.status != sandbox::SandboxStatus::running) continue;
      infos.push_back({file_uri(record.name, "~"), record.name + " home", "Home of " + record.name,
                       "Files in the home of the sandbox " + in_quotes(record.name), "inode/directory"});
    }
    reply(std::move(infos));
  }

  void read(const mcp::Inquiry& inquiry, const std::string& uri,
            mcp::Reply<mcp::ResourceContents> reply) override {
    const auto parsed = parse_resource_uri(uri);
    if (!parsed) return reply(parsed.error());
    if (std::holds_alternative<AboutUri>(*parsed)) return reply(about(inquiry));
    if (const auto* file = std::get_if<FileUri>(&*parsed)) {
      const auto handle = find(inquiry, file->sandbox);
      if (!handle) return reply(handle.error());
      return read_file_resource(inquiry, *handle, file->path, services_.limits, std::move(reply));
    }
    const auto as = [reply](std::string type) {
      return [reply, type = std::move(type)](Result<std::string> text) {
        if (!text) return reply(text.error());
        reply(mcp::ResourceContents{type, *std::move(text), false});
      };
    };
    if (const auto* screen = std::get_if<ScreenUri>(&*parsed)) {
      const auto handle = find(inquiry, screen->sandbox);
      if (!handle) return reply(handle.error());
      return read_screen(services_, inquiry, *handle, screen->terminal, as("text/plain"));
    }
    if (const auto* recording = std::get_if<RecordingUri>(&*parsed)) {
      const auto handle = find(inquiry, recording->sandbox);
      if (!handle) return reply(handle.error());
      return as("application/x-asciicast")(read_recording(services_, *handle, recording->terminal));
    }
    const auto& output = std::get<OutputUri>(*parsed);
    const auto handle = find(inquiry, output.sandbox);
    if (!handle) return reply(handle.error());
    const std::size_t max_chars = std::min(services_.limits.max_chars, services_.limits.read_cap);
    read_output_text(inquiry, *handle, output.process, max_chars, as("text/plain"));
  }

  void watch(const mcp::Inquiry& inquiry, const std::string& uri, std::function<void()> changed,
             mcp::Reply<std::unique_ptr<mcp::ResourceWatch>> reply) override {
    const auto parsed = parse_resource_uri(uri);
    if (!parsed) return reply(parsed.error());
    if (const auto* screen = std::get_if<ScreenUri>(&*parsed)) {
      const auto handle = find(inquiry, screen->sandbox);
      if (!handle) return reply(handle.error());
      return watch_screen(services_, inquiry, *handle, screen->terminal, std::move(changed),
                          std::move(reply));
    }
    const auto* output = std::get_if<OutputUri>(&*parsed);
    if (output == nullptr) {
      return reply(Error{ErrorCode::unsupported,
                         "changes of this resource are not announced; those of "
                         "rexec://SANDBOX/processes/PROCESS/output and "
                         "rexec://SANDBOX/terminals/TERMINAL/screen are"});
    }
    const auto handle = find(inquiry, output->sandbox);
    if (!handle) return reply(handle.error());
    watch_end(inquiry, *handle, output->process, std::move(changed), std::move(reply));
  }

 private:
  static std::vector<sandbox::SandboxRecord> sorted(std::vector<sandbox::SandboxRecord> records) {
    std::sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return records;
  }

  Result<mcp::ResourceContents> about(const mcp::Inquiry& inquiry) const {
    const auto records = services_.sandboxes.list({inquiry.principal()}, inquiry.op());
    if (!records) return records.error();
    return mcp::ResourceContents{published_resources().front().mime_type,
                                 about_text(services_, sorted(*records)), false};
  }

  Result<sandbox::SandboxHandle> find(const mcp::Inquiry& inquiry, const std::string& name) const {
    return services_.sandboxes.find({inquiry.principal()}, name, inquiry.op());
  }

  const Services services_;
};

}  // namespace

std::shared_ptr<mcp::ResourceProvider> make_resources(const Services& services) {
  return std::make_shared<SandboxResources>(services);
}

}  // namespace rexec::tools
