#include <attune/autograd.h>

#include "op_rows.h"

namespace attune::test {
namespace {

Tensor ones(const Shape& shape) { return Tensor(random_uniform(shape, float64, 1, 2)); }

OpCase contraction(const char* equation) {
  return [equation](In in) { return einsum(equation, std::vector<Tensor>(in.begin(), in.end())); };
}

}  // namespace

std::vector<OpRow> linalg_rows() {
  return {
      {.name = "matmul",
       .cases = std::vector<OpCase>(10, [](In in) { return matmul(in[0], in[1]); }),
       .bad = {bad<ShapeError>([] {
         matmul(ones({2, 3}), ones({2, 3}));
       })}},
      {.name = "bmm",
       .cases = {[](In in) { return bmm(in[0], in[1]); }},
       .bad = {bad<ShapeError>([] {
         bmm(ones({2, 3, 4}), ones({3, 4, 5}));
       })}},
      {.name = "outer",
       .cases = {[](In in) { return outer(in[0], in[1]); }},
       .bad = {bad<ShapeError>([] {
         outer(ones({2, 2}), ones({3}));
       })}},
      {.name = "linear",
       .cases = {[](In in) { return linear(in[0], in[1], in[2]); },
                 [](In in) { return linear(in[0], in[1]); },
                 [](In in) { return linear(in[0], in[1], in[2]); }},
       .bad = {bad<ShapeError>([] {
         linear(ones({2, 5}), ones({3, 4}));
       })}},
      {.name = "einsum",
       .cases = {contraction("ij,jk->ik"), contraction("bij,bkj->bik"), contraction("ii->i"),
                 contraction("ij->ji"), contraction("ij,ij->"), contraction("i,j,k->ijk"),
                 contraction("...ij,...jk")},
       .bad = {bad<ShapeError>([] {
         einsum("ij,jk->ik", {ones({2, 3}), ones({2, 3})});
       })}},
  };
}

}  // namespace attune::test
