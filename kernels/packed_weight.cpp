#include "packed_weight.h"

#include <memory>
#include <vector>

#include "gemm_bf16.h"

namespace attune::kernels {
namespace {

// A view of the storage, packed.
struct Packed {
  int64_t offset;
  Shape shape, strides;
  Array panels;

  bool is_of(const Array& weight) const {
    return offset == weight.offset() && shape == weight.shape() && strides == weight.strides();
  }
};

struct PackedViews : Derived {
  std::vector<Packed> views;
};

}  // namespace

Array packed_weight(const Array& weight, const PanelOperand& columns) {
  const Storage& storage = weight.storage();
  const Stamp written = storage.written();
  // Nothing else is kept with a storage.
  const auto kept = std::static_pointer_cast<const PackedViews>(storage.kept());
  size_t bytes = 0;
  if (kept)
    for (const Packed& view : kept->views) {
      if (view.is_of(weight)) return view.panels;
      bytes += view.panels.storage().bytes();
    }
  const Array panels = pack_operand(columns, weight.size(1), weight.size(0));
  const size_t more = panels.storage().bytes();
  auto all = std::make_shared<PackedViews>();
  if (kept && bytes + more <= storage.bytes()) all->views = kept->views;
  all->views.push_back({weight.offset(), weight.shape(), weight.strides(), panels});
  if (more <= storage.bytes()) storage.keep(std::move(all), written);
  return panels;
}

}  // namespace attune::kernels
