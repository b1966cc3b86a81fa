#include <attune/array.h>
#include <attune/autograd.h>
#include <attune/nn.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "../catch.h"
#include "../scratch.h"

using namespace attune;

namespace {

// The row of an operation; all zero where there is none.
ProfileRow row_of(const std::vector<ProfileRow>& rows, const std::string& name, bool backward) {
  for (const ProfileRow& row : rows)
    if (row.name == name && row.backward == backward) return row;
  return {};
}

double self_seconds(const std::vector<ProfileRow>& rows) {
  double sum = 0;
  for (const ProfileRow& row : rows) sum += row.self_seconds;
  return sum;
}

struct Block : nn::Module {
  nn::Linear up = child("up", nn::Linear(16, 32));
  Tensor operator()(const Tensor& x) const {
    auto scope = enter();
    return gelu(up(x));
  }
};

struct Net : nn::Module {
  std::vector<Block> h = children("h", 2, [](int64_t) { return Block(); });
  Tensor operator()(const Tensor& x) const {
    auto scope = enter();
    return sum(h[0](x) + h[1](x));
  }
};

}  // namespace

TEST_CASE("a profiler counts calls, arithmetic and memory, forward and backward apart") {
  const Tensor x = randn({8, 16}).requires_grad_(), w = randn({32, 16}).requires_grad_();
  Profiler profiler;
  const Tensor y = linear(x, w);
  const Tensor z = exp(y);
  z.backward(ones({8, 32}));
  profiler.stop();
  exp(y);  // unseen

  const auto rows = profiler.by_operation();
  const double product = 2.0 * 8 * 16 * 32;
  const ProfileRow forward = row_of(rows, "linear", false);
  CHECK(forward.calls == 1);
  CHECK(forward.flops == product);
  CHECK(forward.bytes_moved == 4 * (8 * 16 + 16 * 32 + 8 * 32));
  CHECK(forward.bytes_allocated == 4 * 8 * 32);
  CHECK(row_of(rows, "exp", false).calls == 1);
  CHECK(row_of(rows, "exp", false).bytes_allocated == 4 * 8 * 32);

  const ProfileRow backward = row_of(rows, "linear", true), products = row_of(rows, "matmul", true);
  CHECK(backward.calls == 1);
  CHECK(backward.flops + products.flops == 2 * product);
  CHECK(products.calls == 2);
  CHECK(row_of(rows, "exp", true).calls == 1);
  CHECK(row_of(rows, "mul", true).calls == 1);
}

TEST_CASE("products of integers are arithmetic too") {
  const Tensor a = ones({7, 13}, int64), b = ones({13, 5}, int64);
  Profiler profiler;
  matmul(a, b);
  profiler.stop();
  const ProfileRow row = row_of(profiler.by_operation(), "matmul", false);
  CHECK(row.flops == 2.0 * 7 * 13 * 5);
  CHECK(row.bytes_moved == 8 * (7 * 13 + 13 * 5 + 7 * 5));
}

TEST_CASE("time with what was called is told from an operation's own") {
  const Tensor x = randn({64, 64}).requires_grad_(), w = randn({64, 64}).requires_grad_();
  Profiler profiler;
  {
    const Span span("mine");
    sum(linear(x, w)).backward();
  }
  profiler.stop();
  const auto rows = profiler.by_operation();
  const ProfileRow mine = row_of(rows, "mine", false), backward = row_of(rows, "linear", true);
  const double inside = row_of(rows, "matmul", true).seconds;
  CHECK(inside > 0);
  CHECK(backward.seconds >= inside);
  CHECK(backward.self_seconds <= backward.seconds - inside + 1e-9);
  CHECK(mine.seconds >= backward.seconds);
  CHECK(mine.self_seconds < mine.seconds);
  // Every moment counts once.
  CHECK(self_seconds(rows) == Approx(mine.seconds).epsilon(1e-9));
  CHECK(self_seconds(rows) <= profiler.seconds());
}

TEST_CASE("an operation made of others is one call, and an operation in itself is no double time") {
  const Tensor q = randn({1, 2, 8, 4}).requires_grad_(), x = randn({6});
  Profiler profiler;
  scaled_dot_product_attention(q, q, q, Mask::causal()).backward(ones({1, 2, 8, 4}));
  nan_to_num(x);
  profiler.stop();
  const auto rows = profiler.by_operation();
  const ProfileRow forward = row_of(rows, "scaled_dot_product_attention", false);
  const ProfileRow backward = row_of(rows, "scaled_dot_product_attention", true);
  CHECK(forward.calls == 1);
  CHECK(backward.calls == 1);
  // Two products and five, of 2 heads with 8 by 8 scores each.
  CHECK(forward.flops == 2 * 2.0 * 2 * 8 * 8 * 4);
  CHECK(backward.flops == 5 * 2.0 * 2 * 8 * 8 * 4);
  CHECK(row_of(rows, "nan_to_num", false).calls == 1);
  CHECK(row_of(rows, "where", false).calls == 3);
  for (const ProfileRow& row : rows) CHECK(row.seconds <= profiler.seconds());
}

TEST_CASE("attention multiplies what the diagonal leaves of its tiles") {
  const Tensor q = randn({1, 128, 4}).requires_grad_();
  Profiler profiler;
  scaled_dot_product_attention(q, q, q, Mask::causal()).backward(ones({1, 128, 4}));
  profiler.stop();
  const auto rows = profiler.by_operation();
  // 32 queries at a time.
  const double scores = 32 * (32 + 64 + 96 + 128);
  CHECK(row_of(rows, "scaled_dot_product_attention", false).flops == 2 * 2 * scores * 4);
  CHECK(row_of(rows, "scaled_dot_product_attention", true).flops == 5 * 2 * scores * 4);
}

TEST_CASE("modules show what ran in them and below, layers by themselves or as one") {
  const Net net;
  const Tensor x = randn({4, 16});
  Profiler profiler;
  net(x).backward();
  profiler.stop();

  const double product = 2.0 * 4 * 16 * 32;
  const auto layers = profiler.by_module(false);
  CHECK(row_of(layers, "h.0.up", false).flops == product);
  CHECK(row_of(layers, "h.1", false).flops == product);
  CHECK(row_of(layers, "h.1", false).calls == 1);
  CHECK(row_of(layers, "h.1", true).flops == product);  // its input needs no gradient
  CHECK(row_of(layers, "", false).flops == 2 * product);
  CHECK(row_of(layers, "h", false).seconds == 0);  // part of a name, no module

  const auto merged = profiler.by_module();
  const ProfileRow up = row_of(merged, "h.*.up", false), block = row_of(merged, "h.*", false);
  CHECK(up.calls == 2);
  CHECK(up.flops == 2 * product);
  CHECK(block.flops == 2 * product);
  CHECK(block.seconds > up.seconds);
  CHECK(block.self_seconds == Approx(block.seconds - up.seconds).epsilon(1e-6));
}

TEST_CASE("a profile prints as a table and is written as a trace") {
  const ScratchFolder folder;
  const Net net;
  Profiler profiler;
  net(randn({4, 16})).backward();
  profiler.stop();
  const std::string table = profiler.table({.flops = 1e12, .bytes = 1e12}, 3);
  CHECK_THAT(table, Catch::Matchers::Matches("[^]*others\\) +[0-9][^]*"));
  CHECK_THAT(table, Catch::Matchers::ContainsSubstring("h.*.up"));
  CHECK_THAT(table, Catch::Matchers::ContainsSubstring("1000.0 GFLOP/s"));

  profiler.export_chrome_trace(folder / "trace.json");
  std::ifstream file(folder / "trace.json");
  const auto trace = nlohmann::json::parse(file);
  int linears = 0;
  for (const auto& event : trace["traceEvents"]) {
    CHECK(event["ph"].get<std::string>() == "X");
    CHECK(event["dur"].get<double>() >= 0);
    if (event["name"].get<std::string>() == "linear" &&
        event["cat"].get<std::string>() == "forward") {
      ++linears;
      CHECK(event["args"]["flops"].get<double>() == 2.0 * 4 * 16 * 32);
    }
  }
  CHECK(linears == 2);
  CHECK_THROWS_AS(profiler.export_chrome_trace(folder / "none/trace.json"), IoError);
}

TEST_CASE("a profiler sees its own thread, wherever it begins and whatever fails") {
  const Tensor x = randn({4, 4});
  std::optional<Profiler> profiler;
  {
    const Span opened_before("before");
    profiler.emplace();
    CHECK_THROWS_AS(Profiler(), ValueError);
    std::thread([&] {
      Profiler other;
      exp(x);
      CHECK(row_of(other.by_operation(), "exp", false).calls == 1);
    }).join();
    CHECK_THROWS_AS(addmm(x, x, randn({3, 4})), ShapeError);
    log(x);
  }
  exp(x);
  profiler->stop();
  const auto rows = profiler->by_operation();
  CHECK(row_of(rows, "exp", false).calls == 1);
  CHECK(row_of(rows, "log", false).calls == 1);
  CHECK(row_of(rows, "addmm", false).calls == 1);
  CHECK(row_of(rows, "before", false).calls == 0);
  CHECK_NOTHROW(Profiler());
}

TEST_CASE("the limits of the machine are positive") {
  const MachineLimits limits = measure_limits();
  CHECK(limits.flops > 1e8);
  CHECK(limits.bytes > 1e7);
}
