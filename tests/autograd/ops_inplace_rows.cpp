#include <attune/autograd.h>

#include "op_rows.h"

namespace attune::test {
namespace {

using Write = const Tensor& (Tensor::*)(const Tensor&) const;
using WriteScalar = const Tensor& (Tensor::*)(double) const;

OpRow write(const char* name, Write f, std::vector<OpCase> more = {}) {
  OpRow row{
      .name = name,
      .cases = times(4,
                     [f](In in) {
                       const Tensor x = in[0] * 2;
                       (x.*f)(in[1]);
                       return x;
                     }),
      .bad = {bad<ShapeError>([f] { (some(3).*f)(some(2)); }),
              bad<ShapeError>([f] { (some(3).*f)(some(2, 3)); }),
              bad<GradError>([f] { (some(3).requires_grad_().*f)(some(3)); }), bad<GradError>([f] {
                const Tensor x = some(3).requires_grad_() * 2, seen = x.select(0, 0);
                (x.*f)(some(3));
              })}};
  row.cases.insert(row.cases.end(), more.begin(), more.end());
  return row;
}

// Arithmetic in place also takes a C++ scalar, and no other kind of dtype.
OpRow arithmetic(const char* name, Write f, WriteScalar with_scalar,
                 std::vector<OpCase> more = {}) {
  OpRow row = write(name, f, {[with_scalar](In in) {
                      const Tensor x = in[0] * 2;
                      (x.*with_scalar)(1.5);
                      return x;
                    }});
  row.cases.insert(row.cases.end(), more.begin(), more.end());
  row.bad.push_back(bad<DTypeError>([f] { (whole(3).*f)(some(3)); }));
  row.bad.push_back(bad<DTypeError>([with_scalar] { (whole(3).*with_scalar)(0.5); }));
  return row;
}

OpRow fill(const char* name, const std::function<void(const Tensor&)>& f) {
  return {.name = name,
          .cases = {[f](In in) {
            const Tensor x = in[0] * 2;
            f(x);
            return x;
          }},
          .bad = {bad<GradError>([f] { f(some(3).requires_grad_()); })}};
}

}  // namespace

std::vector<OpRow> inplace_rows() {
  const auto twice = [](In in) {
    const Tensor x = in[0] * 2;
    x.add_(x);
    return x;
  };
  return {
      arithmetic("add_", &Tensor::add_, &Tensor::add_, {twice}),
      arithmetic("sub_", &Tensor::sub_, &Tensor::sub_),
      arithmetic("mul_", &Tensor::mul_, &Tensor::mul_),
      arithmetic("div_", &Tensor::div_, &Tensor::div_),
      write("copy_", &Tensor::copy_),
      fill("fill_", [](const Tensor& x) { x.fill_(1.5); }),
      fill("zero_", [](const Tensor& x) { x.zero_(); }),
  };
}

}  // namespace attune::test
