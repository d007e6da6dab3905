// Resources as the protocol sees them: contents under a URI, listed or described by templates.
//
// Source: MCP, server features, "Resources" (all revisions).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mcp/inquiry.h"

namespace rexec::mcp {

/// An entry of resources/list; of resources/templates/list when `uri` is a template (RFC 6570).
struct ResourceInfo {
  std::string uri;
  std::string name;
  std::string title;
  std::string description;
  std::string mime_type;  // empty: not known before it is read
};

struct ResourceContents {
  std::string mime_type;
  std::string data;     // raw bytes; encoded when written
  bool binary = false;  // written as `blob`, else as `text`
};

/// Somebody's interest in a resource. Destroying it ends the interest, without waiting: `changed` may be
/// running then, or about to.
class ResourceWatch {
 public:
  virtual ~ResourceWatch() = default;
};

/// Thread-safe. URIs that come in are well-formed but otherwise whatever a client sends.
class ResourceProvider {
 public:
  virtual ~ResourceProvider() = default;

  /// The same for every principal, and for as long as the provider lives.
  virtual const std::vector<ResourceInfo>& templates() const = 0;
  /// What the asker can be shown without knowing its URI, in a stable order.
  virtual void list(const Inquiry& inquiry, Reply<std::vector<ResourceInfo>> reply) = 0;
  /// not_found for an unknown URI, and for what is not the asker's.
  virtual void read(const Inquiry& inquiry, const std::string& uri, Reply<ResourceContents> reply) = 0;
  /// Calls `changed`, from any thread and as often as it likes (updates are made rare by the subscriber),
  /// when reading the resource would give something new; also when it changed between the asker's last look
  /// and this call, as far as that can be told. The watch lives longer than the inquiry. unsupported for a
  /// resource whose changes are not announced.
  virtual void watch(const Inquiry& inquiry, const std::string& uri, std::function<void()> changed,
                     Reply<std::unique_ptr<ResourceWatch>> reply) = 0;
};

}  // namespace rexec::mcp
