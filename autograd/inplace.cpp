#include "../array/fail.h"
#include "../array/scope.h"
#include "../kernels/copy.h"
#include "ops/arithmetic.h"
#include "ops/broadcast.h"
#include "record.h"

namespace attune {

namespace {

using detail::no_slope;

// x as what a write replaces, which receives zeros; but nothing flows into a tape that backward
// has freed, so that a buffer can be filled anew for every pass.
Tensor written_over(const Tensor& x) { return x.node() && x.node()->freed ? x.detach() : x; }

}  // namespace

// Whether an in-place write has to go on the tape, after refusing those that cannot.
bool Tensor::records_write(const char* name, const Tensor& other) const {
  const Array& written = array();
  for (int64_t d = 0; d < written.dim(); ++d)
    if (written.strides()[d] == 0 && written.size(d) > 1)
      fail<ValueError>(
          name,
          "elements of the {} tensor written to share their memory along dimension {}, "
          "as expand() makes them; write to a clone()",
          to_string(shape()), d);
  if (!grad_enabled() || (!requires_grad() && !(other.defined() && other.requires_grad())))
    return false;
  if (requires_grad() && is_leaf())
    fail<GradError>(name,
                    "a leaf that requires a gradient cannot be written in place while recording; "
                    "write under NoGrad, or to a clone()");
  // Another handle or a view would see the new values and keep the old place on the tape.
  if (!sole_owner())
    fail<GradError>(
        name,
        "this tensor's memory is shared with a view, another handle or a value saved "
        "for backward; write to a clone(), or put the result together with stack, cat or "
        "where");
  return true;
}

// Writes a value of this shape and dtype, or broadcast and converted to it, into this tensor's
// memory.
void Tensor::overwrite(const Array& value) const {
  kernels::copy_into(impl_->array, value);
  impl_->array.mark_written();
}

// Writes what compute(this, other) gives. Recorded, the tensor becomes that result: nobody else
// sees its memory, so the old value may stay there for backward.
template <class F>
const Tensor& Tensor::update(const char* name, const Tensor& other, F&& compute) const {
  const OperationScope scope(name);
  if (broadcast_shapes(name, shape(), other.shape()) != shape())
    fail<ShapeError>(name, "{} does not broadcast to {}, the tensor written to",
                     to_string(other.shape()), to_string(shape()));
  const bool recorded = records_write(name, other);
  // The old value stands for this tensor, which would otherwise be an input of itself.
  const Tensor old(array(), impl_->node);
  Tensor result = compute(old, &other == this ? old : other);
  if (!is_floating(dtype()) && result.dtype() > dtype())
    fail<DTypeError>(name, "a {} result does not fit the {} tensor written to",
                     name_of(result.dtype()), name_of(dtype()));
  result = attune::to(result, dtype());
  // A formula may need the old value, which then keeps its memory; or the result, which then keeps
  // its own.
  if (recorded && result.array().owns_storage_alone()) {
    impl_->array = result.array();
  } else {
    overwrite(result.array());
  }
  if (recorded) continue_tape(result);
  return *this;
}

void Tensor::continue_tape(const Tensor& result) const {
  impl_->node = Intrusive<Node>(result.node());
}

const Tensor& Tensor::add_(const Tensor& other) const {
  return update("add_", other, [](const Tensor& a, const Tensor& b) { return a + b; });
}
const Tensor& Tensor::add_(double other) const {
  return update("add_", *this, [other](const Tensor& a, const Tensor&) { return a + other; });
}

const Tensor& Tensor::sub_(const Tensor& other) const {
  return update("sub_", other, [](const Tensor& a, const Tensor& b) { return a - b; });
}
const Tensor& Tensor::sub_(double other) const {
  return update("sub_", *this, [other](const Tensor& a, const Tensor&) { return a - other; });
}

const Tensor& Tensor::mul_(const Tensor& other) const {
  return update("mul_", other, [](const Tensor& a, const Tensor& b) { return a * b; });
}
const Tensor& Tensor::mul_(double other) const {
  return update("mul_", *this, [other](const Tensor& a, const Tensor&) { return a * other; });
}

const Tensor& Tensor::div_(const Tensor& other) const {
  return update("div_", other, [](const Tensor& a, const Tensor& b) {
    // The gradient needs the divisor beside the result, which is written where the divisor was.
    return a / (&a == &b && a.requires_grad() ? b.clone() : b);
  });
}
const Tensor& Tensor::div_(double other) const {
  return update("div_", *this, [other](const Tensor& a, const Tensor&) { return a / other; });
}

const Tensor& Tensor::copy_(const Tensor& source) const {
  const OperationScope scope("copy_");
  const AnomalyMode unchecked(false);
  if (broadcast_shapes("copy_", shape(), source.shape()) != shape())
    fail<ShapeError>("copy_", "{} does not broadcast to {}, the tensor written to",
                     to_string(source.shape()), to_string(shape()));
  const bool recorded = records_write("copy_", source);
  const Tensor value = recorded ? broadcast_to(attune::to(source, dtype()), shape()) : source;
  const Tensor result = recorded ? record("copy_", array(), wrt(written_over(*this), no_slope),
                                          wrt(value, [](const Tensor& g) { return g; }))
                                 : *this;
  // source may be a view of this memory.
  overwrite(value.array().shares_storage(array()) ? kernels::clone(value.array()) : value.array());
  if (recorded) continue_tape(result);
  return *this;
}

const Tensor& Tensor::fill_(double value) const {
  const OperationScope scope("fill_");
  const AnomalyMode unchecked(false);
  const bool recorded = records_write("fill_", Tensor());
  const Array filler = kernels::full({}, dtype(), value);
  const Tensor result =
      recorded ? record("fill_", array(), wrt(written_over(*this), no_slope)) : *this;
  overwrite(filler);
  if (recorded) continue_tape(result);
  return *this;
}

const Tensor& Tensor::zero_() const {
  const OperationScope scope("zero_");
  return fill_(0);
}

}  // namespace attune
