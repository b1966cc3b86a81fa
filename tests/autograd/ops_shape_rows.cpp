#include <attune/autograd.h>

#include "op_rows.h"

namespace attune::test {
namespace {

std::vector<Tensor> all(In in) { return std::vector<Tensor>(in.begin(), in.end()); }

std::vector<OpRow> reshaped() {
  return {
      {.name = "reshape",
       .cases = {[](In in) {
                   return reshape(in[0], {4, -1});
                 },
                 [](In in) {
                   return reshape(in[0], {0, 5});
                 }},
       .bad = {bad<ShapeError>([] { reshape(some(2, 3), {4}); }), bad<ShapeError>([] {
                 reshape(some(2, 3), {-1, -1});
               }),
               bad<ShapeError>([] {
                 reshape(some(2, 3), {-2, -3});
               }),
               bad<ShapeError>([] {
                 reshape(some(0), {0, -1});
               })}},
      {.name = "view",
       .cases = {[](In in) {
         return view(in[0], {3, 4});
       }},
       .bad = {bad<ShapeError>([] { view(some(2, 3), {4}); }),
               bad<ShapeError>([] { view(transpose(some(2, 3), 0, 1), {6}); })},
       .dense_only = "it never copies"},
      {.name = "flatten",
       .cases = {[](In in) { return flatten(in[0]); }, [](In in) { return flatten(in[0], 1, -1); }},
       .bad = {bad<ShapeError>([] { flatten(some(2, 3), 1, 0); }),
               bad<IndexError>([] { flatten(some(2, 3), 2); }),
               bad<IndexError>([] { flatten(tensor(1.f), 5, 7); })}},
      {.name = "transpose",
       .cases = {[](In in) { return transpose(in[0], 0, -1); }},
       .bad = {bad<IndexError>([] { transpose(some(2, 3), 0, 2); })}},
      {.name = "swapaxes",
       .cases = {[](In in) { return swapaxes(in[0], 0, -1); }},
       .bad = {bad<IndexError>([] { swapaxes(some(2, 3), 0, 2); })}},
      {.name = "movedim",
       .cases = {[](In in) {
                   return movedim(in[0], {0, -1}, {1, 0});
                 },
                 [](In in) { return movedim(in[0], 0, -1); }},
       .bad = {bad<IndexError>([] { movedim(some(2, 3), 2, 0); }), bad<ShapeError>([] {
                 movedim(some(2, 3), Shape{0, 1}, Shape{0});
               }),
               bad<ValueError>([] {
                 movedim(some(2, 3), Shape{0, -2}, Shape{0, 1});
               }),
               bad<ValueError>([] {
                 movedim(some(2, 3), Shape{0, 1}, Shape{1, -1});
               }),
               bad<ValueError>([] {
                 movedim(some(2), Shape{0, 0}, Shape{0, 0});
               })}},
      {.name = "permute",
       .cases = {[](In in) {
         return permute(in[0], {2, 0, -2});
       }},
       .bad = {bad<ShapeError>([] { permute(some(2, 3), {0}); }), bad<ShapeError>([] {
                 permute(some(2, 3), {1, -1});
               }),
               bad<IndexError>([] {
                 permute(some(2, 3), {0, 2});
               })}},
      {.name = "expand",
       .cases = {[](In in) {
                   return expand(in[0], {2, 3, 4});
                 },
                 [](In in) {
                   return expand(in[0], {5, -1});
                 }},
       .bad = {bad<ShapeError>([] {
                 expand(some(2, 3), {2, 4});
               }),
               bad<ShapeError>([] { expand(some(2, 3), {3}); }), bad<ShapeError>([] {
                 expand(some(3), {-1, 3});
               })}},
      {.name = "broadcast_to",
       .cases = {[](In in) {
         return broadcast_to(in[0], {2, 3, 4});
       }},
       .bad = {bad<ShapeError>([] {
         broadcast_to(some(2, 3), {2, 4});
       })}},
      {.name = "sum_to",
       .cases = {[](In in) {
         return sum_to(in[0], {3, 1});
       }},
       .bad = {bad<ShapeError>([] {
                 sum_to(some(2, 3), {2, 2});
               }),
               bad<ShapeError>([] {
                 sum_to(some(3), {2, 3});
               })}},
      {.name = "squeeze",
       .cases = {[](In in) { return squeeze(in[0]); }, [](In in) { return squeeze(in[0], -1); }},
       .bad = {bad<IndexError>([] { squeeze(some(2, 1), 2); })}},
      {.name = "unsqueeze",
       .cases = {[](In in) { return unsqueeze(in[0], -1); },
                 [](In in) { return unsqueeze(in[0], 1); }},
       .bad = {bad<IndexError>([] { unsqueeze(some(2, 1), 3); }),
               bad<ShapeError>([] { unsqueeze(some(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), 0); })}},
  };
}

std::vector<OpRow> parts() {
  return {
      {.name = "slice",
       .cases = {[](In in) { return slice(in[0], 0, 1, 4, 2); },
                 [](In in) { return slice(in[0], -1, {}, -1); },
                 [](In in) { return slice(in[0], 1, {}, {}, -2); }},
       .bad = {bad<ValueError>([] { slice(some(3), 0, {}, {}, 0); }),
               bad<IndexError>([] { slice(some(3), 1, {}, {}); }),
               bad<IndexError>([] { slice(some(), 0, {}, {}); })}},
      {.name = "narrow",
       .cases = {[](In in) { return narrow(in[0], 1, 1, 2); },
                 [](In in) { return narrow(in[0], 0, 1, 0); }},
       .bad = {bad<IndexError>([] { narrow(some(3), 0, 2, 2); }),
               bad<IndexError>([] { narrow(some(3), 0, 0, -1); }),
               bad<IndexError>([] { narrow(some(3), 1, 0, 1); })}},
      {.name = "select",
       .cases = {[](In in) { return select(in[0], 0, 1); },
                 [](In in) { return select(in[0], -1, -2); }},
       .bad = {bad<IndexError>([] { select(some(3), 0, 3); }),
               bad<IndexError>([] { select(some(), 0, 0); })}},
      {.name = "flip",
       .cases = {[](In in) {
         return flip(in[0], {0, -1});
       }},
       .bad = {bad<IndexError>([] { flip(some(3), {1}); }), bad<ValueError>([] {
                 flip(some(3), {0, -1});
               })}},
      {.name = "diagonal",
       .cases = {[](In in) { return diagonal(in[0]); }, [](In in) { return diagonal(in[0], 1); },
                 [](In in) { return diagonal(in[0], -1, 1, 2); },
                 [](In in) { return diagonal(in[0], 0, -1, 0); }},
       .bad = {bad<ShapeError>([] { diagonal(some(3)); }),
               bad<ValueError>([] { diagonal(some(3, 3), 0, 1, -1); }),
               bad<IndexError>([] { diagonal(some(3, 3), 0, 0, 2); })}},
      {.name = "diag",
       .cases = {[](In in) { return diag(in[0], 1); }, [](In in) { return diag(in[0], -1); }},
       .bad = {bad<ShapeError>([] { diag(some()); }),
               bad<ShapeError>([] { diag(some(2, 2, 2)); })}},
      {.name = "unbind",
       .cases = {[](In in) { return unbind(in[0], -1)[2]; }},
       .bad = {bad<IndexError>([] { unbind(some(2), 1); }),
               bad<ShapeError>([] { unbind(some()); })}},
      {.name = "split",
       .cases = {[](In in) { return split(in[0], 2, 1)[2]; },
                 [](In in) {
                   return split(in[0], {1, 3}, 0)[1];
                 }},
       .bad = {bad<ValueError>([] { split(some(3), 0); }), bad<ShapeError>([] {
                 split(some(3), {1, 1});
               }),
               bad<ShapeError>([] {
                 split(some(3), {5, 1});
               }),
               bad<IndexError>([] { split(some(3), 1, 1); }), bad<IndexError>([] {
                 split(some(3), {4, -1});
               })}},
      {.name = "chunk",
       .cases = {[](In in) { return chunk(in[0], 3, -1)[0]; }},
       .bad = {bad<ValueError>([] { chunk(some(3), 0); }),
               bad<IndexError>([] { chunk(some(3), 2, 1); })}},
      {.name = "tril",
       .cases = {[](In in) { return tril(in[0]); }, [](In in) { return tril(in[0], 1); },
                 [](In in) { return tril(in[0], -1); }},
       .bad = {bad<ShapeError>([] { tril(some(3)); })}},
      {.name = "triu",
       .cases = {[](In in) { return triu(in[0]); }, [](In in) { return triu(in[0], 1); },
                 [](In in) { return triu(in[0], -1); }},
       .bad = {bad<ShapeError>([] { triu(some(3)); })}},
  };
}

std::vector<OpRow> joined() {
  return {
      {.name = "to",
       .cases = {[](In in) { return to(to(in[0], float64), in[0].dtype()); },
                 [](In in) { return to(in[0], int64); }, [](In in) { return to(in[0], boolean); }}},
      {.name = "clone", .cases = {[](In in) { return clone(in[0]); }}},
      {.name = "contiguous", .cases = {[](In in) { return contiguous(in[0]); }}},
      {.name = "cat",
       .cases = {[](In in) { return cat(all(in), -1); }, [](In in) { return cat(all(in)); }},
       .bad = {bad<ValueError>([] { cat({}); }), bad<ShapeError>([] {
                 cat({some(2, 3), some(3, 2)});
               }),
               bad<ValueError>([] {
                 cat({some(2, 3), Tensor()});
               }),
               bad<ShapeError>([] {
                 cat({some(), some()});
               }),
               bad<ShapeError>([] {
                 cat({some(2, 3), some(2)});
               }),
               bad<IndexError>([] {
                 cat({some(2), some(2)}, 1);
               })}},
      {.name = "stack",
       .cases = {[](In in) { return stack(all(in), 1); }},
       .bad = {bad<ValueError>([] { stack({}); }), bad<ShapeError>([] {
                 stack({some(2), some(3)});
               }),
               bad<IndexError>([] {
                 stack({some(2), some(2)}, 2);
               }),
               bad<ShapeError>([] { stack({some(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)}); })}},
      {.name = "repeat",
       .cases = {[](In in) {
         return repeat(in[0], {2, 1, 3});
       }},
       .bad = {bad<ShapeError>([] { repeat(some(2, 3), {2}); }),
               bad<ValueError>([] { repeat(some(2), {-1}); })}},
      {.name = "tile",
       .cases = {[](In in) { return tile(in[0], {2}); },
                 [](In in) {
                   return tile(in[0], {2, 1, 3});
                 }},
       .bad = {bad<ValueError>([] { tile(some(2), {-1}); })}},
      {.name = "roll",
       .cases = {[](In in) {
         return roll(in[0], {1, -2}, {0, 1});
       }},
       .bad = {bad<ShapeError>([] {
                 roll(some(2, 3), {1, 2}, {0});
               }),
               bad<IndexError>([] { roll(some(2, 3), {1}, {2}); }),
               bad<ValueError>([] { roll(some(2, 3), {}); })}},
      {.name = "pad",
       .cases = {[](In in) {
                   return pad(in[0], {1, 2, 0, 1}, 0.5);
                 },
                 [](In in) {
                   return pad(in[0], {-1, 2});
                 }},
       .bad = {bad<ShapeError>([] { pad(some(2), {1}); }), bad<ShapeError>([] {
                 pad(some(2), {1, 1, 1, 1});
               }),
               bad<ShapeError>([] {
                 pad(some(2), {-2, -1});
               })}},
  };
}

}  // namespace

std::vector<OpRow> shape_rows() {
  std::vector<OpRow> rows = reshaped();
  for (const auto& more : {parts(), joined()}) rows.insert(rows.end(), more.begin(), more.end());
  return rows;
}

}  // namespace attune::test
