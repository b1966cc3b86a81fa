#include "../../kernels/sort.h"

#include "../../array/error.h"
#include "../../kernels/copy.h"
#include "../catch.h"

using namespace attune;

TEST_CASE("lines that are too long to be sorted are a MemoryError on however many threads") {
  constexpr int64_t vast = int64_t{1} << 50;
  for (const int64_t lines : {1, 2}) {
    const Array x = kernels::zeros({}, float32).expand({lines, vast});
    CHECK_THROWS_AS(kernels::arg_topk(x, 1, 1, true), MemoryError);
  }
}
