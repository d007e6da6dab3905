// The one place that knows which implementations the program is made of.
#include <unistd.h>

#include <iostream>
#include <optional>
#include <utility>

#include "app/run.h"
#include "app/secret_settings.h"
#include "app/templates.h"
#include "tools/instructions.h"
#include "tools/resources/features.h"
#include "tools/support/masking_manager.h"

namespace rexec {
namespace {

class RealProgram final : public app::Program {
 public:
  explicit RealProgram(app::Config config) : config_(std::move(config)) {}
  ~RealProgram() override { shutdown(); }

  Result<mcp::Server*> server() override {
    if (server_ != nullptr) return server_.get();
    sandbox::SandboxSpec default_spec;
    default_spec.network = config_.network;
    default_spec.persistent = config_.persistent_default;
    manager_ = sandbox::make_sandbox_manager(sandbox::make_local_backend(config_.local, reactor()), reactor(),
                                             system_clock(), config_.sandboxes, std::move(default_spec));
    pool_.emplace(config_.workers);
    if (!config_.secrets.empty()) {
      secrets_ = std::make_unique<tools::Secrets>(app::secret_sources(config_.secrets));
      masking_ = tools::make_masking_manager(*manager_, *secrets_);
    }
    tools::Services services{
        masking_ ? *masking_ : *manager_, config_.tools, {.network = config_.network}, secrets_.get()};
    if (!config_.local.mounts.workspace.empty()) services.defaults.cwd = sandbox::kWorkspace;
    services.templates =
        std::make_shared<const std::vector<tools::Template>>(app::read_templates(config_.templates));
    services.recording = config_.recording;
    if (services.recording.directory.empty()) {
      const std::string& state = config_.local.state_directory;
      services.recording.directory =
          (state.empty() ? sandbox::default_state_directory() : state) + "/recordings";
    }
    mcp::ServerOptions options = config_.server;
    options.version = REXEC_VERSION;
    options.instructions = tools::instructions(services);
    ASSIGN_OR_RETURN(server_, mcp::make_server(std::move(options), tools::make_tools(services), *pool_,
                                               tools::make_features(services)));
    return server_.get();
  }

  sandbox::Backend& backend() override {
    if (backend_ == nullptr) backend_ = sandbox::make_local_backend(config_.local, reactor());
    return *backend_;
  }

  sandbox::Reactor& reactor() override {
    if (reactor_ == nullptr) reactor_ = sandbox::make_reactor();
    return *reactor_;
  }

  Result<std::unique_ptr<mcp::Transport>> connect_stdio() override {
    ASSIGN_OR_RETURN(auto descriptors, transport::claim_stdio());
    return transport::make_stdio_transport(std::move(descriptors), config_.stdio);
  }

  void shutdown() override {
    if (server_ != nullptr) server_->shutdown();
    if (manager_ != nullptr) manager_->shutdown();
    if (pool_) pool_->stop();
    server_.reset();
    manager_.reset();
    backend_.reset();
    reactor_.reset();  // its last tasks still post to the pool
    pool_.reset();
  }

 private:
  const app::Config config_;
  std::unique_ptr<sandbox::Reactor> reactor_;
  std::unique_ptr<sandbox::Backend> backend_;
  std::unique_ptr<sandbox::SandboxManager> manager_;
  std::unique_ptr<tools::Secrets> secrets_;           // null: none is configured
  std::unique_ptr<sandbox::SandboxManager> masking_;  // of manager_, with secrets
  std::optional<WorkerPool> pool_;
  std::unique_ptr<mcp::Server> server_;
};

}  // namespace
}  // namespace rexec

int main(int count, char** words) {
  using namespace rexec;
  transport::block_termination_signals();
  const std::vector<std::string> arguments(words + (count > 0 ? 1 : 0), words + count);
  return app::run(arguments, app::process_environment(),
                  {std::cin, std::cout, std::cerr, ::isatty(STDIN_FILENO) == 1, ::isatty(STDOUT_FILENO) == 1,
                   ::isatty(STDERR_FILENO) == 1, STDIN_FILENO},
                  [](const app::Config& config) { return std::make_unique<RealProgram>(config); });
}
