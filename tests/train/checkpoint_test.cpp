#include <attune/attune.h>

#include <csignal>
#include <limits>

#include "../catch.h"
#include "../scratch.h"

using namespace attune;
using Catch::Matchers::ContainsSubstring;

namespace {

// A state of one number that can be watched.
struct Number {
  int64_t value = 0;
  StateDict state_dict() const { return {{"value", scalar_array(value)}}; }
  void load_state_dict(const StateDict& state) {
    StateReader reader(state, "number");
    value = reader.number<int64_t>("value");
    reader.expect_end();
  }
};

std::vector<int64_t> steps_in(const train::Checkpoint& checkpoint) {
  std::vector<int64_t> steps;
  for (const auto& info : checkpoint.list()) steps.push_back(info.step);
  return steps;
}

// A folder of checkpoints of one number, which is 10 times the step.
struct Numbers {
  explicit Numbers(train::CheckpointOptions options = {}) {
    options.warn = [this](const std::string& message) { warnings += message + "\n"; };
    checkpoint = std::make_unique<train::Checkpoint>(folder / "c", options);
    checkpoint->add("number", number);
  }
  void save(int64_t step, std::optional<double> metric = {}) {
    number.value = 10 * step;
    checkpoint->save(step, metric);
  }
  std::string path(int64_t step) const {
    return folder / fmt::format("c/step-{:08}.safetensors", step);
  }

  ScratchFolder folder;
  std::string warnings;
  Number number;
  std::unique_ptr<train::Checkpoint> checkpoint;
};

}  // namespace

TEST_CASE("the newest and the best are kept, and found again") {
  Numbers n({.keep_last = 2});
  CHECK_FALSE(n.checkpoint->load_newest());
  const double losses[] = {3, 1, 2, std::numeric_limits<double>::quiet_NaN()};
  for (int64_t step = 0; step < 4; ++step) n.save(step, losses[step]);
  n.save(4);
  CHECK(steps_in(*n.checkpoint) == std::vector<int64_t>{1, 3, 4});
  const auto newest = n.checkpoint->load_newest();
  REQUIRE(newest);
  CHECK(newest->step == 4);
  CHECK_FALSE(newest->metric);
  CHECK(newest->path == n.path(4));
  CHECK(n.number.value == 40);
  const auto best = n.checkpoint->load_best();
  REQUIRE(best);
  CHECK(best->step == 1);
  CHECK(best->metric == 1.0);
  CHECK(n.number.value == 10);

  Numbers accuracy({.keep_last = 1, .higher_is_better = true});
  for (int64_t step = 0; step < 4; ++step) accuracy.save(step, losses[step]);
  CHECK(steps_in(*accuracy.checkpoint) == std::vector<int64_t>{0, 3});
  Numbers only_last({.keep_last = 1, .keep_best = false});
  for (int64_t step = 0; step < 4; ++step) only_last.save(step, losses[step]);
  CHECK(steps_in(*only_last.checkpoint) == std::vector<int64_t>{3});
}

TEST_CASE(
    "the file holds model, moments, step and random state as any reader of safetensors sees") {
  const ScratchFolder folder;
  const nn::Linear model(2, 3);
  optim::Adam adam(model.parameters(), {});
  adam.zero_grad();
  model(rand({4, 2})).sum().backward();
  adam.step();
  set_random_state({~uint64_t{0}, 7});
  train::Checkpoint checkpoint(folder / "deep/er");
  checkpoint.add("model", model);
  checkpoint.add("optimizer", adam);
  checkpoint.save(12, 0.1);
  const auto file = io::load_safetensors(folder / "deep/er/step-00000012.safetensors");
  CHECK(Tensor(file.arrays.at("model.weight")).to_vector<float>() ==
        model.weight.to_vector<float>());
  CHECK(file.arrays.contains("optimizer.0.1.exp_avg_sq"));
  CHECK(file.metadata.at("step") == "12");
  CHECK(file.metadata.at("metric") == "0.1");
  manual_seed(3);
  checkpoint.load_newest();
  CHECK((random_state() == RandomState{~uint64_t{0}, 7}));
}

TEST_CASE("damage in any byte is seen, said, and the checkpoint before is taken") {
  Numbers n;
  n.save(1);
  n.save(2);
  const std::string whole = read_all(n.path(2));
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    write_all(n.path(2), damaged);
    n.number.value = 0;
    const auto loaded = n.checkpoint->load_newest();
    INFO("byte " << at << ": " << n.warnings);
    // White space of the header may change: nothing is lost by that.
    const bool padding = loaded->step == 2 && n.number.value == 20;
    CHECK((padding || (loaded->step == 1 && n.number.value == 10)));
    if (!padding) {
      CHECK_THAT(n.warnings, ContainsSubstring(n.path(2)));
      CHECK(read_all(n.path(2) + ".damaged") == damaged);
    }
    n.warnings.clear();
  }
  for (size_t length : {size_t{0}, size_t{7}, whole.size() / 2, whole.size() - 1}) {
    write_all(n.path(2), whole.substr(0, length));
    CHECK(n.checkpoint->load_newest()->step == 1);
  }
  // Going on overwrites nothing that is whole, and the damaged one does not count as kept.
  n.save(2);
  CHECK(n.checkpoint->load_newest()->step == 2);
}

TEST_CASE("when all are damaged, nothing is loaded and nothing begins anew in silence") {
  Numbers n;
  n.save(1);
  write_all(n.path(1), "not a checkpoint");
  n.number.value = 5;
  CHECK_THROWS_AS(n.checkpoint->load_newest(), FormatError);
  CHECK(n.number.value == 5);
  io::save_safetensors(n.path(3), {{"number.value", scalar_array(int64_t{1})}});
  CHECK_THROWS_WITH(n.checkpoint->load_newest(), ContainsSubstring("not a checkpoint of version"));
}

TEST_CASE("what does not fit is refused, never passed over, and every part stays as it was") {
  const ScratchFolder folder;
  nn::Linear small(2, 3), other(2, 3), large(2, 4);
  Number number{1};
  {
    train::Checkpoint saved(folder / "c");
    saved.add("model", small);
    saved.add("number", number);
    saved.save(1);
    saved.save(2);
  }
  const auto refused = [&](train::Checkpoint& checkpoint, const std::string& message) {
    const auto before = random_state();
    CHECK_THROWS_AS(checkpoint.load_newest(), FormatError);
    CHECK_THROWS_WITH(checkpoint.load_newest(), ContainsSubstring(message));
    CHECK((random_state() == before));
    CHECK(steps_in(checkpoint) == std::vector<int64_t>{1, 2});
  };
  number.value = 8;
  {
    train::Checkpoint checkpoint(folder / "c");
    checkpoint.add("model", large);
    checkpoint.add("number", number);
    refused(checkpoint, "model: load_state_dict: the state does not fit the module");
    CHECK(number.value == 8);
  }
  {
    train::Checkpoint checkpoint(folder / "c");
    const auto weights = other.weight.to_vector<float>();
    checkpoint.add("number", large);
    checkpoint.add("model", other);
    refused(checkpoint, "number: load_state_dict");
    CHECK(other.weight.to_vector<float>() == weights);
  }
  {
    train::Checkpoint checkpoint(folder / "c");
    checkpoint.add("model", other);
    refused(checkpoint, "holds a part \"number\" that was not added");
    Number more;
    checkpoint.add("number", number);
    checkpoint.add("more", more);
    refused(checkpoint, "more: load_state_dict: value is missing");
    CHECK_THROWS_AS(checkpoint.add("more", number), ValueError);
    CHECK_THROWS_AS(checkpoint.add("a.b", number), ValueError);
    CHECK_THROWS_AS(checkpoint.add("", number), ValueError);
    CHECK_THROWS_AS(checkpoint.save(-1), ValueError);
  }
  CHECK_THROWS_AS(train::Checkpoint(folder / "c", {.keep_last = 0}), ValueError);
}

TEST_CASE("settings that differ are told, all of them, and nothing is loaded") {
  const ScratchFolder folder;
  Number number{1};
  const auto with = [&](const std::map<std::string, std::string>& settings) {
    auto checkpoint = std::make_unique<train::Checkpoint>(folder / "c");
    checkpoint->add("number", number);
    for (const auto& [name, value] : settings) checkpoint->expect(name, value);
    return checkpoint;
  };
  with({{"lr", "0.1"}, {"bf16", "yes"}, {"seed", "3"}})->save(1);
  number.value = 2;
  CHECK_THROWS_WITH(with({{"lr", "0.2"}, {"seed", "3"}, {"heads", "4"}})->load_newest(),
                    ContainsSubstring("step-00000001.safetensors does not fit: heads is 4 now and "
                                      "was not set; lr is 0.2 now and was 0.1; "
                                      "bf16 is not set now and was yes"));
  CHECK(number.value == 2);
  const auto same = with({{"lr", "0.1"}, {"bf16", "yes"}, {"seed", "3"}});
  CHECK_THROWS_AS(same->expect("lr", "0.1"), ValueError);
  CHECK_THROWS_WITH(same->expect("column", "caf\xe9"), ContainsSubstring("is not UTF-8"));
  CHECK(same->load_newest()->step == 1);
  CHECK(number.value == 1);
}

TEST_CASE("a full disk keeps the checkpoint before, and names it") {
  Numbers n;
  n.save(1);
  {
    const FileSizeLimit limit(100);
    CHECK_THROWS_AS(n.save(2), IoError);
    CHECK_THROWS_WITH(n.save(2),
                      ContainsSubstring("step 2 could not be saved; the last one is " + n.path(1)));
  }
  CHECK(n.checkpoint->load_newest()->step == 1);
  n.save(2);
  CHECK(n.checkpoint->load_newest()->step == 2);
  write_all(n.folder / "file", "");
  CHECK_THROWS_AS(train::Checkpoint(n.folder / "file/c").save(1), IoError);
}

TEST_CASE("what a killed process left half-written is ignored, and removed by the next save") {
  Numbers n;
  n.save(1);
  const std::string rest = n.path(2) + ".4711.tmp";
  write_all(rest, "half");
  CHECK(n.checkpoint->load_newest()->step == 1);
  CHECK(std::filesystem::exists(rest));
  n.save(2);
  CHECK_FALSE(std::filesystem::exists(rest));
}

TEST_CASE("a run from the beginning overwrites nothing of an earlier one") {
  Numbers n;
  n.save(5);
  n.save(6);
  train::Checkpoint fresh(n.folder / "c");
  fresh.add("number", n.number);
  CHECK_THROWS_AS(fresh.save(1), ValueError);
  CHECK(steps_in(fresh) == std::vector<int64_t>{5, 6});
  for (int64_t times = 0; times < 2; ++times) {
    fresh.start_over();
    CHECK(steps_in(fresh).empty());
    fresh.save(1 + times);
  }
  CHECK(steps_in(fresh) == std::vector<int64_t>{2});
  CHECK(steps_in(train::Checkpoint(n.folder / "c/old")) == std::vector<int64_t>{1});
}

TEST_CASE("a run that goes back to its best puts aside what came later before it saves") {
  Numbers n;
  n.save(5, 1.0);
  n.save(6, 2.0);
  REQUIRE(n.checkpoint->load_best()->step == 5);
  CHECK_THROWS_WITH(n.save(6 - 1), ContainsSubstring("has step 6, later than 5"));
  n.save(7);
  REQUIRE(n.checkpoint->load_best()->step == 5);
  n.checkpoint->start_over();
  n.save(6);
  CHECK(n.checkpoint->load_newest()->step == 6);
  n.save(3);
}

TEST_CASE("Ctrl-C and SIGTERM raise a flag, once; then signals do what they did") {
  for (const int signal : {SIGINT, SIGTERM}) {
    const train::StopSignal stop;
    CHECK_FALSE(stop.requested());
    std::raise(signal);
    CHECK(stop.requested());
    CHECK(stop.signal() == signal);
    struct sigaction now {};
    ::sigaction(signal, nullptr, &now);
    CHECK(now.sa_handler == SIG_DFL);
    CHECK_THROWS_AS(train::StopSignal(), ValueError);
  }
  std::signal(SIGINT, SIG_IGN);
  {
    const train::StopSignal stop;
    std::raise(SIGINT);
    CHECK_FALSE(stop.requested());
  }
  CHECK(std::signal(SIGINT, SIG_DFL) == SIG_IGN);
}
