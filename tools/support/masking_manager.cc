#include "tools/support/masking_manager.h"

#include <utility>

#include "tools/support/masking_runner.h"

namespace rexec::tools {
namespace {

using sandbox::Caller;

class MaskingManager final : public sandbox::SandboxManager {
 public:
  MaskingManager(sandbox::SandboxManager& manager, Secrets& secrets) : manager_(manager), secrets_(secrets) {}

  Result<sandbox::SandboxHandle> acquire(const Caller& caller, const std::optional<std::string>& name,
                                         const Op& op) override {
    ASSIGN_OR_RETURN(auto loaded, secrets_.load(op));
    return masked(manager_.acquire(caller, name, op), std::move(loaded));
  }

  std::optional<Result<sandbox::SandboxHandle>> try_acquire(const Caller& caller,
                                                            const std::optional<std::string>& name) override {
    auto loaded = secrets_.loaded();
    if (loaded == nullptr) return std::nullopt;
    auto handle = manager_.try_acquire(caller, name);
    if (!handle) return std::nullopt;
    return masked(*std::move(handle), std::move(loaded));
  }

  Result<sandbox::SandboxHandle> find(const Caller& caller, const std::string& name, const Op& op) override {
    ASSIGN_OR_RETURN(auto loaded, secrets_.load(op));
    return masked(manager_.find(caller, name, op), std::move(loaded));
  }

  Result<sandbox::SandboxRecord> create(const Caller& caller, sandbox::CreateRequest request,
                                        const Op& op) override {
    return manager_.create(caller, std::move(request), op);
  }
  Result<std::vector<sandbox::SandboxRecord>> list(const Caller& caller, const Op& op) override {
    return manager_.list(caller, op);
  }
  Result<sandbox::SandboxRecord> control(const Caller& caller, const std::string& name,
                                         sandbox::ControlAction action, std::optional<Duration> expires_in,
                                         const Op& op) override {
    return manager_.control(caller, name, action, expires_in, op);
  }
  sandbox::Backend& backend() override { return manager_.backend(); }
  void shutdown() override { manager_.shutdown(); }

 private:
  static Result<sandbox::SandboxHandle> masked(Result<sandbox::SandboxHandle> handle,
                                               std::shared_ptr<const Secrets::Loaded> loaded) {
    if (!handle) {
      Error error = std::move(handle).error();
      loaded->masker.mask(error.message);
      return error;
    }
    handle->runner = make_masking_runner(std::move(handle->runner), std::move(loaded));
    return handle;
  }

  sandbox::SandboxManager& manager_;
  Secrets& secrets_;
};

}  // namespace

std::unique_ptr<sandbox::SandboxManager> make_masking_manager(sandbox::SandboxManager& manager,
                                                              Secrets& secrets) {
  return std::make_unique<MaskingManager>(manager, secrets);
}

}  // namespace rexec::tools
