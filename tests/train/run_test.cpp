#include <attune/autograd.h>
#include <attune/train.h>

#include <limits>

#include "../catch.h"
#include "../scratch.h"

using namespace attune;
using namespace attune::train;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a run writes every step to its log and its report, the step that broke too") {
  const ScratchFolder folder;
  Report report("a run");
  {
    Run run(folder / "new/folder", 3, report);
    run.record({.step = 1, .train_loss = 2.5});
    CHECK_THROWS_AS(run.record({.step = 2, .train_loss = std::numeric_limits<double>::quiet_NaN()}),
                    ValueError);
  }
  const std::string log = read_all(folder / "new/folder/log.jsonl");
  CHECK_THAT(log, ContainsSubstring("2.5"));
  CHECK_THAT(log, ContainsSubstring("null"));
  CHECK_THAT(report.html(), ContainsSubstring("\"step\":[1"));
}

TEST_CASE("a run evaluates every few steps, and at its end") {
  const ScratchFolder folder;
  Report report("a run");
  const Run run(folder / "out", 5, report);
  CHECK(run.evaluates(5, 0));
  CHECK_FALSE(run.evaluates(4, 0));
  CHECK(run.evaluates(4, 2));
  CHECK(run.evaluates(5, 2));
  CHECK(run.rate(100) > 0);
  write_all(folder / "file", "");
  CHECK_THROWS_AS(Run(folder / "file/below", 1, report), IoError);
}

TEST_CASE("a run profiles a few of its steps, but not the first") {
  const ScratchFolder folder;
  Report report("a run");
  Run run(folder / "out", 4, report);
  run.profile(2);
  const Tensor x = randn({4, 4});
  Tensor (*const steps[])(const Tensor&) = {exp, sin, cos, log};
  for (const auto& step : steps) {
    run.begin_step();
    step(x);
  }
  run.finish();
  const std::string table = read_all(folder / "out/profile.txt");
  CHECK_THAT(table, ContainsSubstring("sin "));
  CHECK_THAT(table, ContainsSubstring("cos "));
  CHECK_THAT(table, !ContainsSubstring("exp "));
  CHECK_THAT(table, !ContainsSubstring("log "));
  CHECK_THAT(read_all(folder / "out/trace.json"), ContainsSubstring("\"cos\""));
}
