#include "rotary.h"

#include <cmath>

#include "../../array/fail.h"
#include "../../array/scope.h"
#include "../record.h"

namespace attune {
namespace {

constexpr const char* name = "rotary_embedding";

void check(const Tensor& x, const RotaryAngles& angles) {
  if (!angles.cos.defined() || !angles.sin.defined())
    fail<ValueError>(name, "the angles are undefined; make them with rotary_angles");
  const Shape &shape = x.shape(), &table = angles.cos.shape();
  if (table != angles.sin.shape())
    fail<ShapeError>(name, "cosines {} and sines {} differ; make them with rotary_angles",
                     to_string(table), to_string(angles.sin.shape()));
  if (angles.cos.dtype() != angles.sin.dtype())
    fail<DTypeError>(name, "cosines are {}, sines {}; make them with rotary_angles",
                     name_of(angles.cos.dtype()), name_of(angles.sin.dtype()));
  const bool is_table = table.size() == 2 || table.size() == 3;
  const bool fits = is_table && x.dim() >= 2 && table[table.size() - 2] == x.size(-2) &&
                    2 * table.back() <= x.size(-1) &&
                    (table.size() == 2 || (x.dim() > 2 && table[0] == x.size(0)));
  if (!fits)
    fail<ShapeError>(name,
                     "input {} does not fit angles {}: they turn [..., T, D] by [T, R/2] or "
                     "[B, T, R/2] with R <= D",
                     to_string(shape), to_string(table));
  if (x.dtype() != angles.cos.dtype())
    fail<DTypeError>(name, "input is {}, the angles {}; make them in the input's dtype",
                     name_of(x.dtype()), name_of(angles.cos.dtype()));
}

// A turn is undone by the turn back, which is also its gradient.
Tensor turned(const Tensor& x, const RotaryAngles& angles, RotaryPairs pairs, bool backwards) {
  return record(name, kernels::rotary(x.array(), angles.cos, angles.sin, pairs, backwards),
                wrt(x, [=](const Tensor& g) { return turned(g, angles, pairs, !backwards); }));
}

}  // namespace

std::vector<double> rotary_frequencies(int64_t dim, double base) {
  constexpr int64_t most = 1 << 20;
  if (dim < 2 || dim > most || dim % 2 != 0 || !(base > 0))
    fail<ValueError>("rotary_frequencies",
                     "dim {} and base {}; dim must be even and at most {}, both positive", dim,
                     base, most);
  std::vector<double> frequencies;
  for (int64_t j = 0; j < dim / 2; ++j)
    frequencies.push_back(std::pow(base, -2.0 * static_cast<double>(j) / static_cast<double>(dim)));
  return frequencies;
}

RotaryAngles rotary_angles(const Tensor& positions, const std::vector<double>& frequencies,
                           DType dtype) {
  const OperationScope scope("rotary_angles");
  if (positions.dtype() != int64)
    fail<DTypeError>("rotary_angles", "positions are {}; they must be int64",
                     name_of(positions.dtype()));
  if (positions.dim() != 1 && positions.dim() != 2)
    fail<ShapeError>("rotary_angles", "positions {} must be [T] or [B, T]",
                     to_string(positions.shape()));
  Shape shape = positions.shape();
  shape.push_back(static_cast<int64_t>(frequencies.size()));
  RotaryAngles angles{Array(shape, dtype), Array(shape, dtype)};
  visit_floating("rotary_angles", dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T *cos = angles.cos.output<T>(), *sin = angles.sin.output<T>();
    for (const int64_t position : positions.to_vector<int64_t>())
      for (const double frequency : frequencies) {
        const double angle = static_cast<float>(position) * static_cast<float>(frequency);
        *cos++ = static_cast<T>(static_cast<float>(std::cos(angle)));
        *sin++ = static_cast<T>(static_cast<float>(std::sin(angle)));
      }
  });
  return angles;
}

Tensor rotary_embedding(const Tensor& x, const RotaryAngles& angles, RotaryPairs pairs) {
  const OperationScope scope(name);
  check(x, angles);
  return turned(x, angles, pairs, false);
}

}  // namespace attune
