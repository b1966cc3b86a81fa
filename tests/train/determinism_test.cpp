#include <attune/attune.h>

#include <cmath>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "../catch.h"
#include "../sanitized.h"

using namespace attune;

namespace {

// All that a training run leaves behind.
struct Outcome {
  std::vector<float> losses, weights;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// A small GPT whose products, attention, norms, losses and updates are all cut into several tiles.
Outcome run(uint64_t seed, int steps) {
  manual_seed(seed);
  const int64_t batch = 8, context = 32, vocab = 48;
  const nn::models::Gpt2 gpt(
      {.vocab_size = vocab, .n_positions = context, .n_embd = 64, .n_layer = 1, .n_head = 2});
  optim::AdamW adam(gpt.parameters(), {.lr = 1e-3});
  Outcome outcome;
  for (int step = 0; step < steps; ++step) {
    const Tensor tokens = randint(vocab, {batch, context + 1});
    const Tensor logits = gpt(tokens.narrow(1, 0, context));
    const Tensor loss =
        cross_entropy(logits.reshape({-1, vocab}), tokens.narrow(1, 1, context).reshape({-1}));
    adam.zero_grad();
    loss.backward();
    optim::clip_grad_norm_(gpt.parameters(), 1.0);
    adam.step();
    outcome.losses.push_back(loss.item<float>());
  }
  for (const Tensor& parameter : gpt.parameters()) {
    const auto values = parameter.to_vector<float>();
    outcome.weights.insert(outcome.weights.end(), values.begin(), values.end());
  }
  return outcome;
}

// Sets the number of threads, and puts it back.
class Threads {
 public:
  explicit Threads(int threads) { set_num_threads(threads); }
  ~Threads() { set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_ = num_threads();
};

}  // namespace

TEST_CASE("300 steps of training do not depend on the number of threads") {
  const int steps = sanitized ? 20 : 300;
  Outcome alone;
  {
    const Threads one(1);
    alone = run(3, steps);
  }
  CHECK(alone.losses.front() != alone.losses.back());
  for (int threads : {2, 4}) {
    const Threads several(threads);
    INFO(threads << " threads");
    CHECK((run(3, steps) == alone));
  }
}

TEST_CASE("two models train at once as they do one after the other") {
  const int steps = sanitized ? 10 : 60;
  const Threads two(2);
  const Outcome a = run(1, steps), b = run(2, steps);
  CHECK_FALSE((a == b));
  Outcome a_beside_b, b_beside_a;
  std::thread one([&] { a_beside_b = run(1, steps); });
  std::thread other([&] { b_beside_a = run(2, steps); });
  one.join();
  other.join();
  CHECK((a_beside_b == a));
  CHECK((b_beside_a == b));
}

TEST_CASE("training at medium precision learns as at the highest, whatever the number of threads") {
  const int steps = sanitized ? 10 : 100;
  const Outcome exact = run(7, steps);
  const MatmulPrecisionScope medium(MatmulPrecision::medium);
  Outcome alone;
  {
    const Threads one(1);
    alone = run(7, steps);
  }
  const Threads four(4);
  CHECK((run(7, steps) == alone));
  CHECK(alone.losses.back() != exact.losses.back());
  for (size_t step = 0; step < exact.losses.size(); ++step)
    CHECK(std::abs(alone.losses[step] - exact.losses[step]) < 0.01f);
}

TEST_CASE("one model serves four threads at once as it serves one") {
  manual_seed(4);
  const nn::models::Gpt2 gpt(
      {.vocab_size = 48, .n_positions = 32, .n_embd = 64, .n_layer = 2, .n_head = 2});
  gpt.eval();
  const auto answers = [&](int64_t caller) {
    const NoGrad no_grad;
    std::vector<float> all;
    for (int64_t request = 0; request < (sanitized ? 2 : 10); ++request) {
      const Tensor tokens(
          random_integers({2, 16}, 0, 48, {static_cast<uint64_t>(caller), uint64_t(request)}));
      const auto logits = gpt(tokens).to_vector<float>();
      all.insert(all.end(), logits.begin(), logits.end());
      const auto written = nn::models::generate(gpt, {{caller, request}},
                                                {.max_new_tokens = 12, .seed = uint64_t(caller)});
      all.insert(all.end(), written[0].begin(), written[0].end());
    }
    return all;
  };
  const Threads two(2);
  std::vector<std::vector<float>> alone, together(4);
  for (int64_t caller = 0; caller < 4; ++caller) alone.push_back(answers(caller));
  std::vector<std::thread> callers;
  for (size_t caller = 0; caller < 4; ++caller)
    callers.emplace_back([&, caller] { together[caller] = answers(int64_t(caller)); });
  for (std::thread& caller : callers) caller.join();
  CHECK((together == alone));
}

TEST_CASE("every new thread draws from seed 0 until it chooses another") {
  const auto drawn_in_new_thread = [](std::optional<uint64_t> seed) {
    std::vector<float> drawn;
    std::thread([&] {
      if (seed) manual_seed(*seed);
      drawn = rand({8}).to_vector<float>();
    }).join();
    return drawn;
  };
  manual_seed(5);
  rand({8});
  CHECK((drawn_in_new_thread({}) == drawn_in_new_thread({})));
  CHECK((drawn_in_new_thread({}) == drawn_in_new_thread(0)));
  CHECK((drawn_in_new_thread({}) != drawn_in_new_thread(1)));
}
