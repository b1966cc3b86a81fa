#include <utility>

#include "../array/fail.h"
#include "../kernels/copy.h"
#include "../kernels/elementwise.h"
#include "ops/arithmetic.h"
#include "ops/broadcast.h"
#include "record.h"

namespace attune {

using kernels::Binary;

// Whether an in-place write has to go on the tape, after refusing those that cannot.
bool Tensor::records_write(const char* name, const Tensor& other) const {
  array();
  if (!grad_enabled() || (!requires_grad() && !(other.defined() && other.requires_grad())))
    return false;
  if (requires_grad() && is_leaf())
    fail<GradError>(name,
                    "a leaf that requires a gradient cannot be written in place while recording; "
                    "write under NoGrad, or to a clone()");
  // Another handle or a view would see the new values and keep the old place on the tape.
  if (!sole_owner())
    fail<GradError>(name,
                    "this tensor's memory is shared with a view, another handle or a value saved "
                    "for backward; write to a clone() instead");
  return true;
}

// Makes this tensor the result of a recorded operation, in its own memory.
const Tensor& Tensor::take_over(const char* name, const Tensor& result) const {
  if (result.shape() != shape() || result.dtype() != dtype())
    fail<ShapeError>(name, "the result is {} {}, the tensor written to is {} {}",
                     name_of(result.dtype()), to_string(result.shape()), name_of(dtype()),
                     to_string(shape()));
  kernels::copy_into(impl_->array, result.array());
  impl_->array.mark_written();
  impl_->node = Intrusive<Node>(result.node());
  return *this;
}

template <class F>
const Tensor& Tensor::update(const char* name, int kernel, const Tensor& other,
                             F&& recorded) const {
  if (broadcast_shapes(name, shape(), other.shape()) != shape())
    fail<ShapeError>(name, "{} does not broadcast to {}, the tensor written to",
                     to_string(other.shape()), to_string(shape()));
  if (promote(dtype(), other.dtype()) != dtype())
    fail<DTypeError>(name, "a {} result does not fit the {} tensor written to",
                     name_of(other.dtype()), name_of(dtype()));
  if (records_write(name, other)) {
    // The old value stands for this tensor, which would otherwise be an input of itself.
    const Tensor old(array(), impl_->node);
    return take_over(name, recorded(old, &other == this ? old : other));
  }
  const Array value = kernels::binary(static_cast<Binary>(kernel), array(), other.array());
  if (value.dtype() != dtype())
    fail<DTypeError>(name, "a {} result does not fit the {} tensor written to",
                     name_of(value.dtype()), name_of(dtype()));
  kernels::copy_into(impl_->array, value);
  impl_->array.mark_written();
  return *this;
}

const Tensor& Tensor::add_(const Tensor& other) const {
  return update("add_", static_cast<int>(Binary::add), other,
                [](const Tensor& a, const Tensor& b) { return a + b; });
}

const Tensor& Tensor::sub_(const Tensor& other) const {
  return update("sub_", static_cast<int>(Binary::sub), other,
                [](const Tensor& a, const Tensor& b) { return a - b; });
}

const Tensor& Tensor::mul_(const Tensor& other) const {
  return update("mul_", static_cast<int>(Binary::mul), other,
                [](const Tensor& a, const Tensor& b) { return a * b; });
}

const Tensor& Tensor::div_(const Tensor& other) const {
  return update("div_", static_cast<int>(Binary::div), other,
                [](const Tensor& a, const Tensor& b) { return a / b; });
}

const Tensor& Tensor::copy_(const Tensor& source) const {
  if (broadcast_shapes("copy_", shape(), source.shape()) != shape())
    fail<ShapeError>("copy_", "{} does not broadcast to {}, the tensor written to",
                     to_string(source.shape()), to_string(shape()));
  if (records_write("copy_", source))
    return take_over("copy_", broadcast_to(attune::to(source, dtype()), shape()));
  // source may be a view of this memory.
  const Array value =
      source.array().shares_storage(array()) ? kernels::clone(source.array()) : source.array();
  kernels::copy_into(impl_->array, value);
  impl_->array.mark_written();
  return *this;
}

const Tensor& Tensor::fill_(double value) const {
  records_write("fill_", Tensor());
  const Array filled = kernels::full({}, dtype(), value);
  kernels::copy_into(impl_->array, filled);
  impl_->array.mark_written();
  if (grad_enabled()) impl_->node = nullptr;
  return *this;
}

}  // namespace attune
