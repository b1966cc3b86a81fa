#include <attune/autograd.h>

#include "op_rows.h"

namespace attune::test {

std::vector<OpRow> index_rows() {
  return {
      {.name = "index_select",
       .cases = {[](In in) { return index_select(in[0], 0, in[1]); },
                 [](In in) { return index_select(in[0], -1, in[1]); }},
       .bad = {bad<IndexError>([] { index_select(some(1, 3), 0, whole(2)); }),
               bad<IndexError>([] { index_select(some(2, 3), 2, whole(2)); }),
               bad<DTypeError>([] { index_select(some(2, 3), 0, some(2)); }),
               bad<ShapeError>([] { index_select(some(2, 3), 0, whole(2, 2)); }),
               bad<ShapeError>([] { index_select(some(), 0, whole(2)); })}},
      {.name = "embedding",
       .cases = times(2, [](In in) { return embedding(in[0], in[1]); }),
       .bad = {bad<IndexError>([] { embedding(whole(2), some(1, 3)); }),
               bad<IndexError>([] { embedding(whole(2), some(2, 3), 2); }),
               bad<DTypeError>([] { embedding(some(2), some(2, 3)); }),
               bad<ShapeError>([] { embedding(whole(2), some(3)); })}},
      {.name = "gather",
       .cases = {[](In in) { return gather(in[0], 1, in[1]); },
                 [](In in) { return gather(in[0], -2, in[1]); }},
       .bad = {bad<IndexError>([] { gather(some(1, 3), 0, whole(1, 3)); }),
               bad<IndexError>([] { gather(some(2, 3), 2, whole(1, 3)); }),
               bad<DTypeError>([] { gather(some(2, 3), 0, some(1, 3)); }),
               bad<ShapeError>([] { gather(some(2, 3), 0, whole(3)); }),
               bad<ShapeError>([] { gather(some(2, 3), 0, whole(1, 4)); })}},
      {.name = "take_along_dim",
       .cases = times(2, [](In in) { return take_along_dim(in[0], in[1], 1); }),
       .bad = {bad<IndexError>([] { take_along_dim(some(1, 3), whole(1, 3), 0); }),
               bad<IndexError>([] { take_along_dim(some(2, 3), whole(1, 3), 2); }),
               bad<DTypeError>([] { take_along_dim(some(2, 3), some(1, 3), 0); }),
               bad<ShapeError>([] { take_along_dim(some(2, 3), whole(3), 0); }),
               bad<ShapeError>([] { take_along_dim(some(2, 3), whole(1, 2), 0); })}},
      {.name = "scatter_add",
       .cases = {[](In in) { return scatter_add(in[0], 0, in[1], in[2]); },
                 [](In in) { return scatter_add(in[0], -1, in[1], in[2]); }},
       .bad = {bad<IndexError>([] { scatter_add(some(1, 3), 0, whole(1, 3), some(1, 3)); }),
               bad<IndexError>([] { scatter_add(some(2, 3), 2, whole(1, 3), some(1, 3)); }),
               bad<DTypeError>([] { scatter_add(some(2, 3), 0, some(1, 3), some(1, 3)); }),
               bad<DTypeError>([] { scatter_add(some(2, 3), 0, whole(1, 3), whole(1, 3)); }),
               bad<ShapeError>([] { scatter_add(some(2, 3), 0, whole(1, 3), some(1, 2)); }),
               bad<ShapeError>([] { scatter_add(some(2, 3), 0, whole(1, 3), some(3)); })}},
      {.name = "one_hot",
       .cases = {[](In in) { return one_hot(in[0], 5); }, [](In in) { return one_hot(in[0]); }},
       .bad = {bad<IndexError>([] { one_hot(whole(2), 1); }),
               bad<IndexError>([] { one_hot(-whole(2)); }),
               bad<DTypeError>([] { one_hot(some(2)); }),
               bad<ValueError>([] { one_hot(whole(0)); })}},
  };
}

}  // namespace attune::test
