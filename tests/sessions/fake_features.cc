#include "tests/sessions/fake_features.h"

#include <functional>
#include <list>
#include <map>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include "base/thread_annotations.h"

namespace rexec::test {
namespace {

using mcp::Inquiry;
using mcp::Reply;
using mcp::ResourceContents;
using mcp::ResourceInfo;

class FakeCompleter final : public mcp::Completer {
 public:
  void complete(const Inquiry& inquiry, mcp::CompletionQuery query,
                Reply<std::vector<std::string>> reply) override {
    std::vector<std::string> values;
    if (query.argument == "mood") {
      for (const auto& [name, value] : query.known) values.push_back(name + "=" + value);
      values.push_back(inquiry.principal());
    } else {
      for (int i = 0; i < 150; ++i) values.push_back("ann" + std::to_string(i));
      values.push_back("bob");
    }
    reply(std::move(values));
  }
};

mcp::Prompt greeting() {
  mcp::Prompt prompt{"greet", "Greet", "Greets somebody.", {}, nullptr};
  prompt.arguments = {{"name", "Name", "Who", true}, {"mood", "", "How", false}};
  prompt.handler = [](const Inquiry&, mcp::PromptArguments arguments, const Reply<mcp::PromptResult>& reply) {
    if (arguments.at("name") == "nobody")
      return reply(Error{ErrorCode::not_found, "there is nobody of that name"});
    reply(
        mcp::PromptResult{"A greeting",
                          {{mcp::PromptMessage::Role::user, "Greet " + arguments["name"] + arguments["mood"]},
                           {mcp::PromptMessage::Role::assistant, "Hello"}}});
  };
  return prompt;
}

}  // namespace

class FakeFeatures::Provider final : public mcp::ResourceProvider,
                                     public std::enable_shared_from_this<FakeFeatures::Provider> {
 public:
  const std::vector<ResourceInfo>& templates() const override { return templates_; }

  void list(const Inquiry&, Reply<std::vector<ResourceInfo>> reply) override {
    reply(std::vector<ResourceInfo>{{"fake:note", "note", "Note", "A note", "text/plain"},
                                    {"fake:picture", "picture", "", "", ""}});
  }

  void read(const Inquiry& inquiry, const std::string& uri, Reply<ResourceContents> reply) override {
    if (uri == "fake:note") return reply(ResourceContents{"text/plain", "a note\xff", false});
    if (uri == "fake:picture") return reply(ResourceContents{"image/png", "\x89PNG", true});
    if (uri == "fake:broken") return reply(Error{ErrorCode::internal, "a detail that stays inside"});
    if (uri == "fake:dropped") return;
    if (uri == "fake:slow") {
      const MutexLock lock(mutex_);
      auto stopped = std::make_shared<std::optional<std::stop_callback<std::function<void()>>>>();
      stopped->emplace(inquiry.op().stop, [reply] { reply(Error{ErrorCode::cancelled, "stopped"}); });
      slow_.push_back(std::move(stopped));
      return;
    }
    reply(Error{ErrorCode::not_found, "try fake:note"});
  }

  void watch(const Inquiry&, const std::string& uri, std::function<void()> changed,
             Reply<std::unique_ptr<mcp::ResourceWatch>> reply) override {
    if (uri == "fake:picture") return reply(Error{ErrorCode::unsupported, "a picture never changes"});
    if (uri != "fake:note" && uri != "fake:other") return reply(Error{ErrorCode::not_found, "try fake:note"});
    auto watch = std::make_unique<Watch>(shared_from_this());
    {
      const MutexLock lock(mutex_);
      watches_[watch.get()] = {uri, std::move(changed)};
    }
    reply(std::unique_ptr<mcp::ResourceWatch>(std::move(watch)));
  }

  int watching(const std::string& uri) const {
    const MutexLock lock(mutex_);
    int count = 0;
    for (const auto& [watch, watched] : watches_) count += watched.first == uri ? 1 : 0;
    return count;
  }

  void change(const std::string& uri) {
    std::vector<std::function<void()>> told;
    {
      const MutexLock lock(mutex_);
      for (const auto& [watch, watched] : watches_) {
        if (watched.first == uri) told.push_back(watched.second);
      }
    }
    for (const auto& changed : told) changed();
  }

  /// The reads in it know the server, and the server knows this.
  void forget_slow() {
    std::list<std::shared_ptr<void>> forgotten;
    const MutexLock lock(mutex_);
    forgotten.swap(slow_);
  }

 private:
  class Watch final : public mcp::ResourceWatch {
   public:
    explicit Watch(std::shared_ptr<Provider> provider) : provider_(std::move(provider)) {}
    ~Watch() override {
      const MutexLock lock(provider_->mutex_);
      provider_->watches_.erase(this);
    }

   private:
    const std::shared_ptr<Provider> provider_;
  };

  const std::vector<ResourceInfo> templates_{
      {"fake:{kind}/{+path}", "thing", "Thing", "A thing of a kind", ""},
      {"fake:all/{name}", "all", "", "", "text/plain"}};
  mutable Mutex mutex_;
  std::map<const mcp::ResourceWatch*, std::pair<std::string, std::function<void()>>> watches_
      REXEC_GUARDED_BY(mutex_);
  std::list<std::shared_ptr<void>> slow_ REXEC_GUARDED_BY(mutex_);
};

FakeFeatures::FakeFeatures() : provider_(std::make_shared<Provider>()) {}
FakeFeatures::~FakeFeatures() {
  provider_->forget_slow();
}

mcp::Features FakeFeatures::features() {
  return {provider_, {greeting()}, std::make_shared<FakeCompleter>()};
}

int FakeFeatures::watching(const std::string& uri) const {
  return provider_->watching(uri);
}
void FakeFeatures::change(const std::string& uri) {
  provider_->change(uri);
}

}  // namespace rexec::test
