// The values that commands get by name and that answers hide.
//
// They are read when the first call needs a sandbox, not at start. Until all of them are known nothing of a
// sandbox is shown: what is unknown cannot be hidden. Every caller may use every secret.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "base/thread_annotations.h"
#include "tools/support/masker.h"
#include "tools/support/path_seal.h"

namespace rexec::tools {

/// The value of one secret; may block within its Op. An error says what to do and never has the value.
using ReadSecret = std::function<Result<std::string>(const Op&)>;

struct SecretSource {
  std::string name;  // also of the environment variable
  ReadSecret read;
};

/// Thread-safe.
class Secrets {
 public:
  struct Loaded {
    std::vector<Secret> values;  // in the order of the sources
    Masker masker;
    PathSeal positions{};  // in listings, instead of paths that hold a secret
  };

  explicit Secrets(std::vector<SecretSource> sources);

  const std::vector<std::string>& names() const { return names_; }
  /// Null until load() has succeeded.
  std::shared_ptr<const Loaded> loaded() const;
  /// Reads all values, once: callers that come meanwhile wait. failed_precondition names the secret that
  /// cannot be had or cannot be hidden; the next call tries again.
  Result<std::shared_ptr<const Loaded>> load(const Op& op);

 private:
  Result<std::shared_ptr<const Loaded>> read_all(const Op& op) const;

  const std::vector<SecretSource> sources_;
  std::vector<std::string> names_;
  mutable Mutex mutex_;
  CondVar changed_;
  bool loading_ REXEC_GUARDED_BY(mutex_) = false;
  std::shared_ptr<const Loaded> loaded_ REXEC_GUARDED_BY(mutex_);
};

/// Hides what is known of `secrets` (may be null) in a text that leaves the server.
void hide_secrets(const Secrets* secrets, std::string& text);

}  // namespace rexec::tools
