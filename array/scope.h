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
class [[nodiscard]] Scope {
 public:
  [[nodiscard]] explicit Scope(Path path);
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  Path outer_;
};

// While it lives, errors of this thread begin with this operation's name (a string literal),
// whichever of the operations that it is made of failed. The outermost one open counts.
class OperationScope {
 public:
  [[nodiscard]] explicit OperationScope(const char* name);
  ~OperationScope();
  OperationScope(const OperationScope&) = delete;
  OperationScope& operator=(const OperationScope&) = delete;

 private:
  const char* outer_;
};

// The name of the outermost OperationScope open on this thread, or this one outside of any.
const char* outermost_operation(const char* name);

}  // namespace attune
