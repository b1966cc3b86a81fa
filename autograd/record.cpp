#include "record.h"

#include <cmath>
#include <limits>

#include "../array/fail.h"
#include "../kernels/copy.h"

namespace attune {

namespace detail {

void fail_undefined(const char* operation) {
  fail<ValueError>(operation, "the result is an undefined array");
}

Tensor no_slope(const Tensor& g) { return Tensor(kernels::zeros(g.shape(), g.dtype())); }

void check_anomaly(const char* operation, const char* pass, const Array& value) {
  if (!is_floating(value.dtype())) return;
  const Array dense =
      kernels::contiguous(value.dtype() == bfloat16 ? kernels::convert(value, float32) : value);
  visit_floating(operation, dense.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* elements = dense.data<T>();
    for (int64_t i = 0; i < dense.numel(); ++i) {
      if (std::isfinite(elements[i])) continue;
      // The sign of a NaN says nothing.
      const T shown = std::isnan(elements[i]) ? std::numeric_limits<T>::quiet_NaN() : elements[i];
      fail<AnomalyError>(operation, "{} made {} at element {} of a result of shape {}", pass, shown,
                         i, to_string(value.shape()));
    }
  });
}

}  // namespace detail

std::vector<Tensor> composite_gradients(const std::function<Tensor(std::span<const Tensor>)>& twin,
                                        const std::vector<Tensor>& inputs, const Tensor& g) {
  const bool recording = grad_enabled();
  GradMode enabled(true);
  std::vector<Tensor> aliases;
  std::vector<Node*> ends;
  std::vector<size_t> places;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined() || !is_floating(inputs[i].dtype())) {
      aliases.push_back(inputs[i]);
      continue;
    }
    // An alias of its own for each input: they may be one tensor, or computed from each other. One
    // off the tape stands on a leaf, so that its gradient is there when it is asked for.
    Tensor source = inputs[i].requires_grad() ? inputs[i] : inputs[i].detach().requires_grad_();
    aliases.push_back(
        record("alias", source.array(), wrt(source, [](const Tensor& d) { return d; })));
    ends.push_back(aliases.back().node());
    places.push_back(i);
  }
  const Tensor result = twin(aliases);
  if (!result.requires_grad()) return std::vector<Tensor>(inputs.size());
  // Not grad(), which searches the whole tape behind the aliases, freed parts of it too.
  const GradMode mode(recording);
  const std::vector<Tensor> found = gradients_down_to(result, g, ends);
  std::vector<Tensor> gradients(inputs.size());
  for (size_t i = 0; i < places.size(); ++i) gradients[places[i]] = found[i];
  return gradients;
}

}  // namespace attune
