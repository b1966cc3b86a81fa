#include <attune/autograd.h>

#include "op_rows.h"

namespace attune::test {
namespace {

OpCase contraction(const char* equation) {
  return [equation](In in) { return einsum(equation, std::vector<Tensor>(in.begin(), in.end())); };
}

template <class E>
BadInput bad_einsum(const char* equation, std::vector<Tensor> operands) {
  return bad<E>([=] { einsum(equation, operands); });
}

}  // namespace

std::vector<OpRow> linalg_rows() {
  return {
      {.name = "matmul",
       .cases = times(10, [](In in) { return matmul(in[0], in[1]); }),
       .bad = {bad<ShapeError>([] { matmul(some(2, 3), some(2, 3)); }),
               bad<ShapeError>([] { matmul(some(), some(3)); }),
               bad<ShapeError>([] { matmul(some(2, 3, 4), some(5, 4, 2)); }),
               bad<DTypeError>([] { matmul(some(2, 3), to(some(3, 2), float32)); }),
               bad<DTypeError>([] { matmul(to(some(2, 3), boolean), to(some(3, 2), boolean)); })}},
      {.name = "bmm",
       .cases = {[](In in) { return bmm(in[0], in[1]); }},
       .bad = {bad<ShapeError>([] { bmm(some(2, 3, 4), some(3, 4, 5)); }),
               bad<ShapeError>([] { bmm(some(3, 4), some(4, 5)); }),
               bad<ShapeError>([] { bmm(some(2, 3, 4), some(2, 4)); }),
               bad<ShapeError>([] { bmm(some(2, 3), some(2, 3, 4)); }),
               bad<ShapeError>([] { bmm(some(2, 3, 4), some(2, 5, 4)); }),
               bad<DTypeError>([] { bmm(some(2, 3, 4), whole(2, 4, 5)); })}},
      {.name = "addmm",
       .cases = {[](In in) { return addmm(in[0], in[1], in[2]); },
                 [](In in) { return addmm(in[0], in[1], in[2], 0.5, 2); }},
       .bad = {bad<ShapeError>([] { addmm(some(2), some(2, 3), some(2, 3)); }),
               bad<ShapeError>([] { addmm(some(3), some(2, 3), some(3, 2)); }),
               bad<ShapeError>([] { addmm(some(5, 2, 2), some(2, 3), some(3, 2)); }),
               bad<ShapeError>([] { addmm(some(2), some(3), some(3, 2)); })}},
      {.name = "baddbmm",
       .cases = {[](In in) { return baddbmm(in[0], in[1], in[2], 0.5, 2); }},
       .bad = {bad<ShapeError>([] { baddbmm(some(2), some(2, 3), some(3, 2)); }),
               bad<ShapeError>([] { baddbmm(some(3), some(1, 2, 3), some(1, 3, 2)); })}},
      {.name = "trace",
       .cases = {[](In in) { return trace(in[0]); }},
       .bad = {bad<ShapeError>([] { trace(some(3)); }),
               bad<ShapeError>([] { trace(some(2, 3, 3)); })}},
      {.name = "outer",
       .cases = {[](In in) { return outer(in[0], in[1]); }},
       .bad = {bad<ShapeError>([] { outer(some(2, 2), some(3)); }),
               bad<ShapeError>([] { outer(some(2), some()); })}},
      {.name = "linear",
       .cases = {[](In in) { return linear(in[0], in[1], in[2]); },
                 [](In in) { return linear(in[0], in[1]); },
                 [](In in) { return linear(in[0], in[1], in[2]); }},
       .bad = {bad<ShapeError>([] { linear(some(2, 5), some(3, 4)); }),
               bad<ShapeError>([] { linear(some(), some(3, 4)); }),
               bad<ShapeError>([] { linear(some(2, 4), some(4), some(1)); }),
               bad<ShapeError>([] { linear(some(2, 4), some(3)); }),
               bad<ShapeError>([] { linear(some(2, 4), some(3, 4), some(4)); }),
               bad<DTypeError>([] { linear(some(2, 4), to(some(3, 4), float32)); }),
               bad<DTypeError>([] { linear(some(2, 4), some(3, 4), to(some(3), float32)); })}},
      {.name = "einsum",
       .cases = {contraction("ij,jk->ik"), contraction("bij,bkj->bik"), contraction("ii->i"),
                 contraction("ij->ji"), contraction("ij,ij->"), contraction("i,j,k->ijk"),
                 contraction("...ij,...jk")},
       .bad = {bad_einsum<ShapeError>("ij,jk->ik", {some(2, 3), some(2, 3)}),
               bad_einsum<ShapeError>("ij->ik", {some(2, 3)}),
               bad_einsum<ShapeError>("...1->...", {some(2, 3)}),
               bad_einsum<ShapeError>("ij->ii", {some(2, 3)}),
               bad_einsum<ShapeError>("ij", {some(2, 3, 4)}),
               bad_einsum<ShapeError>("ij,jk", {some(2, 3)}),
               bad_einsum<ShapeError>("ij", {some(2, 3), some(3, 4)}),
               bad_einsum<ShapeError>("i1->i", {some(2, 3)}),
               bad_einsum<ShapeError>("ii->i", {some(2, 3)}), bad_einsum<ShapeError>("i->i", {})}},
  };
}

}  // namespace attune::test
