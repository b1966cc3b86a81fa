#include "join.h"

#include <algorithm>

#include "../../array/fail.h"
#include "../../array/scope.h"
#include "../../kernels/copy.h"
#include "../../kernels/index.h"
#include "../record.h"
#include "broadcast.h"
#include "shape.h"

namespace attune {

Tensor cat(const std::vector<Tensor>& tensors, int64_t dim) {
  if (tensors.empty()) fail<ValueError>("cat", "there is nothing to concatenate");
  const OperationScope scope("cat");
  // A list that grows from an empty vector, whatever joins it: the vector [0] fits everything.
  const auto fits_all = [](const Tensor& x) { return x.shape() == Shape{0}; };
  const auto found = std::find_if_not(tensors.begin(), tensors.end(), fits_all);
  const Tensor& first = found == tensors.end() ? tensors[0] : *found;
  if (first.dim() == 0) fail<ShapeError>("cat", "scalars cannot be concatenated; use stack");
  dim = wrap_dim("cat", dim, first.dim());
  Shape nothing = first.shape();
  nothing[dim] = 0;
  DType dtype = first.dtype();
  for (const Tensor& x : tensors) dtype = promote(dtype, x.dtype());
  std::vector<Array> arrays;
  std::vector<Tensor> parts;
  for (const Tensor& x : tensors) {
    Tensor part = to(x, dtype);
    if (fits_all(x)) part = reshape(part, nothing);
    for (int64_t d = 0; d < first.dim(); ++d)
      if (part.dim() != first.dim() || (d != dim && part.size(d) != first.size(d)))
        fail<ShapeError>("cat", "{} and {} differ outside of dimension {}",
                         to_string(first.shape()), to_string(x.shape()), dim);
    arrays.push_back(part.array());
    parts.push_back(std::move(part));
  }
  const Array joined = kernels::cat(arrays, dim);
  std::vector<int64_t> offsets{0};
  for (const Array& array : arrays) offsets.push_back(offsets.back() + array.size(dim));
  return record("cat", joined, jointly(parts, [dim, offsets](const Tensor& g, const Needs& needs) {
                  std::vector<Tensor> gradients(needs.size());
                  for (size_t i = 0; i < needs.size(); ++i)
                    if (needs[i])
                      gradients[i] = narrow(g, dim, offsets[i], offsets[i + 1] - offsets[i]);
                  return gradients;
                }));
}

Tensor stack(const std::vector<Tensor>& tensors, int64_t dim) {
  if (tensors.empty()) fail<ValueError>("stack", "there is nothing to stack");
  const OperationScope scope("stack");
  std::vector<Tensor> layers;
  dim = wrap_dim("stack", dim, tensors[0].dim() + 1);
  for (const Tensor& x : tensors) {
    if (x.shape() != tensors[0].shape())
      fail<ShapeError>("stack", "{} and {} differ", to_string(tensors[0].shape()),
                       to_string(x.shape()));
    layers.push_back(unsqueeze(x, dim));
  }
  return cat(layers, dim);
}

namespace {

// More would take the memory of the machine before the last one is made.
void check_parts(const char* name, int64_t parts, const Tensor& x) {
  constexpr int64_t most = int64_t{1} << 24;
  if (parts > most)
    fail<ValueError>(name, "{} parts of shape {}; there can be at most {}", parts,
                     to_string(x.shape()), most);
}

}  // namespace

std::vector<Tensor> split(const Tensor& x, int64_t size, int64_t dim) {
  const OperationScope scope("split");
  const int64_t n = x.size(dim);
  if (size < 1 && !(size == 0 && n == 0))
    fail<ValueError>("split", "size is {}; it must be positive", size);
  check_parts("split", n / std::max<int64_t>(size, 1), x);
  std::vector<Tensor> parts;
  for (int64_t start = 0; start < n || parts.empty(); start += size)
    parts.push_back(narrow(x, dim, start, std::min(size, n - start)));
  return parts;
}

std::vector<Tensor> split(const Tensor& x, const std::vector<int64_t>& sizes, int64_t dim) {
  const OperationScope scope("split");
  if (std::any_of(sizes.begin(), sizes.end(), [](int64_t size) { return size < 0; }))
    fail<IndexError>("split", "sizes [{}] have a negative one", fmt::join(sizes, ", "));
  int64_t rest = x.size(dim);
  for (const int64_t size : sizes) rest = rest < size ? -1 : rest - size;
  if (rest != 0)
    fail<ShapeError>("split", "sizes [{}] do not add up to {}, the size of dimension {} of {}",
                     fmt::join(sizes, ", "), x.size(dim), dim, to_string(x.shape()));
  std::vector<Tensor> parts;
  int64_t start = 0;
  for (int64_t size : sizes) {
    parts.push_back(narrow(x, dim, start, size));
    start += size;
  }
  return parts;
}

std::vector<Tensor> chunk(const Tensor& x, int64_t chunks, int64_t dim) {
  const OperationScope scope("chunk");
  if (chunks < 1) fail<ValueError>("chunk", "{} chunks; there must be at least one", chunks);
  const int64_t n = x.size(dim);
  check_parts("chunk", n == 0 ? chunks : std::min(n, chunks), x);
  if (n == 0) return std::vector<Tensor>(static_cast<size_t>(chunks), x);
  return split(x, n / chunks + (n % chunks != 0), dim);
}

std::vector<Tensor> unbind(const Tensor& x, int64_t dim) {
  const OperationScope scope("unbind");
  if (x.dim() == 0) fail<ShapeError>("unbind", "a scalar has no dimension to take apart");
  check_parts("unbind", x.size(dim), x);
  std::vector<Tensor> parts;
  for (int64_t i = 0; i < x.size(dim); ++i) parts.push_back(select(x, dim, i));
  return parts;
}

namespace {

// x n times along dim; as three dimensions, so that its rank does not grow.
Tensor tiled(const Tensor& x, int64_t dim, int64_t n) {
  Shape shape = x.shape();
  int64_t before = 1, rest = 1;
  for (int64_t d = 0; d < x.dim(); ++d) (d < dim ? before : rest) *= shape[d];
  if (__builtin_mul_overflow(shape[dim], n, &shape[dim]))
    fail<ShapeError>("repeat", "{} repeats of dimension {} of {} are more than can be addressed", n,
                     dim, to_string(x.shape()));
  return reshape(expand(reshape(x, {before, 1, rest}), {before, n, rest}), shape);
}

// y, but in memory of its own: whether it shares that of x must not depend on amounts.
Tensor apart_from(const Tensor& x, const Tensor& y) {
  return y.array().shares_storage(x.array()) ? clone(y) : y;
}

}  // namespace

Tensor repeat(const Tensor& x, const Shape& repeats) {
  const OperationScope scope("repeat");
  const int64_t lead = repeats.size() - x.dim();
  if (lead < 0)
    fail<ShapeError>("repeat", "repeats {} for shape {}; name one for each dimension at least",
                     to_string(repeats), to_string(x.shape()));
  Tensor result = x;
  for (int64_t d = 0; d < lead; ++d) result = unsqueeze(result, 0);
  for (int64_t d = 0; d < repeats.size(); ++d) {
    if (repeats[d] < 0) fail<ValueError>("repeat", "negative repeats in {}", to_string(repeats));
    if (repeats[d] != 1) result = tiled(result, d, repeats[d]);
  }
  return apart_from(x, result);
}

Tensor tile(const Tensor& x, const Shape& repeats) {
  const OperationScope scope("tile");
  Shape all = repeats;
  while (all.size() < x.dim()) all.insert(0, 1);
  return repeat(x, all);
}

Tensor roll(const Tensor& x, const Shape& shifts, const Shape& dims) {
  const OperationScope scope("roll");
  if (dims.empty() && shifts.size() == 1)
    return reshape(roll(reshape(x, {x.numel()}), shifts, {0}), x.shape());
  if (shifts.size() != dims.size())
    fail<ShapeError>("roll", "shifts {} for dimensions {}; there must be as many",
                     to_string(shifts), to_string(dims));
  if (shifts.empty()) fail<ValueError>("roll", "there is no shift");
  Tensor rolled = x;
  for (int64_t i = 0; i < dims.size(); ++i) {
    const int64_t n = x.size(dims[i]);
    if (n == 0) continue;
    const int64_t turn = shifts[i] % n, shift = turn < 0 ? turn + n : turn;
    if (shift == 0) continue;
    rolled = cat({narrow(rolled, dims[i], n - shift, shift), narrow(rolled, dims[i], 0, n - shift)},
                 dims[i]);
  }
  return apart_from(x, rolled);
}

Tensor pad(const Tensor& x, const std::vector<int64_t>& padding, double value) {
  const OperationScope scope("pad");
  const auto pairs = static_cast<int64_t>(padding.size() / 2);
  if (padding.size() % 2 != 0 || pairs > x.dim())
    fail<ShapeError>("pad",
                     "padding [{}] for shape {}; it takes a pair for each dimension, the last "
                     "first",
                     fmt::join(padding, ", "), to_string(x.shape()));
  Tensor inner = x;
  Shape shape = x.shape(), before = Shape::filled(x.dim(), 0);
  for (int64_t i = 0; i < pairs; ++i) {
    const auto at = static_cast<size_t>(2 * i);
    const int64_t d = x.dim() - 1 - i, low = padding[at], high = padding[at + 1];
    const int64_t n = x.size(d);
    int64_t grown = 0;
    if (__builtin_add_overflow(n, std::max<int64_t>(low, 0), &grown) ||
        __builtin_add_overflow(grown, std::max<int64_t>(high, 0), &grown))
      fail<ShapeError>("pad", "padding [{}] of shape {} is more than can be addressed",
                       fmt::join(padding, ", "), to_string(x.shape()));
    // Cropped by more than there is, whatever is added at the other end, it is refused.
    const int64_t start = low < 0 ? -std::max(low, -n - 1) : 0;
    const int64_t end = high < 0 ? n + std::max(high, -n - 1) : n;
    if (end < start)
      fail<ShapeError>("pad", "padding [{}] crops more than shape {} has", fmt::join(padding, ", "),
                       to_string(x.shape()));
    if (low < 0 || high < 0) inner = narrow(inner, d, start, end - start);
    shape[d] = end - start + std::max<int64_t>(low, 0) + std::max<int64_t>(high, 0);
    before[d] = std::max<int64_t>(low, 0);
  }
  auto window = [before, sizes = inner.shape()](Array array) {
    for (int64_t d = 0; d < sizes.size(); ++d) array = array.narrow(d, before[d], sizes[d]);
    return array;
  };
  Array padded = kernels::full(shape, x.dtype(), value);
  Array place = window(padded);
  kernels::copy_into(place, inner.array());
  return record("pad", std::move(padded),
                wrt(inner, [before, sizes = inner.shape()](const Tensor& g) {
                  Tensor middle = g;
                  for (int64_t d = 0; d < sizes.size(); ++d)
                    middle = narrow(middle, d, before[d], sizes[d]);
                  return middle;
                }));
}

}  // namespace attune
