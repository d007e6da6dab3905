// The messages about many files: listing directories and searching contents. Part of the protocol of wire.h.
//
// Paths in replies are relative to the directory asked for, never absolute and never with "." or "..", in
// bytewise order of the whole path; a client that sees anything else does not believe it.
#pragma once

#include "sandbox-client/runner/wire.h"

namespace rexec::runner {

inline constexpr std::size_t kMaxGlob = 1024;
inline constexpr std::size_t kMaxPattern = 4096;
inline constexpr std::size_t kMaxListed = 10000;        // entries of one listing
inline constexpr std::size_t kMaxMatches = 10000;       // of one search
inline constexpr std::size_t kMaxContextLines = 50;     // before a match, and behind it
inline constexpr std::size_t kMaxHitBytes = 512;        // of a line that is shown
inline constexpr std::size_t kMaxTreeReply = kMaxData;  // bytes of paths and lines in one reply
inline constexpr std::size_t kMaxTreeDepth = 64;        // directories below one another that are entered
inline constexpr std::uint64_t kMaxTreeMs = 60000;      // a request takes no longer

struct ListFiles {
  std::string path;         // absolute; a symlink at its end is followed, none below it
  std::string glob;         // see glob.h; empty: everything
  std::uint32_t depth = 1;  // 1: the entries of `path` itself; at most kMaxTreeDepth
  bool hidden = false;      // names that start with a dot too
  std::uint32_t limit = 0;  // at most kMaxListed
  std::string after;        // only paths that sort behind this one
  std::uint64_t max_ms = 0;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

/// Why a listing or search ended where it did.
enum class Stopped : std::uint8_t { complete = 0, limit = 1, size = 2, time = 3 };

/// Directories that could not be looked into.
struct TreeGaps {
  std::uint64_t unreadable = 0;  // no permission, or an error; of a search also files
  std::uint64_t too_deep = 0;    // beyond kMaxTreeDepth

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

struct ListedFile {
  std::string path;
  FileInfo info;  // of a symlink itself, with its target

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

struct Listing {
  std::vector<ListedFile> entries;
  Stopped stopped = Stopped::complete;
  std::string next;  // unless complete: the `after` to go on with
  TreeGaps gaps;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

struct SearchFiles {
  std::string path;     // absolute, a directory or a regular file; a symlink at its end is followed
  std::string pattern;  // RE2 syntax
  std::string glob;     // of files to search; empty: all
  bool ignore_case = false;
  std::uint32_t context_lines = 0;  // at most kMaxContextLines
  std::uint32_t limit = 0;          // at most kMaxMatches
  std::uint64_t max_ms = 0;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

struct SearchMatch {
  std::string path;                 // empty when `path` of the request is the file
  std::uint64_t line = 0;           // 1-based
  std::string text;                 // of the line, at most kMaxHitBytes around the match
  bool cut_before = false;          // the line has more before `text` …
  bool cut_after = false;           // … and behind it
  std::vector<std::string> before;  // context, each line's first kMaxHitBytes
  std::vector<std::string> after;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

struct SearchResult {
  std::vector<SearchMatch> matches;
  Stopped stopped = Stopped::complete;
  std::uint64_t files = 0;       // searched
  std::uint64_t binary = 0;      // left out, or left at their first NUL byte
  std::uint64_t long_lines = 0;  // of which only the first kMaxLineBytes (line_search.h) were searched
  TreeGaps gaps;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

}  // namespace rexec::runner
