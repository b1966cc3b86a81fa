#pragma once

#include <string>
#include <string_view>

namespace attune {

// An interned module path ("h.3.attn.c_proj"); lives until the process ends, so that tape nodes and
// errors can hold it as a plain pointer.
using Path = const std::string*;

// The one Path with this text. Thread-safe.
Path intern_path(std::string_view text);

// The path of the innermost Scope open on this thread; the empty path outside of any.
Path current_path();

// While it lives, errors, tape nodes and profiles of this thread carry the path.
class Scope {
 public:
  explicit Scope(Path path);
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  Path outer_;
};

}  // namespace attune
