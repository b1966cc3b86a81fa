#include <attune/autograd.h>

#include <pthread.h>

#include <exception>
#include <functional>
#include <stdexcept>
#include <vector>

#include "../catch.h"
#include "../sanitized.h"

using namespace attune;

namespace {

constexpr int64_t operations = sanitized ? 100'000 : 1'000'000;

// Runs f on a thread with a stack of 256 KiB. The whole process runs under `ulimit -s 256` too.
void on_small_stack(std::function<void()> f) {
  struct Job {
    std::function<void()> f;
    std::exception_ptr error;
  } job{std::move(f), nullptr};
  auto run = [](void* argument) -> void* {
    auto* mine = static_cast<Job*>(argument);
    try {
      mine->f();
    } catch (...) {
      mine->error = std::current_exception();
    }
    return nullptr;
  };
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, size_t{256} << 10);
  pthread_t thread;
  REQUIRE(pthread_create(&thread, &attributes, run, &job) == 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  if (job.error) std::rethrow_exception(job.error);
}

// Catch2 counts from one thread only.
void expect(double got, double wanted) {
  if (got != wanted)
    throw std::logic_error(std::to_string(got) + " where " + std::to_string(wanted) + " is due");
}

Tensor leaf(double value) { return tensor(value).requires_grad_(); }

// Graphs over x, with their derivative.
struct Graph {
  const char* name;
  Tensor (*build)(const Tensor& x);
  double derivative;
};

Tensor chain(const Tensor& x) {
  Tensor y = x;
  for (int64_t i = 0; i < operations; ++i) y = y + x;
  return y;
}

Tensor diamonds(const Tensor& x) {
  Tensor y = x;
  for (int64_t i = 0; i < operations / 4; ++i) y = (y * 0.25 + y * 0.75) * 1.0;
  return y;
}

Tensor skips(const Tensor& x) {
  Tensor before = x, y = x;
  for (int64_t i = 0; i < operations / 8; ++i) {
    Tensor next = (y + before) * 0.5;
    before = std::move(y);
    y = std::move(next);
  }
  return y;
}

// Fans out and in again by a single operation.
constexpr int64_t fan = operations / 4;
Tensor bundle(const Tensor& x) {
  const Tensor wide = x.reshape({1});
  std::vector<Tensor> parts;
  for (int64_t i = 0; i < fan; ++i) parts.push_back(-wide);
  return cat(parts).sum();
}

const Graph graphs[] = {
    {"chain over a shared input", chain, operations + 1},
    {"diamonds", diamonds, 1},
    {"skips", skips, 1},
    {"bundle", bundle, -fan},
};

}  // namespace

TEST_CASE("graphs of a million operations are built, differentiated and freed on 256 KiB") {
  for (const Graph& graph : graphs) {
    INFO(graph.name);
    const int64_t before = memory_stats().live_bytes;
    CHECK_NOTHROW(on_small_stack([&] {
      const Tensor x = leaf(1);
      const Tensor y = graph.build(x);
      y.backward();
      expect(x.grad().item<double>(), graph.derivative);
    }));
    CHECK(memory_stats().live_bytes == before);
  }
}

TEST_CASE("a graph that was never differentiated dies on 256 KiB too") {
  const int64_t before = memory_stats().live_bytes;
  CHECK_NOTHROW(on_small_stack([] { chain(leaf(1)); }));
  CHECK(memory_stats().live_bytes == before);
}

TEST_CASE("a backward that fails half-way leaves gradients alone and the rest to die on 256 KiB") {
  const int64_t before = memory_stats().live_bytes;
  CHECK_NOTHROW(on_small_stack([] {
    const Tensor x = leaf(1), w = leaf(1);
    Tensor half = x;
    for (int64_t i = 0; i < operations / 4; ++i) half = half + x;
    half.register_hook([](const Tensor&) -> Tensor { throw std::runtime_error("half-way"); });
    Tensor y = half + w;
    for (int64_t i = 0; i < operations / 4; ++i) y = y + w;
    bool thrown = false;
    try {
      y.backward();
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    expect(thrown, true);
    expect(x.grad().defined(), false);
    expect(w.grad().defined(), false);
  }));
  CHECK(memory_stats().live_bytes == before);
}

TEST_CASE("grad, retain_graph and create_graph walk long tapes on 256 KiB") {
  const int64_t before = memory_stats().live_bytes;
  CHECK_NOTHROW(on_small_stack([] {
    const Tensor x = leaf(1);
    Tensor y = x * x;
    for (int64_t i = 0; i < operations / 5; ++i) y = y * 1.0;
    expect(grad({y}, {x}, {}, {.retain_graph = true})[0].item<double>(), 2);
    const Tensor first = grad({y}, {x}, {}, {.create_graph = true})[0];
    expect(first.item<double>(), 2);
    expect(grad({first}, {x})[0].item<double>(), 2);
  }));
  CHECK(memory_stats().live_bytes == before);
}
