// Which dtype an operation gives, and what integers, bools and conversions give at their edges.
#include <attune/autograd.h>

#include <cmath>
#include <limits>
#include <string>

#include "../catch.h"

using namespace attune;

namespace {

constexpr int64_t smallest = std::numeric_limits<int64_t>::min();

std::vector<int64_t> whole_numbers(const Tensor& x) { return x.to_vector<int64_t>(); }

}  // namespace

TEST_CASE("the dtype of two operands is PyTorch's: a scalar yields unless its category is higher") {
  const std::vector<DType> dtypes{boolean, int64, float32, float64};
  // result[a][b]; a scalar tensor b decides only where its category is above that of a.
  const DType tensors[4][4] = {{boolean, int64, float32, float64},
                               {int64, int64, float32, float64},
                               {float32, float32, float32, float64},
                               {float64, float64, float64, float64}};
  const DType with_scalar[4][4] = {{boolean, int64, float32, float64},
                                   {int64, int64, float32, float64},
                                   {float32, float32, float32, float32},
                                   {float64, float64, float64, float64}};
  for (size_t a = 0; a < 4; ++a)
    for (size_t b = 0; b < 4; ++b) {
      CAPTURE(std::string(name_of(dtypes[a])), std::string(name_of(dtypes[b])));
      const Tensor vector_a = ones({2}, dtypes[a]), vector_b = ones({2}, dtypes[b]);
      const Tensor scalar_a = ones({}, dtypes[a]), scalar_b = ones({}, dtypes[b]);
      CHECK(mul(vector_a, vector_b).dtype() == tensors[a][b]);
      CHECK(mul(scalar_a, scalar_b).dtype() == tensors[a][b]);
      CHECK(mul(vector_a, scalar_b).dtype() == with_scalar[a][b]);
      CHECK(mul(scalar_b, vector_a).dtype() == with_scalar[a][b]);
    }
}

TEST_CASE("where promotes its constants as arithmetic does") {
  const Tensor condition = tensor({true, false});
  const Tensor chosen = where(condition, tensor({1, 2}), 2.5);
  CHECK(chosen.dtype() == float32);
  CHECK(chosen.to_vector<float>() == std::vector<float>{1, 2.5});
  CHECK(where(condition, 7, tensor({1, 2})).to_vector<int64_t>() == std::vector<int64_t>{7, 2});
  CHECK(where(condition, condition, 2).dtype() == int64);
  CHECK(where(condition, 0.1, ones({2}, float64)).dtype() == float64);
  CHECK(std::isnan(where(condition, tensor({1, 2}), NAN)[1].item<float>()));
}

TEST_CASE("gradients of bfloat16 are added up in float32") {
  const Tensor x = ones({3}, bfloat16).requires_grad_(), y = ones({1}, bfloat16).requires_grad_();
  const auto gradient = [](const Tensor& z, const Tensor& of) {
    const Tensor g = grad({z.to(float32).sum()}, {of})[0];
    CHECK(g.dtype() == bfloat16);
    return g.to(float32).to_vector<float>();
  };
  using Floats = std::vector<float>;
  CHECK(gradient(x * y, y) == Floats{3});
  CHECK(gradient(expand(y, {2, 4}), y) == Floats{8});
  const Tensor twice = tensor({1, 1, 0});
  CHECK(gradient(index_select(x, 0, twice), x) == Floats{1, 2, 0});
  CHECK(gradient(gather(x, 0, twice), x) == Floats{1, 2, 0});
  const Tensor table = ones({3, 2}, bfloat16).requires_grad_();
  CHECK(gradient(embedding(twice, table) + embedding(twice, table), table) ==
        Floats{2, 2, 4, 4, 0, 0});
}

TEST_CASE("arithmetic of bools is logic") {
  const Tensor a = tensor(std::vector<int64_t>{0, 0, 1, 1}, {4}).to(boolean);
  const Tensor b = tensor(std::vector<int64_t>{0, 1, 0, 1}, {4}).to(boolean);
  const std::vector<int64_t> either{0, 1, 1, 1}, both{0, 0, 0, 1};
  for (const Tensor& y : {a + b, maximum(a, b)}) {
    CHECK(y.dtype() == boolean);
    CHECK(whole_numbers(y.to(int64)) == either);
  }
  for (const Tensor& y : {a * b, minimum(a, b)}) {
    CHECK(y.dtype() == boolean);
    CHECK(whole_numbers(y.to(int64)) == both);
  }
}

TEST_CASE("integers have the sign that they show") {
  const Tensor x = tensor(std::vector<int64_t>{smallest, -1, 0, 1, 7}, {5});
  CHECK(whole_numbers(sign(x)) == std::vector<int64_t>{-1, -1, 0, 1, 1});
}

TEST_CASE("what no int64 holds becomes the smallest one") {
  const Tensor x = tensor(std::vector<double>{0x1p63, 9.25e18, 1e300, 0x1p62, -0x1p63, -1e19}, {6});
  const std::vector<int64_t> expected{smallest,         smallest, smallest,
                                      int64_t{1} << 62, smallest, smallest};
  CHECK(whole_numbers(x.to(int64)) == expected);
  CHECK(whole_numbers(x.to(float32).to(int64)) == expected);
}

TEST_CASE("whole numbers are multiplied and added up as floating ones are") {
  manual_seed(1);
  const auto numbers = [](const Shape& shape) { return randint(-9, 10, shape); };
  const auto same = [](const Tensor& found, const Tensor& expected) {
    REQUIRE(found.dtype() == int64);
    CHECK(found.shape() == expected.shape());
    CHECK(found.to(float64).to_vector<double>() == expected.to_vector<double>());
  };
  const auto floating = [](const Tensor& x) { return x.to(float64); };
  const Tensor a = numbers({2, 3, 4}), b = numbers({2, 4, 5}), c = numbers({5, 4});
  same(matmul(a, b), matmul(floating(a), floating(b)));
  same(matmul(a, transpose(c, 0, 1)), matmul(floating(a), transpose(floating(c), 0, 1)));
  const Tensor x = numbers({3, 4}), rows = tensor(std::vector<int64_t>{2, 0, 2}, {3});
  const Tensor added = numbers({3, 4}), places = randint(3, {3, 4});
  same(index_add(x, 0, rows, added), index_add(floating(x), 0, rows, floating(added)));
  same(scatter_add(x, 0, places, added), scatter_add(floating(x), 0, places, floating(added)));
}

TEST_CASE("beside bfloat16, a scalar tensor is rounded to it") {
  const Tensor narrow = to(tensor({0.1f, 256.f}), bfloat16);
  CHECK(eq(narrow, tensor(0.1f)).to_vector<bool>() == std::vector<bool>{true, false});
  CHECK(to(narrow + tensor(1.001f), float32).to_vector<float>()[1] == 256);
}

TEST_CASE("bfloat16 is rounded once, not at every step of a formula") {
  const auto narrow = [](float value) { return to(tensor({value}), bfloat16).requires_grad_(); };
  const auto value = [](const Tensor& x) {
    CHECK(x.dtype() == bfloat16);
    return to(x, float32).item<float>();
  };
  const auto nearest = [&](float exact) { return value(to(tensor({exact}), bfloat16)); };
  const auto slope = [&](Tensor (*f)(const Tensor&), float at, bool create_graph) {
    const Tensor x = narrow(at);
    return value(grad({f(x)}, {x}, {ones({1}, bfloat16)}, {.create_graph = create_graph})[0]);
  };
  for (const bool create_graph : {false, true}) {
    CHECK(slope([](const Tensor& x) { return elu(x); }, -6, create_graph) ==
          nearest(std::exp(-6.f)));
  }
  // Near the zero of its derivative.
  CHECK(slope([](const Tensor& x) { return gelu(x); }, -0.75390625f, true) ==
        slope([](const Tensor& x) { return gelu(x); }, -0.75390625f, false));
  CHECK(slope([](const Tensor& x) { return gelu(x, "tanh"); }, -0.75390625f, true) ==
        slope([](const Tensor& x) { return gelu(x, "tanh"); }, -0.75390625f, false));
  const float start = -3.359375f, end = nearest(4.9f);
  const float between = nearest(start + 0.4f * (end - start));
  CHECK(value(lerp(narrow(start), narrow(end), 0.4)) == between);
  CHECK(value(lerp(reshape(narrow(start), {}), reshape(narrow(end), {}), 0.4)) == between);
}

TEST_CASE("numbers that int64 does not hold are refused, and the smallest is not") {
  CHECK(full({1}, -0x1p63, int64).item<int64_t>() == smallest);
  CHECK(clamp(tensor({smallest, int64_t{5}}), -0x1p63, 3).dtype() == int64);
  for (const double beyond : {0x1p63, -1e30, double{INFINITY}, double{NAN}}) {
    CAPTURE(beyond);
    CHECK_THROWS_AS(full({1}, beyond, int64), ValueError);
    CHECK_THROWS_AS(linspace(beyond, 1, 2, int64), ValueError);
    CHECK_THROWS_AS(linspace(1, beyond, 2, int64), ValueError);
    const Tensor x = tensor({1}), matrix = tensor({{1}});
    CHECK_THROWS_AS(index_add(x, 0, tensor({0}), x, beyond), ValueError);
    CHECK_THROWS_AS(addmm(matrix, matrix, matrix, 1, beyond), ValueError);
    CHECK_THROWS_AS(addmm(matrix, matrix, matrix, beyond, 1), ValueError);
  }
}
