// Training that stops and goes on is, bit for bit, training that never stopped.

#include <attune/attune.h>

#include <nlohmann/json.hpp>

#include "../catch.h"
#include "../sanitized.h"
#include "../scratch.h"

using namespace attune;

namespace {

constexpr int64_t total_steps = 20, vocab = 48, context = 32;

std::vector<int64_t> some_tokens() {
  return Tensor(random_integers({1500}, 0, vocab, {7, 0})).to_vector<int64_t>();
}

// A training program with all that has a state: dropout, shuffled data, gradients accumulated over
// two batches, moments, a schedule with warm-up, clipping. Another seed each time it is started
// would show whatever a checkpoint forgets.
struct Program {
  explicit Program(const std::string& folder, uint64_t seed)
      : model((manual_seed(seed), nn::models::Gpt2Config{.vocab_size = vocab,
                                                         .n_positions = context,
                                                         .n_embd = 32,
                                                         .n_layer = 1,
                                                         .n_head = 2})),
        optimizer(model.parameters(), {.lr = 1e-2}),
        scheduler(optimizer, optim::warm_up(4, optim::cosine_lr(1e-2, 1e-3, total_steps - 4))),
        data(some_tokens(), 4, context, 11),
        checkpoint(folder) {
    checkpoint.add("model", model);
    checkpoint.add("optimizer", optimizer);
    checkpoint.add("scheduler", scheduler);
    checkpoint.add("data", data);
  }

  double step() {
    double total = 0;
    optimizer.zero_grad();
    for (int part = 0; part < 2; ++part) {
      const auto [inputs, targets] = data.next();
      const Tensor loss = cross_entropy(flatten(model(inputs), 0, 1), flatten(targets)) * 0.5;
      loss.backward();
      total += loss.item<double>();
    }
    optim::clip_grad_norm_(model.parameters(), 1.0);
    optimizer.step();
    scheduler.step();
    return total;
  }

  nn::models::Gpt2 model;
  optim::AdamW optimizer;
  optim::LrScheduler scheduler;
  train::TokenStream data;
  train::Checkpoint checkpoint;
};

// Runs the program until `stop`, from where the folder's last run stopped.
void run_until(int64_t stop, const std::string& folder, uint64_t seed, int threads) {
  set_num_threads(threads);
  Program program(folder, seed);
  const auto resumed = program.checkpoint.load_newest();
  train::Report report("resume");
  train::Run run(folder, total_steps, report,
                 resumed ? std::optional(resumed->step) : std::nullopt);
  for (int64_t step = resumed ? resumed->step : 0; step < stop;) {
    const double lr = program.optimizer.lr();
    const double loss = program.step();
    run.record({.step = ++step, .train_loss = loss, .lr = lr});
  }
  program.checkpoint.save(stop);
}

// Every bit that a run leaves: the newest checkpoint has weights, moments, data position and
// random state; the log has the losses.
std::pair<std::string, std::string> remains(const std::string& folder) {
  return {read_all(train::Checkpoint(folder).list().back().path), read_all(folder + "/log.jsonl")};
}

int stops_wanted() {
  if (const char* wanted = std::getenv("ATTUNE_STOPS")) return std::atoi(wanted);
  return sanitized ? 3 : 12;
}

}  // namespace

TEST_CASE("a run that stops anywhere goes on bit for bit, on other threads too") {
  const int before = num_threads();
  const ScratchFolder folder;
  run_until(total_steps, folder / "whole", 1, 2);
  const auto whole = remains(folder / "whole");
  CHECK(whole.second.find("\"step\": 20") != std::string::npos);
  const auto stops =
      Tensor(random_integers({stops_wanted()}, 0, total_steps + 1, {5, 0})).to_vector<int64_t>();
  for (size_t i = 0; i < stops.size(); ++i) {
    const std::string name = folder / fmt::format("stop{}", i);
    const int first = i % 2 == 0 ? 2 : 1;
    INFO("stopped after step " << stops[i] << " on " << first << " threads");
    run_until(stops[i], name, 1, first);
    run_until(total_steps, name, 100 + i, 3 - first);
    CHECK((remains(name) == whole));
    std::filesystem::remove_all(name);
  }
  set_num_threads(before);
}

TEST_CASE("a run that stops after every step goes on bit for bit") {
  const ScratchFolder folder;
  run_until(total_steps, folder / "whole", 1, 1);
  for (int64_t step = 0; step <= total_steps; ++step)
    run_until(step, folder / "steps", static_cast<uint64_t>(step) + 1, 1);
  CHECK((remains(folder / "steps") == remains(folder / "whole")));
}

TEST_CASE("batches by length go on where they were, within a pool and at its end") {
  std::vector<int64_t> lengths(230);
  for (size_t i = 0; i < lengths.size(); ++i) lengths[i] = static_cast<int64_t>(i * i % 37);
  for (int taken : {0, 1, 30, 49, 50, 51, 58, 200}) {
    INFO(taken << " batches taken");
    train::LengthBatches batches(lengths, 4, 3), resumed(lengths, 4, 3);
    for (int i = 0; i < taken; ++i) batches.next();
    resumed.next();
    resumed.load_state_dict(batches.state_dict());
    for (int i = 0; i < 120; ++i) CHECK(resumed.next() == batches.next());
  }
}

TEST_CASE("a position in other data is refused, and nothing moves") {
  const auto refused = [](auto& data, const StateDict& state, const std::string& message) {
    const StateDict before = data.state_dict();
    CHECK_THROWS_AS(data.load_state_dict(state), FormatError);
    CHECK_THROWS_WITH(data.load_state_dict(state), Catch::Matchers::ContainsSubstring(message));
    for (const auto& [name, value] : data.state_dict())
      CHECK(*value.template data<int64_t>() == *before.at(name).template data<int64_t>());
  };
  const auto changed = [](StateDict state, const std::string& name, int64_t value) {
    state[name] = scalar_array(value);
    return state;
  };
  train::ShuffledIndices order(5, 1);
  order.next(3);
  const StateDict at = order.state_dict();
  refused(order, {}, "items is missing");
  refused(order, train::ShuffledIndices(6, 1).state_dict(), "items of the data is 5");
  refused(order, train::ShuffledIndices(5, 2).state_dict(), "seed of the data is 1");
  refused(order, changed(at, "item", 6), "item 6 is not a position");
  refused(order, changed(at, "epoch", -1), "epoch -1");
  refused(order, changed(at, "colour", 1), "colour belongs to nothing");

  const auto tokens = some_tokens();
  auto edited = tokens;
  edited[700] ^= 1;
  train::TokenStream stream(tokens, 4, 8, 1);
  stream.next();
  refused(stream, train::TokenStream(edited, 4, 8, 1).state_dict(), "tokens of the data");
  refused(stream, train::TokenStream(tokens, 5, 8, 1).state_dict(), "batch of the data is 4");
  refused(stream, train::TokenStream(tokens, 4, 16, 1).state_dict(), "context of the data is 8");

  train::LengthBatches batches({1, 2, 3}, 2, 1);
  batches.next();
  refused(batches, changed(batches.state_dict(), "ready", 3), "3 batches ready");
  refused(batches, changed(batches.state_dict(), "pools", -1), "pool -1");
  refused(batches, train::LengthBatches({1, 2, 4}, 2, 1).state_dict(), "lengths of the data");
}
