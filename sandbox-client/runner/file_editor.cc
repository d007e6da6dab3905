#include "sandbox-client/runner/file_editor.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "sandbox-client/runner/file_exchange.h"
#include "sandbox-client/runner/loop.h"
#include "sandbox-client/runner/unified_diff.h"

namespace rexec::runner {
namespace {

Failure too_large(const std::string& path) {
  return {EFBIG, "edit",
          path + " is larger than " + std::to_string(kMaxEditedFile >> 20) +
              " MiB, the most that is edited; use exec with sed, perl or the like"};
}

}  // namespace

FileEditor::FileEditor(RequestId request, Replies& replies, EditMemory& memory, EditFile wanted)
    : FileTask(request), replies_(replies), memory_(memory), wanted_(std::move(wanted)) {}

FileTask::State FileEditor::go(Phase phase) {
  phase_ = phase;
  return State::running;
}

FileTask::State FileEditor::fail(const Failure& failure) {
  replies_.reply_error(request(), failure);
  return State::finished;
}

FileTask::State FileEditor::refuse(std::string problem) {
  problem_ = std::move(problem);
  return go(Phase::refuse);
}

FileTask::State FileEditor::settle() {
  const Settled state = settled(target_, source_);
  if (state == Settled::replaced && changes_ < kMaxChanges) return again(false);
  if (state == Settled::no && !busy_for_long()) return State::running;
  return fail({EINVAL, "edit", problem_.substr(0, kMaxEditProblem)});
}

FileTask::State FileEditor::explain(std::string problem, std::string_view text, std::string_view sought,
                                    const char* name) {
  problem_ = std::move(problem);
  nearest_.emplace(text, sought, name);
  return go(Phase::explain);
}

FileTask::State FileEditor::advance() {
  switch (phase_) {
    case Phase::open:
      return open();
    case Phase::read:
      return read();
    case Phase::edit:
      return edit();
    case Phase::patch:
      return patch();
    case Phase::explain:
      return search();
    case Phase::refuse:
      return settle();
    case Phase::compare:
      return compare();
    case Phase::write:
      return write();
    case Phase::exchange:
      return exchange();
  }
  return State::finished;
}

FileTask::State FileEditor::open() {
  Failure failure;
  if (!check_path(wanted_.path, failure) || !target_.resolve(wanted_.path, false, failure))
    return fail(failure);
  const std::string path = target_.path();
  if (!target_.exists()) return fail(errno_failure(ENOENT, "open", path));
  if (!S_ISREG(target_.status().st_mode)) return fail(not_a_file(path, target_.status().st_mode));
  if (!target_.writable()) return fail(errno_failure(errno, "open", path));
  struct stat status {};
  source_ = target_.open(O_RDONLY);
  if (!source_.valid() || ::fstat(source_.get(), &status) != 0)
    return errno == ENOENT ? again(false) : fail(errno_failure(errno, "open", path));
  if (!S_ISREG(status.st_mode)) return fail(not_a_file(path, status.st_mode));
  target_.set_status(status);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > kMaxEditedFile) return fail(too_large(path));
  before_.clear();
  before_.reserve(static_cast<std::size_t>(size));
  return go(Phase::read);
}

FileTask::State FileEditor::read() {
  const std::size_t done = before_.size();
  before_.resize(done + kPieceBytes);
  const ssize_t size = read_at(source_.get(), before_.data() + done, kPieceBytes, done);
  if (size < 0) return fail(errno_failure(errno, "read", target_.path()));
  before_.resize(done + static_cast<std::size_t>(size));
  if (before_.size() > kMaxEditedFile) return fail(too_large(target_.path()));
  if (static_cast<std::size_t>(size) == kPieceBytes) return State::running;
  result_ = {};
  if (!wanted_.patch.empty()) {
    std::string problem;
    if (!parse_patch(wanted_.patch, parsed_, problem)) return refuse("/patch " + problem);
    applier_.emplace(before_, parsed_);
    return go(Phase::patch);
  }
  after_ = before_;
  next_edit_ = 0;
  return go(Phase::edit);
}

FileTask::State FileEditor::edit() {
  const TextEdit& edit = wanted_.edits[next_edit_];
  const EditOutcome outcome = apply_text_edit(after_, edit);
  const std::string pointer = "/edits/" + std::to_string(next_edit_) + "/old_text";
  switch (outcome.kind) {
    case EditOutcome::Kind::missing:
      return explain(pointer + " was found 0 times in the file" +
                         (next_edit_ == 0 ? "." : ", as the edits before it leave it."),
                     after_, edit.old_text, "old_text");
    case EditOutcome::Kind::refused:
      return refuse(pointer + " " + outcome.problem + ".");
    case EditOutcome::Kind::done:
      break;
  }
  result_.replacements += outcome.replacements;
  return ++next_edit_ == wanted_.edits.size() ? go(Phase::compare) : State::running;
}

FileTask::State FileEditor::patch() {
  switch (applier_->advance()) {
    case PatchApplier::State::running:
      return State::running;
    case PatchApplier::State::missing:
      return explain("/patch " + applier_->problem(), before_, applier_->sought(), "the patch");
    case PatchApplier::State::refused:
      return refuse("/patch " + applier_->problem() + ".");
    case PatchApplier::State::done:
      break;
  }
  if (applier_->result_size() > kMaxEditedFile) return refuse("/patch makes the file larger than 16 MiB.");
  after_ = applier_->result();
  result_.replacements = parsed_.hunks.size();
  return go(Phase::compare);
}

FileTask::State FileEditor::search() {
  if (!nearest_->advance(kPieceBytes)) return State::running;
  const std::string hint = nearest_->describe();
  return refuse(problem_ + (hint.empty() ? " Nothing in the file is similar." : " " + hint));
}

FileTask::State FileEditor::compare() {
  if (after_ == before_) return refuse("The changes undo each other: the file would stay as it is.");
  DiffLimits limits;
  limits.text_bytes = kMaxDiffBytes;
  UnifiedDiff diff = unified_diff(before_, after_, target_.path(), limits);
  result_.path = target_.path();
  result_.bytes = after_.size();
  result_.diff = std::move(diff.text);
  result_.diff_cut = diff.cut;
  written_ = 0;
  hash_ = Sha256();
  if (!wanted_.dry_run) {
    file_ = target_.open_temporary();
    if (!file_.valid())
      return fail(errno_failure(errno, "open", "cannot create a file in " + target_.directory()));
  }
  return go(Phase::write);
}

FileTask::State FileEditor::write() {
  std::string_view piece = std::string_view(after_).substr(written_, kPieceBytes);
  written_ += piece.size();
  hash_.update(piece);
  while (!piece.empty() && !wanted_.dry_run) {
    const ssize_t size = ::write(file_.get(), piece.data(), piece.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail(errno_failure(errno, "write", target_.path()));
    piece.remove_prefix(static_cast<std::size_t>(size));
  }
  if (written_ < after_.size()) return State::running;
  result_.sha256 = hash_.finish();
  if (wanted_.dry_run) return answer();
  if (!target_.inherit(file_, target_.status().st_mode & 07777))
    return fail(errno_failure(errno, "write", target_.path()));
  file_.reset();
  return go(Phase::exchange);
}

FileTask::State FileEditor::exchange() {
  if (settled(target_, source_) == Settled::no && !busy_for_long()) return State::running;
  switch (exchange_file(target_, source_, before_)) {
    case ExchangeResult::done:
      memory_.remember(wanted_.nonce, result_);
      return answer();
    case ExchangeResult::changed:
      return again(false);
    case ExchangeResult::busy:
      return again(true);
    case ExchangeResult::failed:
      break;
  }
  return fail(errno_failure(errno, "rename", target_.path()));
}

bool FileEditor::busy_for_long() {
  if (busy_since_ == 0) busy_since_ = monotonic_us();
  return monotonic_us() - busy_since_ > kMaxBusyUs;
}

FileTask::State FileEditor::again(bool busy) {
  target_.discard();
  if (busy) {
    if (busy_for_long())
      return fail({EBUSY, "edit",
                   target_.path() +
                       " is open for writing in another program, whose changes could be lost. Try again when "
                       "it is done, or change the file in place with exec"});
  } else {
    busy_since_ = 0;
    if (++changes_ > kMaxChanges)
      return fail({ESTALE, "edit", target_.path() + " is being changed again and again; try again later"});
  }
  return go(Phase::open);
}

FileTask::State FileEditor::answer() {
  replies_.reply(request(), MessageType::edited, result_, result_.diff.size() + 256);
  return State::finished;
}

}  // namespace rexec::runner
