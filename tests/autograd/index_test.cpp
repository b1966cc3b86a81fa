#include <attune/autograd.h>

#include <functional>
#include <string>
#include <vector>

#include "../catch.h"

using namespace attune;

namespace {

using Doubles = std::vector<double>;

// 0, 1, 2, … in a shape, collecting gradients.
Tensor counted(const Shape& shape) {
  return arange(0., static_cast<double>(shape.numel()), 1., float64)
      .reshape(shape)
      .clone()
      .requires_grad_();
}

Tensor indices(const std::vector<int64_t>& values) { return tensor(values); }

bool equal(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.to_vector<double>() == b.to_vector<double>();
}

template <class E, class F>
std::string message(F&& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return "nothing was thrown";
}

bool shares(const Tensor& a, const Tensor& b) { return a.array().shares_storage(b.array()); }

}  // namespace

TEST_CASE("views share memory with what they show") {
  const Tensor x = counted({2, 3, 4});
  CHECK(shares(view(x, {6, 4}), x));
  CHECK(shares(reshape(x, {4, 6}), x));
  CHECK(shares(transpose(x, 0, 2), x));
  CHECK(shares(permute(x, {2, 0, 1}), x));
  CHECK(shares(expand(unsqueeze(x, 0), {5, -1, -1, -1}), x));
  CHECK(shares(squeeze(narrow(x, 0, 1, 1)), x));
  CHECK(shares(slice(x, 2, 3, {}, -2), x));
  CHECK(shares(select(x, 1, -1), x));
  CHECK(shares(flip(x, {0, 1}), x));
  CHECK(shares(split(x, 2, 2)[1], x));
  CHECK(shares(chunk(x, 2, -1)[1], x));
  CHECK_FALSE(shares(reshape(transpose(x, 0, 2), {24}), x));
}

TEST_CASE("a part may be as long as all there is, or longer") {
  const Tensor x = arange(int64_t{1} << 13);
  for (const int64_t size : {x.numel(), 2 * x.numel(), int64_t{1} << 62}) {
    const auto parts = split(x, size);
    REQUIRE(parts.size() == 1);
    CHECK(parts[0].shape() == x.shape());
  }
}

TEST_CASE("view refuses what needs a copy") {
  const Tensor x = counted({2, 3});
  CHECK_THROWS_AS(view(transpose(x, 0, 1), {6}), ShapeError);
  CHECK_THROWS_AS(view(x, {4}), ShapeError);
  CHECK(reshape(transpose(x, 0, 1), {-1}).to_vector<double>() == Doubles{0, 3, 1, 4, 2, 5});
}

TEST_CASE("a size of nothing is inferred where it can be told") {
  const Tensor none = zeros({0, 3});
  CHECK(reshape(none, {-1}).shape() == Shape{0});
  CHECK(reshape(none, {-1, 3}).shape() == Shape{0, 3});
  CHECK(view(none, {5, -1}).shape() == Shape{5, 0});
  CHECK_THROWS_AS(reshape(none, {0, -1}), ShapeError);
}

TEST_CASE("what is no view never shares memory, even where nothing moves") {
  const Tensor x = counted({2}), whole = tensor({1, 2});
  for (const Tensor& y :
       {repeat(x, {1}), repeat(x, {1, 1}), tile(x, {1}), roll(x, {0}, {0}), roll(x, {2}, {0})})
    CHECK_FALSE(shares(x, y));
  CHECK_FALSE(shares(whole, nan_to_num(whole)));
}

TEST_CASE("a softmax of any dimension lies row by row") {
  const Tensor x = counted({3, 4});
  CHECK(view(softmax(x, 0), {12}).shape() == Shape{12});
  CHECK(view(log_softmax(x, 0), {12}).shape() == Shape{12});
}

TEST_CASE("an empty vector that cat passes over has its dtype and its place on the tape") {
  const Tensor none = zeros({0}, float64).requires_grad_(), x = ones({2, 2}).requires_grad_();
  const Tensor y = cat({none, x});
  CHECK(y.dtype() == float64);
  CHECK(y.shape() == Shape{2, 2});
  const auto gradients = grad({y.sum()}, {none, x});
  CHECK(gradients[0].shape() == Shape{0});
  CHECK(gradients[1].to_vector<float>() == std::vector<float>(4, 1));
}

TEST_CASE("the gradient of a slice lies where the slice was") {
  const Tensor x = counted({5});
  slice(x, 0, 4, {}, -2).backward(tensor(Doubles{1, 2, 3}, {3}));
  CHECK(x.grad().to_vector<double>() == Doubles{3, 0, 2, 0, 1});
}

TEST_CASE("views are differentiated twice") {
  // With y = sum of v², v the elements seen, the second derivative along d is 2 d where seen.
  const Tensor d = tensor(Doubles{1, 10, 100, 1000, 5, 6}, {2, 3});
  const auto second = [&](const auto& seen) {
    const Tensor x = counted({2, 3});
    const Tensor v = seen(x);
    const Tensor g = grad({(v * v).sum()}, {x}, {}, {.create_graph = true})[0];
    return grad({(g * d).sum()}, {x})[0].template to_vector<double>();
  };
  CHECK(second([](const Tensor& x) { return select(x, 1, 1); }) == Doubles{0, 20, 0, 0, 10, 0});
  CHECK(second([](const Tensor& x) { return slice(x, 1, 0, {}, 2); }) ==
        Doubles{2, 0, 200, 2000, 0, 12});
  CHECK(second([](const Tensor& x) { return diagonal(x); }) == Doubles{2, 0, 0, 0, 10, 0});
  CHECK(second([](const Tensor& x) { return tril(x); }) == Doubles{2, 0, 0, 2000, 10, 0});
  CHECK(second([](const Tensor& x) { return pad(x, {-1, 1}); }) == Doubles{0, 20, 200, 0, 10, 12});
  CHECK(second([](const Tensor& x) { return roll(x, {1}); }) == Doubles{2, 20, 200, 2000, 10, 12});
  CHECK(second([](const Tensor& x) { return index_select(x, 0, indices({1})); }) ==
        Doubles{0, 0, 0, 2000, 10, 12});
  CHECK(second([](const Tensor& x) { return embedding(indices({-1}), x); }) ==
        Doubles{0, 0, 0, 2000, 10, 12});
  CHECK(second([](const Tensor& x) {
          return gather(x, 1, tensor({{1}, {2}}));
        }) == Doubles{0, 20, 0, 0, 0, 12});
  CHECK(second([](const Tensor& x) {
          return cat({x, select(x, 1, 0).unsqueeze(1)}, 1);
        }) == Doubles{4, 20, 200, 4000, 10, 12});
}

TEST_CASE("repeated indices add their gradients") {
  const Tensor table = counted({3, 2});
  embedding(tensor({{2, 0}, {2, -1}}), table).sum().backward();
  CHECK(table.grad().to_vector<double>() == Doubles{1, 1, 0, 0, 3, 3});
}

TEST_CASE("slices of any size add up where their index says") {
  const Tensor picks = indices({2, 0, -1, 2, 3});
  const Tensor chosen = transpose(one_hot(indices({2, 0, 3, 2, 3})), 0, 1).to(float64);
  for (const int64_t size : {1, 255, 256, 257, 600}) {
    const Tensor x = counted({3, 4, size}), source = counted({3, 5, size});
    const Tensor sum = index_add(x, 1, picks, source), expected = x + matmul(chosen, source);
    CHECK(sum.to_vector<double>() == expected.to_vector<double>());
    const Tensor cotangent = counted({3, 4, size}).detach();
    const auto found = grad({sum}, {x, source}, {cotangent});
    CHECK(found[0].to_vector<double>() == cotangent.to_vector<double>());
    CHECK(found[1].to_vector<double>() == index_select(cotangent, 1, picks).to_vector<double>());
  }
}

TEST_CASE("the padding row of an embedding gets no gradient") {
  const Tensor table = counted({3, 2}), table2 = counted({3, 2});
  const Tensor rows = embedding(tensor({{2, 0}, {2, 1}}), table, 2);
  CHECK(rows.to_vector<double>() == Doubles{4, 5, 0, 1, 4, 5, 2, 3});
  rows.sum().backward();
  CHECK(table.grad().to_vector<double>() == Doubles{1, 1, 1, 1, 0, 0});
  embedding(tensor({{2, 0}, {-1, 1}}), table2, -1).sum().backward();
  CHECK(table2.grad().to_vector<double>() == Doubles{1, 1, 1, 1, 0, 0});
  CHECK_THROWS_AS(embedding(indices({0}), table, 3), IndexError);
}

TEST_CASE("scatter_add leaves unused elements of the source without gradient") {
  const Tensor x = counted({3}), source = counted({4});
  const Tensor y = scatter_add(x, 0, indices({2, 2, -3}), source);
  CHECK(y.to_vector<double>() == Doubles{2, 1, 3});
  y.backward(tensor(Doubles{1, 2, 3}, {3}));
  CHECK(x.grad().to_vector<double>() == Doubles{1, 2, 3});
  CHECK(source.grad().to_vector<double>() == Doubles{3, 3, 1, 0});
}

TEST_CASE("scalars are gathered and scattered") {
  const Tensor x = tensor(3.).requires_grad_();
  CHECK(gather(x, 0, tensor(0)).item<double>() == 3);
  CHECK(scatter_add(x, -1, tensor(0), tensor(4.)).item<double>() == 7);
}

TEST_CASE("a scalar and a vector of one are alike to gather and scatter_add") {
  const Tensor x = tensor({1.0, 2.0, 3.0}), zero = tensor(0), twice = tensor({0, 0});
  CHECK(gather(x, 0, tensor(2)).shape() == Shape{});
  CHECK(gather(x, 0, tensor(2)).item<double>() == 3);
  CHECK(scatter_add(x, 0, zero, tensor(5.0)).to_vector<double>() == std::vector<double>{6, 2, 3});
  const Tensor sum = scatter_add(tensor(1.0), 0, twice, tensor({1.0, 2.0}));
  CHECK(sum.shape() == Shape{});
  CHECK(sum.item<double>() == 4);
  CHECK_THROWS_WITH(scatter_add(tensor(1.f), 0, twice, tensor(1.f)),
                    Catch::Matchers::ContainsSubstring("scatter_add: "));
}

TEST_CASE("indices and dimensions count from the end as far as there are any") {
  const Tensor x = counted({4, 2}).detach(), one = ones({1, 2}, float64);
  using At = std::function<Tensor(int64_t)>;
  const At indexed[] = {
      [&](int64_t i) { return index_select(x, 0, indices({i})); },
      [&](int64_t i) { return index_add(x, 0, indices({i}), one); },
      [&](int64_t i) { return embedding(indices({i}), x); },
      [&](int64_t i) {
        return gather(x, 0, tensor({{i, i}}));
      },
      [&](int64_t i) {
        return scatter_add(x, 0, tensor({{i, i}}), one);
      },
      [&](int64_t i) { return select(x, 0, i); },
      [&](int64_t i) { return narrow(x, 0, i, 1); },
      [&](int64_t i) {
        const Tensor table = counted({4, 2});
        return grad({sum(embedding(indices({0, 1}), table, i))}, {table})[0];
      },
  };
  for (const At& at : indexed) {
    INFO("index of call " << &at - indexed);
    CHECK(at(-4).to_vector<double>() == at(0).to_vector<double>());
    CHECK(at(-1).to_vector<double>() == at(3).to_vector<double>());
    CHECK_THROWS_AS(at(-5), IndexError);
    CHECK_THROWS_AS(at(4), IndexError);
  }
  CHECK(narrow(x, 0, 4, 0).shape() == Shape{0, 2});
  const At along[] = {
      [&](int64_t d) { return sum(x, {d}); },
      [&](int64_t d) { return cumsum(x, d); },
      [&](int64_t d) { return softmax(x, d); },
      [&](int64_t d) { return argmax(x, d).to(float64); },
      [&](int64_t d) { return sort(x, d).values; },
      [&](int64_t d) { return select(x, d, 1); },
      [&](int64_t d) { return index_select(x, d, indices({1})); },
      [&](int64_t d) {
        return cat({x, x}, d);
      },
      [&](int64_t d) { return flip(x, {d}); },
      [&](int64_t d) { return roll(x, {1}, {d}); },
  };
  for (const At& dim : along) {
    INFO("dimension of call " << &dim - along);
    for (const int64_t d : {0, 1}) CHECK(equal(dim(d - 2), dim(d)));
    CHECK_THROWS_AS(dim(-3), IndexError);
    CHECK_THROWS_AS(dim(2), IndexError);
  }
}

TEST_CASE("an index out of range is named with its range") {
  const Tensor x = counted({4, 2});
  const auto selected = [&] { index_select(x, 0, indices({1, 4})); };
  CHECK(message<IndexError>(selected) ==
        "index_select: index 4 at position 1 is out of range for size 4");
  const auto below = [&] { embedding(indices({-5}), x); };
  CHECK(message<IndexError>(below) ==
        "embedding: index -5 at position 0 is out of range for size 4");
  CHECK_THROWS_AS(gather(x, 1, tensor({{2}})), IndexError);
  CHECK_THROWS_AS(scatter_add(x, 1, tensor({{-3}}), x), IndexError);
  CHECK_THROWS_AS(one_hot(indices({3}), 3), IndexError);
  CHECK_THROWS_AS(one_hot(indices({-1}), 3), IndexError);
  CHECK_THROWS_AS(narrow(x, 0, 3, 2), IndexError);
  CHECK_THROWS_AS(select(x, 0, 4), IndexError);
  CHECK_THROWS_AS(transpose(x, 0, 2), IndexError);
}

TEST_CASE("shapes and dtypes that do not fit are refused") {
  const Tensor x = counted({4, 2});
  CHECK_THROWS_AS(index_select(x, 0, select(x, 1, 0)), DTypeError);
  CHECK_THROWS_AS(embedding(indices({0}), counted({4})), ShapeError);
  CHECK_THROWS_AS(gather(x, 0, indices({0})), ShapeError);
  CHECK_THROWS_AS(gather(x, 0, tensor({{0, 0, 0}})), ShapeError);
  CHECK_THROWS_AS(cat({x, counted({4, 3})}, 0), ShapeError);
  CHECK_THROWS_AS(cat({}, 0), ValueError);
  CHECK_THROWS_AS(stack({x, counted({2, 4})}), ShapeError);
  CHECK_THROWS_AS(split(x, {1, 2}, 0), ShapeError);
  CHECK_THROWS_AS(split(x, 0), ValueError);
  CHECK_THROWS_AS(chunk(x, 0), ValueError);
  CHECK_THROWS_AS(repeat(x, {2}), ShapeError);
  CHECK_THROWS_AS(roll(x, {1, 2}, {0}), ShapeError);
  CHECK_THROWS_AS(pad(x, {1}), ShapeError);
  CHECK_THROWS_AS(pad(x, {-2, -1}), ShapeError);
  CHECK_THROWS_AS(tril(indices({1})), ShapeError);
}

TEST_CASE("operations reach the most dimensions there can be") {
  const Tensor x = counted({1, 2, 1, 1, 2, 1, 1, 1, 2, 1, 1, 2}), source = counted(x.shape());
  const std::vector<int64_t> around(2 * max_dims, 1);
  CHECK(pad(x, around).shape() == Shape{3, 4, 3, 3, 4, 3, 3, 3, 4, 3, 3, 4});
  CHECK(repeat(x, Shape::filled(max_dims, 2)).numel() == 16 << 12);
  const Tensor index = zeros({1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2}, int64);
  scatter_add(x, -1, index, source).sum().backward();
  CHECK(source.grad().sum().item<double>() == 2);
  const std::vector<int64_t> ones(20, 1);
  CHECK(split(counted({20}), ones).size() == 20);
}

TEST_CASE("split and chunk count as PyTorch's") {
  const auto sizes = [](const std::vector<Tensor>& parts) {
    std::vector<int64_t> result;
    for (const Tensor& part : parts) result.push_back(part.size(0));
    return result;
  };
  using Sizes = std::vector<int64_t>;
  CHECK(sizes(split(zeros({7}), 3)) == Sizes{3, 3, 1});
  CHECK(sizes(split(zeros({0}), 3)) == Sizes{0});
  CHECK(sizes(chunk(zeros({10}), 4)) == Sizes{3, 3, 3, 1});
  CHECK(sizes(chunk(zeros({5}), 4)) == Sizes{2, 2, 1});
  CHECK(sizes(chunk(zeros({0}), 3)) == Sizes{0, 0, 0});
}

TEST_CASE("index_add counts the whole part of what scales integers") {
  const Tensor sums = index_add(tensor({1, 2}), 0, indices({0, 1}), tensor({1, 2}), 2.5);
  CHECK(sums.to_vector<int64_t>() == std::vector<int64_t>{3, 6});
}

TEST_CASE("one_hot counts its classes") {
  CHECK_THROWS_AS(one_hot(tensor({0, 1}), -2), ValueError);
  CHECK(one_hot(indices({2, 0})).to_vector<int64_t>() == std::vector<int64_t>{0, 0, 1, 1, 0, 0});
  CHECK(one_hot(tensor(1), 3).to_vector<int64_t>() == std::vector<int64_t>{0, 1, 0});
  CHECK(one_hot(zeros({0}, int64), 3).shape() == Shape{0, 3});
}

TEST_CASE("sums over repeated rows are the same bits on any number of threads") {
  const auto gradient = [](int threads) {
    set_num_threads(threads);
    manual_seed(1);
    const Tensor table = randn({7, 600}).requires_grad_();
    const Tensor rows = embedding(randint(7, {500}), table);
    rows.backward(randn({500, 600}));
    return table.grad().to_vector<float>();
  };
  const int before = num_threads();
  const auto one = gradient(1), four = gradient(4);
  set_num_threads(before);
  CHECK(one == four);
}
