#include "tools/support/retained_scan.h"

#include <utility>

namespace rexec::tools {
namespace {

class RetainedScan : public std::enable_shared_from_this<RetainedScan> {
 public:
  RetainedScan(std::shared_ptr<const ProcessContext> context, const sandbox::ProcessReport& report,
               std::function<void(Result<Selected>)> done)
      : context_(std::move(context)), report_(report), done_(std::move(done)), selector_(new_selector()) {
    selected_.next = context_->request.from;
  }

  void next_stream() {
    while (stream_ < 2 && !context_->request.wanted[stream_]) ++stream_;
    if (stream_ == 2) return done_(std::move(selected_));
    selector_ = new_selector();
    offset_ = context_->request.from[stream_];
    const sandbox::StreamReport& stream = report_.streams[stream_];
    if (stream.head_offset == offset_ && stream.head.size() == stream.produced - offset_) {
      selector_.append(stream.head);
      offset_ += stream.head.size();
      return finish_stream(stream.end);
    }
    read();
  }

 private:
  LineSelector new_selector() const { return {context_->request.selection, context_->request.raw}; }

  void read() {
    if (offset_ >= report_.streams[stream_].produced) return finish_stream(report_.streams[stream_].end);
    context_->handle.runner->read_output(
        report_.process, static_cast<int>(stream_), offset_, kMaxPiece, context_->call->op(),
        [self = shared_from_this()](Result<sandbox::OutputPart> part) {
          self->context_->call->defer([self, part = std::make_shared<Result<sandbox::OutputPart>>(
                                                 std::move(part))] { self->take(*part); });
        });
  }

  void take(const Result<sandbox::OutputPart>& part) {
    if (!part) return done_(part.error());
    // Nothing kept behind the offset, or an answer that makes no sense: what there is has been read.
    if (part->data.empty() || part->offset < offset_) return finish_stream(part->end);
    if (part->offset > offset_) {
      selector_.gap();
      selected_.lost_bytes += part->offset - offset_;
    }
    selector_.append(part->data);
    offset_ = part->offset + part->data.size();
    if (part->end && offset_ >= part->produced) return finish_stream(true);
    read();
  }

  void finish_stream(bool ended) {
    const std::size_t unread = selector_.finish(ended);
    selected_.next[stream_] = offset_ - unread;
    selected_.lines += selector_.selected();
    selected_.text[stream_] = selector_.take_text();
    ++stream_;
    next_stream();
  }

  const std::shared_ptr<const ProcessContext> context_;
  const sandbox::ProcessReport report_;
  const std::function<void(Result<Selected>)> done_;
  Selected selected_;
  std::size_t stream_ = 0;
  std::uint64_t offset_ = 0;
  LineSelector selector_;
};

}  // namespace

void scan_retained(std::shared_ptr<const ProcessContext> context, const sandbox::ProcessReport& report,
                   std::function<void(Result<Selected>)> done) {
  std::make_shared<RetainedScan>(std::move(context), report, std::move(done))->next_stream();
}

}  // namespace rexec::tools
