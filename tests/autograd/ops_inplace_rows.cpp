#include <attune/autograd.h>

#include "op_rows.h"

namespace attune::test {
namespace {

using Write = const Tensor& (Tensor::*)(const Tensor&) const;

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
  std::vector<OpRow> rows = {
      write("add_", &Tensor::add_, {twice}),
      write("sub_", &Tensor::sub_),
      write("mul_", &Tensor::mul_),
      write("div_", &Tensor::div_),
      write("copy_", &Tensor::copy_),
      fill("fill_", [](const Tensor& x) { x.fill_(1.5); }),
      fill("zero_", [](const Tensor& x) { x.zero_(); }),
  };
  for (size_t i = 0; i < 4; ++i)
    rows[i].bad.push_back(bad<DTypeError>([f = rows[i].name] {
      const Tensor x = whole(3), y = some(3);
      f == "add_" ? x.add_(y) : f == "sub_" ? x.sub_(y) : f == "mul_" ? x.mul_(y) : x.div_(y);
    }));
  return rows;
}

}  // namespace attune::test
