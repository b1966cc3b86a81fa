#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace attune {

// Everything attune throws on bad input. The message names the operation, the module path it ran
// in ("linear (h.3.mlp.c_fc): ..."), the values that clash and what would fit.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Shapes that do not fit together, or a dimension that does not exist.
class ShapeError : public Error {
 public:
  using Error::Error;
};

// A dtype that an operation does not take.
class DTypeError : public Error {
 public:
  using Error::Error;
};

// An index outside the range it addresses.
class IndexError : public Error {
 public:
  using Error::Error;
};

// A NaN or Inf found by anomaly mode.
class AnomalyError : public Error {
 public:
  using Error::Error;
};

// A misuse of the tape: differentiating what was freed, overwritten or never recorded.
class GradError : public Error {
 public:
  using Error::Error;
};

// An option or argument outside its domain (a negative probability, an unknown name).
class ValueError : public Error {
 public:
  using Error::Error;
};

// A file whose content breaks its format.
class FormatError : public Error {
 public:
  using Error::Error;
};

// More memory than the system gives.
class MemoryError : public Error {
 public:
  using Error::Error;
};

// A file or device that could not be opened, read or written.
class IoError : public Error {
 public:
  using Error::Error;
};

// "operation (module path): message" in one line, the path taken from the innermost Scope of this
// thread.
std::string describe_error(const char* operation, const std::string& message);

// How an error quotes what a file holds: control characters as spaces, so that it stays one line,
// and cut short where that would be longer than `most` bytes.
std::string one_line(std::string_view text, size_t most = 500);

}  // namespace attune
