#include "tools/support/masking_runner.h"

#include <re2/re2.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include "tools/support/masked_lines.h"

namespace rexec::tools {
namespace {

using sandbox::Completion;

// As the runner takes them (sandbox-client/runner/wire_tree.h).
constexpr std::size_t kMaxContextLines = 50;

using Loaded = std::shared_ptr<const Secrets::Loaded>;

/// Bytes that were read beside a window.
struct Piece {
  std::uint64_t offset = 0;
  std::string data;
  bool last = false;  // the stream ends with it
};

using ReadPiece = std::function<void(std::uint64_t offset, std::size_t size,
                                     std::function<void(std::optional<Piece>)> done)>;

/// Part of a stream that is shown, and whether more of it lies behind.
struct Window {
  std::string bytes;
  std::uint64_t begin = 0;
  enum class After { nothing, more, unknown } after = After::nothing;
  ReadPiece read;

  std::string before_it{};
  std::string after_it{};
  OpenEdges open{};
};

/// Completes windows with what is beside them, masks them, and then calls `done`.
class WindowMasking : public std::enable_shared_from_this<WindowMasking> {
 public:
  using Done = std::function<void(std::vector<Window>)>;

  WindowMasking(Loaded secrets, std::vector<Window> windows, Done done)
      : secrets_(std::move(secrets)), windows_(std::move(windows)), done_(std::move(done)) {}

  void run() {
    const std::uint64_t context = secrets_->masker.context();
    for (Window& window : windows_) {
      if (window.bytes.empty()) continue;
      if (window.begin > 0) {
        const std::uint64_t from = window.begin - std::min(window.begin, context);
        read(window, from, window.begin - from, &WindowMasking::take_before);
      }
      const std::uint64_t end = window.begin + window.bytes.size();
      if (window.after == Window::After::more) read(window, end, context, &WindowMasking::take_after);
      if (window.after == Window::After::unknown) window.open.after = true;
    }
    settle();
  }

 private:
  using Take = void (*)(Window&, std::optional<Piece>);

  void read(Window& window, std::uint64_t offset, std::uint64_t size, Take take) {
    ++outstanding_;
    window.read(offset, static_cast<std::size_t>(size),
                [self = shared_from_this(), &window, take](std::optional<Piece> piece) {
                  take(window, std::move(piece));
                  self->settle();
                });
  }

  static void take_before(Window& window, std::optional<Piece> piece) {
    window.open.before = true;
    if (!piece || piece->offset > window.begin || window.begin - piece->offset > piece->data.size()) return;
    piece->data.resize(static_cast<std::size_t>(window.begin - piece->offset));
    window.open.before = piece->offset > 0;
    window.before_it = std::move(piece->data);
  }

  static void take_after(Window& window, std::optional<Piece> piece) {
    window.open.after = true;
    if (!piece || piece->offset != window.begin + window.bytes.size()) return;
    window.open.after = !piece->last;
    window.after_it = std::move(piece->data);
  }

  /// The last of run() and the reads masks; no two of them touch the same member before.
  void settle() {
    if (--outstanding_ > 0) return;
    for (Window& window : windows_) {
      std::string text = window.before_it + window.bytes + window.after_it;
      secrets_->masker.mask(text, window.open);
      window.bytes.assign(text, window.before_it.size(), window.bytes.size());
    }
    done_(std::move(windows_));
  }

  const Loaded secrets_;
  std::vector<Window> windows_;
  const Done done_;
  std::atomic<int> outstanding_ = 1;
};

Error masked(const Loaded& secrets, Error error) {
  secrets->masker.mask(error.message);
  return error;
}

ReadPiece output_reader(std::shared_ptr<sandbox::Runner> runner, std::uint64_t process, int stream, Op op) {
  return [runner = std::move(runner), process, stream, op = std::move(op)](std::uint64_t offset,
                                                                           std::size_t size, auto done) {
    runner->read_output(process, stream, offset, size, op,
                        [done = std::move(done)](Result<sandbox::OutputPart> part) {
                          if (!part) return done(std::nullopt);
                          const bool last = part->end && part->offset + part->data.size() >= part->produced;
                          done(Piece{part->offset, std::move(part->data), last});
                        });
  };
}

ReadPiece terminal_reader(std::shared_ptr<sandbox::Runner> runner, std::uint64_t terminal, Op op) {
  return [runner = std::move(runner), terminal, op = std::move(op)](std::uint64_t offset, std::size_t size,
                                                                    auto done) {
    sandbox::TerminalWait wait;
    wait.from = offset;
    wait.max = size;
    runner->wait_terminal(
        terminal, wait, op, [done = std::move(done)](Result<sandbox::TerminalReport> report) {
          if (!report) return done(std::nullopt);
          const bool last = report->end && report->offset + report->data.size() >= report->produced;
          done(Piece{report->offset, std::move(report->data), last});
        });
  };
}

ReadPiece file_reader(std::shared_ptr<sandbox::Runner> runner, std::string path, Op op) {
  return [runner = std::move(runner), path = std::move(path), op = std::move(op)](
             std::uint64_t offset, std::size_t size, auto done) {
    runner->read_file(path, offset, size, op, [done = std::move(done)](Result<sandbox::FileData> data) {
      if (!data) return done(std::nullopt);
      const bool last = data->offset + data->data.size() >= data->info.size;
      done(Piece{data->offset, std::move(data->data), last});
    });
  };
}

class MaskingRunner final : public sandbox::Runner {
 public:
  MaskingRunner(std::shared_ptr<sandbox::Runner> runner, Loaded secrets)
      : runner_(std::move(runner)), secrets_(std::move(secrets)) {}

  sandbox::RunnerInfo info() const override { return runner_->info(); }
  bool alive() const override { return runner_->alive(); }
  void close() override { runner_->close(); }

  void start(sandbox::ProcessSpec spec, sandbox::WaitSpec wait, Op op,
             Completion<sandbox::ProcessReport> done) override {
    auto masking = mask_report(op, std::move(done));
    runner_->start(std::move(spec), wait, std::move(op), std::move(masking));
  }

  void wait(std::uint64_t process, sandbox::WaitSpec wait, Op op,
            Completion<sandbox::ProcessReport> done) override {
    auto masking = mask_report(op, std::move(done));
    runner_->wait(process, wait, std::move(op), std::move(masking));
  }

  void read_output(std::uint64_t process, int stream, std::uint64_t offset, std::size_t max, Op op,
                   Completion<sandbox::OutputPart> done) override {
    const ReadPiece beside = output_reader(runner_, process, stream, op);
    runner_->read_output(
        process, stream, offset, max, std::move(op),
        [secrets = secrets_, beside, done = std::move(done)](Result<sandbox::OutputPart> part) {
          if (!part) return done(masked(secrets, std::move(part).error()));
          Window window{std::move(part->data), part->offset, Window::After::nothing, beside};
          if (window.begin + window.bytes.size() < part->produced) {
            window.after = Window::After::more;
          } else if (!part->end) {
            window.after = Window::After::unknown;
          }
          mask_window(secrets, std::move(window), [part = std::move(*part), done](std::string bytes) mutable {
            part.data = std::move(bytes);
            done(std::move(part));
          });
        });
  }

  void write_input(std::uint64_t process, std::string bytes, bool close, Op op,
                   Completion<sandbox::InputState> done) override {
    runner_->write_input(process, std::move(bytes), close, std::move(op), mask_error(std::move(done)));
  }
  void signal(std::uint64_t process, int number, sandbox::SignalScope scope, Duration kill_after,
              std::string reason, Op op, Completion<void> done) override {
    runner_->signal(process, number, scope, kill_after, std::move(reason), std::move(op),
                    mask_error(std::move(done)));
  }
  void list(bool all, Op op, Completion<sandbox::ProcessEntries> done) override {
    runner_->list(all, std::move(op),
                  [secrets = secrets_, done = std::move(done)](Result<sandbox::ProcessEntries> found) {
                    if (!found) return done(masked(secrets, std::move(found).error()));
                    for (auto& entry : found->entries) secrets->masker.mask(entry.command, {false, true});
                    done(std::move(found));
                  });
  }

  void open_terminal(sandbox::TerminalSpec spec, Op op, Completion<sandbox::TerminalReport> done) override {
    auto masking = mask_terminal(op, std::move(done));
    runner_->open_terminal(std::move(spec), std::move(op), std::move(masking));
  }
  void wait_terminal(std::uint64_t terminal, sandbox::TerminalWait wait, Op op,
                     Completion<sandbox::TerminalReport> done) override {
    auto masking = mask_terminal(op, std::move(done));
    runner_->wait_terminal(terminal, wait, std::move(op), std::move(masking));
  }
  void write_terminal(std::uint64_t terminal, std::string bytes, Op op,
                      Completion<sandbox::InputState> done) override {
    runner_->write_terminal(terminal, std::move(bytes), std::move(op), mask_error(std::move(done)));
  }
  void answer_terminal(std::uint64_t terminal, std::uint64_t query_offset, std::string bytes, Op op,
                       Completion<void> done) override {
    runner_->answer_terminal(terminal, query_offset, std::move(bytes), std::move(op),
                             mask_error(std::move(done)));
  }
  void resize_terminal(std::uint64_t terminal, sandbox::TerminalSize size, Op op,
                       Completion<void> done) override {
    runner_->resize_terminal(terminal, size, std::move(op), mask_error(std::move(done)));
  }
  void close_terminal(std::uint64_t terminal, Duration grace, Op op, Completion<void> done) override {
    runner_->close_terminal(terminal, grace, std::move(op), mask_error(std::move(done)));
  }
  void list_terminals(Op op, Completion<std::vector<sandbox::TerminalEntry>> done) override {
    runner_->list_terminals(std::move(op), [secrets = secrets_, done = std::move(done)](
                                               Result<std::vector<sandbox::TerminalEntry>> found) {
      if (!found) return done(masked(secrets, std::move(found).error()));
      for (auto& entry : *found) secrets->masker.mask(entry.command, {false, true});
      done(std::move(found));
    });
  }
  /// Checkpoints are made of masked output, and what is made of them is masked where answers leave.
  void put_checkpoint(std::uint64_t terminal, sandbox::TerminalCheckpoint checkpoint, Op op,
                      Completion<void> done) override {
    runner_->put_checkpoint(terminal, std::move(checkpoint), std::move(op), mask_error(std::move(done)));
  }
  void get_checkpoint(std::uint64_t terminal, Op op, Completion<sandbox::TerminalCheckpoint> done) override {
    runner_->get_checkpoint(terminal, std::move(op), mask_error(std::move(done)));
  }

  void set_lease(Duration idle, std::int64_t expires_unix_ms, Op op, Completion<void> done) override {
    runner_->set_lease(idle, expires_unix_ms, std::move(op), mask_error(std::move(done)));
  }

  void stat_file(std::string path, bool follow, Op op, Completion<sandbox::FileInfo> done) override {
    runner_->stat_file(std::move(path), follow, std::move(op),
                       [secrets = secrets_, done = std::move(done)](Result<sandbox::FileInfo> info) {
                         if (!info) return done(masked(secrets, std::move(info).error()));
                         secrets->masker.mask(info->target);
                         done(std::move(info));
                       });
  }
  void read_file(std::string path, std::uint64_t offset, std::size_t max, Op op,
                 Completion<sandbox::FileData> done) override {
    auto masking = mask_file(path, op, std::move(done));
    runner_->read_file(std::move(path), offset, max, std::move(op), std::move(masking));
  }
  void read_lines(std::string path, sandbox::LineRange range, Op op,
                  Completion<sandbox::FileData> done) override {
    auto masking = mask_file(path, op, std::move(done));
    runner_->read_lines(std::move(path), range, std::move(op), std::move(masking));
  }
  void write_file(sandbox::WriteSpec spec, Op op, Completion<sandbox::FileWritten> done) override {
    runner_->write_file(std::move(spec), std::move(op), mask_error(std::move(done)));
  }
  void edit_file(sandbox::EditSpec spec, Op op, Completion<sandbox::FileEdited> done) override {
    runner_->edit_file(std::move(spec), std::move(op),
                       [secrets = secrets_, done = std::move(done)](Result<sandbox::FileEdited> edited) {
                         if (!edited) {
                           Error error = std::move(edited).error();
                           mask_quoted_lines(secrets->masker, error.message);
                           return done(std::move(error));
                         }
                         mask_diff(secrets->masker, edited->diff);
                         done(std::move(edited));
                       });
  }
  void make_entry(sandbox::EntrySpec spec, Op op, Completion<void> done) override {
    runner_->make_entry(std::move(spec), std::move(op), mask_error(std::move(done)));
  }
  void write_range(sandbox::RangeSpec spec, Op op, Completion<void> done) override {
    runner_->write_range(std::move(spec), std::move(op), mask_error(std::move(done)));
  }
  /// Where a path is masked, what goes on behind it is a sealed one: the mask is no place in a directory.
  void list_files(sandbox::ListSpec spec, Op op, Completion<sandbox::Listing> done) override {
    if (spec.after.starts_with('/')) {
      auto after = secrets_->positions.open(spec.after.substr(1));
      if (!after) {
        return done(
            Error{ErrorCode::invalid_argument,
                  "the position to go on behind is not one of this server, which may have been started "
                  "again since; list without it"});
      }
      spec.after = *std::move(after);
    }
    // As one text: a secret may have a slash.
    std::string root = spec.path.ends_with('/') ? spec.path : spec.path + "/";
    runner_->list_files(std::move(spec), std::move(op),
                        [secrets = secrets_, root = std::move(root),
                         done = std::move(done)](Result<sandbox::Listing> listing) {
                          if (!listing) return done(masked(secrets, std::move(listing).error()));
                          const auto position_instead_of = [&](std::string& path) {
                            const std::string whole = root + path;
                            std::string shown = whole;
                            secrets->masker.mask(shown);
                            if (shown == whole) return std::string();
                            std::string position = "/" + secrets->positions.seal(path);
                            path = shown.substr(root.size());
                            return position;
                          };
                          for (sandbox::ListEntry& entry : listing->entries) {
                            entry.position = position_instead_of(entry.path);
                            secrets->masker.mask(entry.info.target);
                          }
                          if (std::string next = position_instead_of(listing->next); !next.empty())
                            listing->next = next;
                          done(std::move(listing));
                        });
  }
  /// A line that matches by what is masked in it is not shown: which patterns match would tell the secret.
  void search_files(sandbox::SearchSpec spec, Op op, Completion<sandbox::SearchResult> done) override {
    RE2::Options options;
    options.set_case_sensitive(!spec.ignore_case);
    options.set_log_errors(false);
    auto pattern = std::make_shared<const RE2>(spec.pattern, options);
    const std::size_t wanted = spec.context_lines;
    spec.context_lines = std::min(wanted + secrets_->masker.context_lines(), kMaxContextLines);
    runner_->search_files(std::move(spec), std::move(op),
                          [secrets = secrets_, pattern, wanted, asked = spec.context_lines,
                           done = std::move(done)](Result<sandbox::SearchResult> found) {
                            if (!found) return done(masked(secrets, std::move(found).error()));
                            const Masker& masker = secrets->masker;
                            const bool ends = found->stopped == sandbox::Stopped::complete &&
                                              found->binary == 0 && found->unreadable == 0;
                            std::erase_if(found->matches, [&](sandbox::SearchMatch& match) {
                              const std::string line = match.text;
                              mask_match(masker, match, asked, ends);
                              return match.text != line && !RE2::PartialMatch(match.text, *pattern);
                            });
                            for (sandbox::SearchMatch& match : found->matches) {
                              masker.mask(match.path);
                              const std::size_t extra =
                                  match.before.size() - std::min(match.before.size(), wanted);
                              match.before.erase(match.before.begin(),
                                                 match.before.begin() + static_cast<std::ptrdiff_t>(extra));
                              match.after.resize(std::min(match.after.size(), wanted));
                            }
                            done(std::move(found));
                          });
  }

 private:
  template <class T>
  Completion<T> mask_error(Completion<T> done) const {
    return [secrets = secrets_, done = std::move(done)](Result<T> result) {
      if (!result) return done(masked(secrets, result.error()));
      done(std::move(result));
    };
  }

  template <class Done>
  static void mask_window(const Loaded& secrets, Window window, Done done) {
    std::vector<Window> windows;
    windows.push_back(std::move(window));
    std::make_shared<WindowMasking>(
        secrets, std::move(windows),
        [done = std::make_shared<Done>(std::move(done))](std::vector<Window> masked_windows) {
          (*done)(std::move(masked_windows.front().bytes));
        })
        ->run();
  }

  Completion<sandbox::TerminalReport> mask_terminal(const Op& op,
                                                    Completion<sandbox::TerminalReport> done) const {
    return [runner = runner_, secrets = secrets_, op,
            done = std::move(done)](Result<sandbox::TerminalReport> report) {
      if (!report) return done(masked(secrets, std::move(report).error()));
      secrets->masker.mask(report->reason);
      Window window{std::move(report->data), report->offset, Window::After::nothing,
                    terminal_reader(runner, report->terminal, op)};
      if (window.begin + window.bytes.size() < report->produced) {
        window.after = Window::After::more;
      } else if (!report->end) {
        window.after = Window::After::unknown;
      }
      mask_window(secrets, std::move(window), [report = std::move(*report), done](std::string bytes) mutable {
        report.data = std::move(bytes);
        done(std::move(report));
      });
    };
  }

  Completion<sandbox::FileData> mask_file(const std::string& path, const Op& op,
                                          Completion<sandbox::FileData> done) const {
    return [secrets = secrets_, beside = file_reader(runner_, path, op),
            done = std::move(done)](Result<sandbox::FileData> data) {
      if (!data) return done(masked(secrets, std::move(data).error()));
      Window window{std::move(data->data), data->offset, Window::After::nothing, beside};
      if (window.begin + window.bytes.size() < data->info.size) window.after = Window::After::more;
      mask_window(secrets, std::move(window), [data = std::move(*data), done](std::string bytes) mutable {
        data.data = std::move(bytes);
        done(std::move(data));
      });
    };
  }

  /// The windows of a report: of each stream one, or its start and its end with a gap between them.
  static std::vector<Window> windows_of(const sandbox::ProcessReport& report,
                                        const std::array<ReadPiece, 2>& beside) {
    std::vector<Window> windows;
    for (std::size_t i = 0; i < report.streams.size(); ++i) {
      const sandbox::StreamReport& stream = report.streams[i];
      const auto end = stream.end ? Window::After::nothing : Window::After::unknown;
      const std::uint64_t head_end = stream.head_offset + stream.head.size();
      const bool contiguous = stream.tail.empty() || stream.tail_offset == head_end;
      const std::uint64_t covered = head_end + (contiguous ? stream.tail.size() : 0);
      windows.push_back({stream.head + (contiguous ? stream.tail : std::string()), stream.head_offset,
                         covered < stream.produced ? Window::After::more : end, beside[i]});
      windows.push_back({contiguous ? std::string() : stream.tail, stream.tail_offset, end, beside[i]});
    }
    return windows;
  }

  Completion<sandbox::ProcessReport> mask_report(const Op& op,
                                                 Completion<sandbox::ProcessReport> done) const {
    return [runner = runner_, secrets = secrets_, op,
            done = std::move(done)](Result<sandbox::ProcessReport> report) {
      if (!report) return done(masked(secrets, std::move(report).error()));
      secrets->masker.mask(report->reason);
      const std::array<ReadPiece, 2> beside{output_reader(runner, report->process, 0, op),
                                            output_reader(runner, report->process, 1, op)};
      std::vector<Window> windows = windows_of(*report, beside);
      std::make_shared<WindowMasking>(secrets, std::move(windows),
                                      [report = std::make_shared<sandbox::ProcessReport>(std::move(*report)),
                                       done](std::vector<Window> masked_windows) {
                                        for (std::size_t i = 0; i < report->streams.size(); ++i) {
                                          sandbox::StreamReport& stream = report->streams[i];
                                          std::string start = std::move(masked_windows[2 * i].bytes);
                                          const std::size_t head = stream.head.size();
                                          stream.tail = start.size() > head
                                                            ? start.substr(head)
                                                            : std::move(masked_windows[2 * i + 1].bytes);
                                          start.resize(head);
                                          stream.head = std::move(start);
                                        }
                                        done(std::move(*report));
                                      })
          ->run();
    };
  }

  const std::shared_ptr<sandbox::Runner> runner_;
  const Loaded secrets_;
};

}  // namespace

std::shared_ptr<sandbox::Runner> make_masking_runner(std::shared_ptr<sandbox::Runner> runner,
                                                     std::shared_ptr<const Secrets::Loaded> secrets) {
  return std::make_shared<MaskingRunner>(std::move(runner), std::move(secrets));
}

}  // namespace rexec::tools
