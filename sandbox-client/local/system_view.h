// What a sandbox sees of the host's system, and the small files that are made for it.
//
// Programs and libraries are the host's, read-only. /etc is our own: an account for the sandbox's user, and
// those parts of the host's /etc that programs need and that hold no secrets by their nature: library cache,
// CA certificates, alternatives, settings of interpreters, MIME types, time zone. Files that not everybody
// may read are left out, and so are the host's proxy, package manager and shell settings.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "sandbox-client/backend.h"
#include "sandbox-client/local/sealed_file.h"

namespace rexec::sandbox {

/// Looked up anew for every sandbox, since hosts are upgraded while servers run.
struct SystemView {
  std::vector<std::pair<std::string, std::string>> links;  // name in the root, target
  std::vector<std::string> read_only;                      // directories
  std::vector<std::string> copied;                         // files below /etc
  std::vector<std::string> hidden;                         // files below /proc that tell of the host
};

/// `root` is "" but in tests.
SystemView system_view(Network network, const std::string& root = {});

/// Path and content of the files that every sandbox has of its own, unless SystemView::copied has the same
/// path.
std::vector<std::pair<std::string, std::string>> own_files();

/// The environment of every process in a sandbox, before what a specification adds.
std::vector<std::pair<std::string, std::string>> base_environment(const std::string& root = {});

}  // namespace rexec::sandbox
