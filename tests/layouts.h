#pragma once

#include <attune/autograd.h>
#include <kernels/copy.h>

#include "guarded.h"

// The same values at different places in memory.
namespace attune::test {

enum class Layout { dense, transposed, offset, flipped };
constexpr Layout layouts[] = {Layout::dense, Layout::transposed, Layout::offset, Layout::flipped};
constexpr const char* layout_names[] = {"dense", "transposed", "offset", "flipped"};

// The same values at another place: columns first, every other element of larger memory, or back
// to front. Dimensions of size 1 get stride 0 where the memory is not dense. All but larger memory
// is guarded().
inline Array lay(const Array& x, Layout layout) {
  if (layout == Layout::dense || x.dim() == 0) return guarded(x);
  if (layout == Layout::transposed) {
    Shape reversed;
    for (int64_t d = x.dim() - 1; d >= 0; --d) reversed.push_back(d);
    return guarded(x.permute(reversed)).permute(reversed);
  }
  if (layout == Layout::flipped) return guarded(x.flip(-1)).flip(-1);
  Shape larger = x.shape();
  larger[x.dim() - 1] = 2 * x.size(-1) + 3;
  Array view = kernels::zeros(larger, x.dtype()).slice(-1, 2, 2 + 2 * x.size(-1), 2);
  kernels::copy_into(view, x);
  Shape strides = view.strides();
  for (int64_t d = 0; d < x.dim(); ++d)
    if (x.size(d) == 1) strides[d] = 0;
  return Array(Intrusive<Storage>(const_cast<Storage*>(&view.storage())), x.shape(), strides,
               view.offset(), x.dtype());
}

}  // namespace attune::test
