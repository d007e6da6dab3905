#include "app/command_line.h"

#include <algorithm>

#include "app/commands.h"
#include "app/settings.h"
#include "base/similar.h"

namespace rexec::app {
namespace {

constexpr std::string_view kConfigFlag = "--config";

Error usage(std::string message) {
  return Error{ErrorCode::invalid_argument, std::move(message)};
}

std::string with_suggestion(std::string message, std::string_view word,
                            const std::vector<std::string>& known) {
  const auto similar = similar_names(word, known);
  return similar.empty() ? message : message + "; did you mean " + quoted_alternatives(similar) + "?";
}

bool allows(std::string_view placeholder, std::string_view value) {
  if (placeholder.find('|') == placeholder.npos) return true;
  while (true) {
    const std::size_t end = placeholder.find('|');
    if (placeholder.substr(0, end) == value) return true;
    if (end == placeholder.npos) return false;
    placeholder.remove_prefix(end + 1);
  }
}

class Parser {
 public:
  explicit Parser(std::span<const std::string> words) : words_(words) {}

  Result<CommandLine> parse() {
    RETURN_IF_ERROR(find_command_word());
    while (next_ < words_.size()) {
      const std::string& word = words_[next_++];
      if (word == "--" && !only_arguments_) {
        only_arguments_ = true;
      } else if (!only_arguments_ && word.size() > 1 && word.starts_with('-')) {
        RETURN_IF_ERROR(flag(word));
      } else if (!took_command_) {
        took_command_ = true;
      } else {
        line_.arguments.push_back(word);
      }
    }
    RETURN_IF_ERROR(check_count());
    return std::move(line_);
  }

 private:
  /// The command decides which options there are, so it is looked for first.
  Status find_command_word() {
    for (std::size_t i = 0; i < words_.size() && words_[i] != "--"; ++i) {
      const std::string& word = words_[i];
      if (word == "-h" || word == "--help") {
        line_.command = "help";
        took_command_ = true;
        return {};
      }
    }
    for (std::size_t i = 0; i < words_.size() && words_[i] != "--"; ++i) {
      const std::string& word = words_[i];
      if (word == "--version" || word == "-V") {
        line_.command = "version";
        took_command_ = true;
        return {};
      }
      if (word.starts_with("--")) {
        if (takes_value(word) && word.find('=') == word.npos) ++i;
        continue;
      }
      if (word.starts_with('-')) continue;
      command_ = app::find_command(word);
      if (command_ == nullptr) {
        std::vector<std::string> known;
        for (const Command& command : commands()) known.emplace_back(command.name);
        return usage(with_suggestion("there is no command \"" + word + "\"", word, known));
      }
      line_.command = word;
      return {};
    }
    took_command_ = true;
    return {};
  }

  static bool takes_value(const std::string& word) {
    if (word == kConfigFlag) return true;
    const auto found = std::ranges::find(settings(), word, flag_name);
    return found != settings().end() && has_flag(*found);
  }

  Result<std::string> value_of(const std::string& name, const std::optional<std::string>& given) {
    if (given) return *given;
    if (next_ >= words_.size()) return usage(name + " needs a value");
    return words_[next_++];
  }

  Status flag(const std::string& word) {
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    std::optional<std::string> given;
    if (equals != word.npos) given = word.substr(equals + 1);

    if (name == "-h" || name == "--help" || name == "-V" || name == "--version") return {};
    if (name == kConfigFlag) {
      ASSIGN_OR_RETURN(line_.config_file, value_of(name, given));
      return {};
    }
    for (const Setting& setting : settings()) {
      if (flag_name(setting) != name || !has_flag(setting)) continue;
      ASSIGN_OR_RETURN(std::string value, value_of(name, given));
      std::string& taken = line_.settings[std::string(setting.name)];
      if (setting.type == Setting::Type::list && !taken.empty()) value = taken + '\n' + value;
      taken = std::move(value);
      return {};
    }
    if (command_ != nullptr) {
      for (const Option& option : command_->options) {
        if (option.name == name) return take_option(option, given);
      }
    }
    if (line_.command == "help") return {};
    return unknown_flag(name);
  }

  Status take_option(const Option& option, const std::optional<std::string>& given) {
    const std::string name(option.name);
    if (option.placeholder.empty()) {
      if (given) return usage(name + " takes no value");
      line_.options[name] = "";
      return {};
    }
    ASSIGN_OR_RETURN(const std::string value, value_of(name, given));
    if (!allows(option.placeholder, value)) {
      return usage(name + " is " + std::string(option.placeholder) + ", not \"" + value + "\"");
    }
    line_.options[name] = value;
    return {};
  }

  Status unknown_flag(const std::string& name) const {
    std::vector<std::string> known = {"--help", "--version", std::string(kConfigFlag)};
    if (command_ != nullptr) {
      for (const Option& option : command_->options) known.emplace_back(option.name);
    }
    for (const Setting& setting : settings()) {
      if (has_flag(setting)) known.push_back(flag_name(setting));
    }
    return usage(with_suggestion("there is no flag \"" + name + "\"", name, known));
  }

  Status check_count() const {
    if (command_ == nullptr || line_.command == "help") return {};
    const std::string name(command_->name);
    const std::string expected = "usage: rexec-mcp " + name + " " + std::string(command_->arguments);
    if (line_.arguments.size() < command_->min_arguments)
      return usage(name + " needs more arguments; " + expected);
    if (line_.arguments.size() > command_->max_arguments) {
      return usage(name + " does not take \"" + line_.arguments[command_->max_arguments] + "\"; " + expected);
    }
    return {};
  }

  std::span<const std::string> words_;
  std::size_t next_ = 0;
  const Command* command_ = nullptr;
  bool took_command_ = false;
  bool only_arguments_ = false;
  CommandLine line_;
};

}  // namespace

std::string CommandLine::option(std::string_view name) const {
  const auto found = options.find(std::string(name));
  return found == options.end() ? "" : found->second;
}

Result<CommandLine> parse_command_line(std::span<const std::string> words) {
  return Parser(words).parse();
}

}  // namespace rexec::app
