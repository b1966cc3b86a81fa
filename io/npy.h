#pragma once

#include <string>

#include "../array/array.h"

namespace attune::io {

// The array of a .npy file (NumPy's format, versions 1 to 3): float32, float64, int64 or bool,
// little-endian, in C or Fortran order (then with strides that say so). Allocates no more than the
// file holds. FormatError if the file breaks the format or holds another dtype, IoError if it
// cannot be read.
Array load_npy(const std::string& path);

// Writes array in C order, atomically. DTypeError for bfloat16, ValueError for an
// undefined array, IoError if it cannot be written.
void save_npy(const std::string& path, const Array& array);

}  // namespace attune::io
