#include <attune/autograd.h>
#include <attune/io.h>

#include "../catch.h"

using namespace attune;

TEST_CASE("tensors print as in PyTorch") {
  const io::Safetensors golden = io::load_safetensors(ATTUNE_TEST_DATA "/print.safetensors");
  REQUIRE(golden.arrays.size() > 40);
  for (const auto& [name, array] : golden.arrays) {
    INFO(name);
    CHECK(to_string(Tensor(array)) == golden.metadata.at(name));
  }
}

TEST_CASE("a tensor prints its place on the tape") {
  const Tensor x = tensor({1.f, 2.f}).requires_grad_();
  CHECK(to_string(x) == "tensor([1., 2.], requires_grad=True)");
  CHECK(to_string(x * 1.5f) == "tensor([1.5000, 3.0000], grad_fn=<mul>)");
  CHECK(to_string(x.detach()) == "tensor([1., 2.])");
  CHECK(to_string(Tensor()) == "tensor(undefined)");
}

TEST_CASE("views print what they show") {
  const Tensor x = tensor({{1, 2, 3}, {4, 5, 6}});
  CHECK(to_string(x.transpose(0, 1)) == "tensor([[1, 4],\n        [2, 5],\n        [3, 6]])");
  CHECK(to_string(flip(x.select(0, 1), {0})) == "tensor([6, 5, 4])");
  CHECK(to_string(x.select(0, 0).expand({2, 3})) == "tensor([[1, 2, 3],\n        [1, 2, 3]])");
}

TEST_CASE("what follows the values stays on their line while that ends before column 80") {
  struct Case {
    int64_t rows, count;
    double value;
    DType dtype;
    bool requires_grad;
    std::string end;
  };
  for (const auto& [rows, count, value, dtype, requires_grad, end] : {
           Case{1, 11, 10, bfloat16, false, "10.], dtype=bfloat16)"},
           Case{1, 8, 1000, bfloat16, false, "1000.],\n       dtype=bfloat16)"},
           Case{2, 9, 100, float64, false, "100.]], dtype=float64)"},
           Case{2, 11, 10, float64, false, "10.]],\n       dtype=float64)"},
           Case{1, 5, 1000, bfloat16, true, "1000.], dtype=bfloat16, requires_grad=True)"},
           Case{1, 6, 100, bfloat16, true, "100.], dtype=bfloat16,\n       requires_grad=True)"},
       }) {
    Tensor x = full({rows, count}, value, dtype);
    if (rows == 1) x = x.reshape({count});
    if (requires_grad) x.requires_grad_();
    INFO(to_string(x));
    CHECK_THAT(to_string(x), Catch::Matchers::EndsWith(end));
  }
}
