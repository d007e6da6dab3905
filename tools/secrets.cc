#include "tools/secrets.h"

#include <utility>

namespace rexec::tools {
namespace {

Error unusable(const std::string& name, const std::string& why) {
  return Error{
      ErrorCode::failed_precondition,
      "The secret " + name + " " + why +
          ". Nothing is run or shown before every configured secret is known, because it could not be "
          "hidden. Ask the person who configured this server to correct or remove it"};
}

std::string size_problem(std::size_t size, std::size_t total) {
  if (size < kMinSecretBytes) {
    return "is shorter than " + std::to_string(kMinSecretBytes) +
           " bytes: what is that short cannot be told from other text";
  }
  if (size > kMaxSecretBytes) return "is longer than " + std::to_string(kMaxSecretBytes) + " bytes";
  if (total > kMaxSecretsBytes) {
    return "makes all secrets together longer than " + std::to_string(kMaxSecretsBytes) + " bytes";
  }
  return {};
}

}  // namespace

Secrets::Secrets(std::vector<SecretSource> sources) : sources_(std::move(sources)) {
  for (const SecretSource& source : sources_) names_.push_back(source.name);
}

std::shared_ptr<const Secrets::Loaded> Secrets::loaded() const {
  const MutexLock lock(mutex_);
  return loaded_;
}

Result<std::shared_ptr<const Secrets::Loaded>> Secrets::load(const Op& op) {
  {
    MutexLock lock(mutex_);
    const auto free = [this]() REXEC_REQUIRES(mutex_) { return !loading_; };
    const bool mine = op.deadline.is_infinite()
                          ? changed_.wait(lock, op.stop, free)
                          : changed_.wait_until(lock, op.stop, op.deadline.time(), free);
    if (loaded_ != nullptr) return loaded_;
    if (!mine) {
      return Error{op.stop.stop_requested() ? ErrorCode::cancelled : ErrorCode::deadline_exceeded,
                   "the secrets were not read in time"};
    }
    loading_ = true;
  }
  auto read = read_all(op);
  const MutexLock lock(mutex_);
  loading_ = false;
  if (read) loaded_ = *read;
  changed_.notify_all();
  return read;
}

Result<std::shared_ptr<const Secrets::Loaded>> Secrets::read_all(const Op& op) const {
  std::vector<Secret> values;
  std::size_t total = 0;
  for (const SecretSource& source : sources_) {
    auto value = source.read(op);
    if (!value) {
      const ErrorCode code = value.error().code;
      if (code == ErrorCode::cancelled || code == ErrorCode::deadline_exceeded) return value.error();
      return unusable(source.name, "cannot be read: " + value.error().message);
    }
    total += value->size();
    std::string problem = size_problem(value->size(), total);
    if (problem.empty() && value->find('\0') != value->npos) {
      problem = "contains a NUL byte, which no environment variable can";
    }
    if (!problem.empty()) return unusable(source.name, problem);
    values.push_back({source.name, std::move(*value)});
  }
  Masker masker(values);
  return std::make_shared<const Loaded>(Loaded{std::move(values), std::move(masker)});
}

void hide_secrets(const Secrets* secrets, std::string& text) {
  if (secrets == nullptr) return;
  if (const auto loaded = secrets->loaded()) loaded->masker.mask(text);
}

}  // namespace rexec::tools
