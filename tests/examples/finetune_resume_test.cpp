// Programs that train a loaded model further stop, and go on as if they had not.

#include <attune/attune.h>

#include <map>
#include <vector>

#include "../catch.h"
#include "shell.h"
#include "tiny_models.h"

using namespace attune;
using Catch::Matchers::ContainsSubstring;

namespace {

// What a run leaves that must not depend on where it stopped.
std::map<std::string, std::string> results(const std::string& folder) {
  std::map<std::string, std::string> left;
  for (const char* name : {"model.safetensors", "adapter_model.safetensors"})
    if (std::filesystem::exists(folder + "/" + name)) left[name] = read_all(folder + "/" + name);
  for (auto line : json_lines(read_all(folder + "/log.jsonl"))) {
    line.erase("tokens_per_second");
    left["log"] += line.dump() + "\n";
  }
  return left;
}

}  // namespace

TEST_CASE("finetune goes on bit for bit: whole models and adapters, text and tables") {
  const Shell run;
  make_gpt2(run.folder());
  make_bert<nn::models::BertForMaskedLM>(run.folder(), "masked");
  make_bert<nn::models::BertModel>(run.folder(), "bert");
  std::string text;
  for (int i = 0; i < 40; ++i) text += "the cat sat on the old mat .\n";
  write_all(run.folder() / "text", text);
  write_all(run.folder() / "data.csv", river_csv());
  const std::string common = " --save-every 7 --lr 0.01 --batch 4 ";
  const std::vector<std::string> programs = {
      "gpt2 finetune --model DIRgpt2 --text DIRtext --steps 30 --eval-every 10" + common,
      "gpt2 finetune --model DIRgpt2 --text DIRtext --steps 30 --lora 2" + common,
      "bert finetune --model DIRmasked --text DIRtext --max-length 8 --epochs 3" + common,
      "bert finetune --model DIRmasked --text DIRtext --max-length 8 --epochs 3 --lora 2 --merge" +
          common,
      "bert finetune --model DIRbert --data DIRdata.csv --epochs 1" + common,
      "bert finetune --model DIRbert --data DIRdata.csv --epochs 1 --lora 2" + common};
  for (size_t i = 0; i < programs.size(); ++i) {
    INFO(programs[i]);
    const std::string name = "out" + std::to_string(i), out = run.folder() / name;
    const std::string learn = programs[i] + "--out DIR" + name;
    const Outcome whole = run(learn + " --threads 1");
    INFO(whole.err);
    REQUIRE(whole.status == 0);
    const auto expected = results(out);
    CHECK(expected.size() == 2);
    const auto saved = train::Checkpoint(out + "/checkpoints").list();
    REQUIRE(saved.size() >= 2);
    // As if it had been killed before its end: what it wrote later is gone or out of date.
    std::filesystem::remove(saved.back().path);
    std::filesystem::remove(out + "/report.html");
    const Outcome resumed = run(learn + " --threads 2 --resume");
    INFO(resumed.err);
    CHECK(resumed.status == 0);
    CHECK_THAT(resumed.out, ContainsSubstring("going on after step "));
    CHECK((results(out) == expected));
    CHECK(std::filesystem::exists(out + "/report.html"));
    // Once more at the end: nothing is left to do, and it ends with the same words.
    const Outcome again = run(learn + " --resume");
    CHECK(again.status == 0);
    CHECK((results(out) == expected));
    CHECK(again.out.substr(again.out.rfind("the ")) == whole.out.substr(whole.out.rfind("the ")));
  }
}

TEST_CASE("finetune saves and stops when it is told to") {
  const Shell run;
  make_gpt2(run.folder());
  write_all(run.folder() / "text", std::string(400, 'a'));
  const Outcome stopped =
      run("gpt2 finetune --model DIRgpt2 --text DIRtext --out DIRout --steps 100000000 "
          "--eval-every 0 --save-every 5 --threads 1 >/dev/null 2>DIRerror & "
          "until ls DIRout/checkpoints/*.safetensors >/dev/null 2>&1; do sleep 0.02; done; "
          "kill -INT $!; kill -TERM $!; wait $!; exit $?");
  CHECK((stopped.status == 128 + 15 || stopped.status == 128 + 2));
  const std::string said = read_all(run.folder() / "error");
  const size_t at = said.find("stopped after step ");
  REQUIRE(at != std::string::npos);
  const auto saved = train::Checkpoint(run.folder() / "out/checkpoints").list();
  CHECK(saved.back().step == std::stoi(said.substr(at + 19)));
}

TEST_CASE("a run does not go on from one with other options, and says which") {
  const Shell run;
  make_gpt2(run.folder());
  make_bert<nn::models::BertModel>(run.folder(), "bert");
  std::string text;
  for (int i = 0; i < 40; ++i) text += "the cat sat on the old mat .\n";
  write_all(run.folder() / "text", text);
  write_all(run.folder() / "data.csv", river_csv());
  const std::string gpt2 =
                        "gpt2 finetune --model DIRgpt2 --text DIRtext --out DIRgpt2out --threads 1 "
                        "--steps 2 ",
                    bert =
                        "bert finetune --model DIRbert --data DIRdata.csv --out DIRbertout "
                        "--threads 1 --epochs 1 --batch 64 --lora 2 ",
                    gpt =
                        "train_gpt --text DIRtext --out DIRgptout --layers 1 --heads 2 --dim 8 "
                        "--context 8 --batch 2 --steps 2 --lr 3e-3 ";
  for (const std::string& learn : {gpt2, bert, gpt}) REQUIRE(run(learn).status == 0);
  const std::vector<std::pair<std::string, std::string>> others = {
      {gpt + "--bf16", "bf16 is true now and was not set"},
      {gpt + "--dropout 0.1 --seed 3", "dropout is 0.1 now and was 0; seed is 3 now and was 0"},
      {gpt + "--lr 0.001", "lr is 0.001 now and was 0.003"},
      {gpt + "--layers 2", "layers is 2 now and was 1"},
      {gpt2 + "--bf16", "bf16 is true now and was not set"},
      {gpt2 + "--steps 3", "steps is 3 now and was 2"},
      {gpt2 + "--batch 2", "batch is 2 now and was 4"},
      {gpt2 + "--lora 2", "holds a whole model"},
      {bert + "--alpha 3", "alpha is 3 now and was 4"},
      {bert + "--held-out 0.2", "held-out is 0.2 now and was 0.1"}};
  for (const auto& [learn, reason] : others) {
    INFO(learn);
    const Outcome refused = run(learn + " --resume");
    CHECK(refused.status == 1);
    CHECK(std::count(refused.err.begin(), refused.err.end(), '\n') == 1);
    CHECK_THAT(refused.err, ContainsSubstring(reason));
  }
  // What no number depends on may change, and how a number is written.
  CHECK(
      run(gpt + "--lr 0.003 --threads 2 --gradient-checkpointing --save-every 1 --resume").status ==
      0);
  std::string csv = river_csv();
  csv.replace(csv.find("wet"), 3, "dry");
  write_all(run.folder() / "data.csv", csv);
  CHECK_THAT(run(bert + "--resume").err, ContainsSubstring("checksum of the labels is"));
}

TEST_CASE("an adapter is resumed on its own model alone, and no result hides behind another") {
  const Shell run;
  make_gpt2(run.folder());
  write_all(run.folder() / "text", std::string(400, 'a'));
  const std::string learn = "gpt2 finetune --model DIRgpt2 --text DIRtext --steps 4 --batch 2 ";
  const auto refused = [&](const std::string& options, const std::string& reason) {
    const Outcome outcome = run(learn + options);
    CHECK(outcome.status == 1);
    CHECK_THAT(outcome.err, ContainsSubstring(reason));
  };
  REQUIRE(run(learn + "--lora 2 --out DIRlow").status == 0);
  refused("--lora 2 --out DIRgpt2", "--out is the folder of --model");
  refused("--out DIRlow", "holds an adapter");
  REQUIRE(run(learn + "--out DIRother").status == 0);
  std::filesystem::copy(run.folder() / "other/model.safetensors",
                        run.folder() / "gpt2/model.safetensors",
                        std::filesystem::copy_options::overwrite_existing);
  refused("--lora 2 --out DIRlow --resume", "checksum of the model");
  REQUIRE(run(learn + "--lora 2 --out DIRmerged").status == 0);
  REQUIRE(run(learn + "--lora 2 --out DIRmerged --merge --resume").status == 0);
  CHECK(std::filesystem::exists(run.folder() / "merged/model.safetensors"));
  CHECK_FALSE(std::filesystem::exists(run.folder() / "merged/adapter_config.json"));
}
