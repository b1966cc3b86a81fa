#include "dtype.h"

#include "fail.h"

namespace attune {

std::string_view name_of(DType dtype) {
  constexpr std::string_view names[] = {"bool", "int64", "bfloat16", "float32", "float64"};
  return names[static_cast<size_t>(dtype)];
}

void fail_not_floating(const char* operation, DType dtype) {
  fail<DTypeError>(operation, "takes float32 or float64, got {}; convert with to(float32)",
                   name_of(dtype));
}

}  // namespace attune
