// A result stands where it is used as it was trained, and what was refused leaves the folder alone.

#include <attune/attune.h>

#include <map>
#include <vector>

#include "../catch.h"
#include "shell.h"
#include "tiny_models.h"

using namespace attune;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::string gpt2 = "gpt2 finetune --model DIRgpt2 --text DIRtext --steps 2 --batch 2 ",
                  characters =
                      "train_gpt --text DIRtext --layers 1 --heads 1 --dim 4 --context 8 "
                      "--batch 2 --steps 2 ";

void write_inputs(const Shell& run) {
  make_gpt2(run.folder());
  write_all(run.folder() / "text", std::string(400, 'a'));
}

void refuses(const Shell& run, const std::string& command, const std::string& reason) {
  const Outcome outcome = run(command);
  INFO(command << "\n" << outcome.err);
  CHECK(outcome.status == 1);
  CHECK_THAT(outcome.err, ContainsSubstring(reason));
}

// What an earlier run left in a folder.
std::map<std::string, std::string> files_in(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files[entry.path()] = read_all(entry.path());
  return files;
}

}  // namespace

TEST_CASE("no folder holds a whole model and an adapter") {
  const Shell run;
  write_inputs(run);
  make_bert<nn::models::BertForMaskedLM>(run.folder(), "masked");
  const std::string bert =
      "bert finetune --model DIRmasked --text DIRwords --epochs 1 --max-length 8 ";
  std::string words_of;
  for (int i = 0; i < 40; ++i) words_of += "the cat near the old river runs . ";
  write_all(run.folder() / "words", words_of);
  REQUIRE(run(gpt2 + "--lora 2 --out DIRadapter").status == 0);
  refuses(run, "gpt2 merge --model DIRgpt2 --adapter DIRadapter --out DIRadapter",
          "holds an adapter");
  refuses(run, characters + "--out DIRadapter", "holds an adapter");
  REQUIRE(run(gpt2 + "--lora 2 --merge --out DIRmerged").status == 0);
  refuses(run, gpt2 + "--lora 2 --out DIRmerged --resume", "holds a whole model");
  refuses(run, gpt2 + "--lora 2 --out DIRmerged", "holds a whole model");
  REQUIRE(run(bert + "--out DIRbert").status == 0);
  refuses(run, bert + "--lora 2 --out DIRbert", "holds a whole model");
  std::filesystem::create_directories(run.folder() / "adapter/checkpoints");
  for (const auto& entry :
       std::filesystem::directory_iterator(run.folder() / "adapter/checkpoints"))
    std::filesystem::remove(entry.path());
  refuses(run, gpt2 + "--out DIRadapter --resume", "holds an adapter");
  refuses(run, gpt2 + "--lora 2 --out DIRnew/../gpt2", "--out is the folder of --model");
}

TEST_CASE("a run that is refused leaves what an earlier one left") {
  const Shell run;
  write_inputs(run);
  REQUIRE(run(gpt2 + "--out DIRbpe").status == 0);
  REQUIRE(run(characters + "--out DIRchars").status == 0);
  const auto bpe = files_in(run.folder() / "bpe"), chars = files_in(run.folder() / "chars");
  refuses(run, characters + "--out DIRbpe", "the tokenizer of another model");
  refuses(run,
          "gpt2 finetune --model DIRchars --text DIRtext --context 8 --batch 2 --steps 2 --out "
          "DIRbpe",
          "the tokenizer of another model");
  const std::string much = "--batch 100000000000000 ";
  refuses(run, characters + much + "--out DIRchars", "more memory than the system has free");
  refuses(run, gpt2 + much + "--out DIRbpe", "more memory than the system has free");
  auto weights = io::load_safetensors(run.folder() / "gpt2/model.safetensors");
  for (auto& [name, array] : weights.arrays)
    if (array.dim() == 1) array = full(array.shape(), std::nan("")).array();
  io::save_safetensors(run.folder() / "gpt2/model.safetensors", weights.arrays, weights.metadata);
  refuses(run, gpt2 + "--out DIRbpe", "the validation loss is NaN before any training");
  CHECK((files_in(run.folder() / "bpe") == bpe));
  CHECK((files_in(run.folder() / "chars") == chars));
}

TEST_CASE("checkpoints that could not be saved are noticed before the training") {
  const Shell run;
  write_inputs(run);
  std::filesystem::create_directory(run.folder() / "out");
  std::filesystem::create_symlink("nowhere", run.folder() / "out/checkpoints");
  refuses(run, gpt2 + "--out DIRout", "checkpoints");
  CHECK_FALSE(std::filesystem::exists(run.folder() / "out/log.jsonl"));
}

TEST_CASE("a run goes on however its settings are spelled") {
  const Shell run;
  write_inputs(run);
  const std::string adapted = gpt2 + "--lora 2 --out DIRout ";
  REQUIRE(run(adapted + "--bf16=false").status == 0);
  for (const char* options : {"", "--lr 0.0005 --alpha 4 --targets c_attn", "--bf16=off"}) {
    const Outcome outcome = run(adapted + options + " --resume");
    INFO(options << outcome.err);
    CHECK(outcome.status == 0);
  }
  std::string other = adapted;
  other.replace(other.find("DIRgpt2"), 7, "DIR./gpt2/");
  CHECK(run(other + "--resume").status == 0);
  refuses(run, adapted + "--targets all-linear --resume", "targets is all-linear now and was");
}

TEST_CASE("a run does not go on with another text held out") {
  const Shell run;
  write_inputs(run);
  make_bert<nn::models::BertModel>(run.folder(), "bert");
  const std::string bert = "bert finetune --model DIRbert --data DIRdata.csv --epochs 1 ";
  write_all(run.folder() / "data.csv", river_csv());
  REQUIRE(run(gpt2 + "--out DIRa").status == 0);
  REQUIRE(run(characters + "--out DIRb").status == 0);
  REQUIRE(run(bert + "--out DIRc").status == 0);
  write_all(run.folder() / "text", std::string(398, 'a') + "ba");
  refuses(run, gpt2 + "--out DIRa --resume", "checksum of the held-out text");
  refuses(run, characters + "--out DIRb --resume", "checksum of the held-out text");
  std::string csv = river_csv();
  for (size_t at = 0; (at = csv.find("very", at)) != csv.npos;) csv.replace(at, 4, "near");
  write_all(run.folder() / "data.csv", csv);
  refuses(run, bert + "--out DIRc --resume", "checksum of the held-out texts");
}

TEST_CASE("a log begins anew unless the run goes on") {
  const Shell run;
  write_inputs(run);
  REQUIRE(run(characters + "--out DIRout").status == 0);
  const std::string log = run.folder() / "out/log.jsonl";
  write_all(log, "{\"step\": 0, \"val_loss\": 1}\n");
  REQUIRE(run(characters + "--out DIRout").status == 0);
  CHECK(json_lines(read_all(log)).front()["step"] == 1);
}

TEST_CASE("heads keeps the page of an earlier run until it has another") {
  const Shell run;
  std::filesystem::create_directory(run.folder() / "out");
  write_all(run.folder() / "out/report.html", "earlier");
  run("cost >/dev/null; " ATTUNE_EXAMPLES
      "/heads --out DIRout --steps 100000 --threads 1 >DIRsaid & "
      "while kill -0 $! && ! grep -q '^    0' DIRsaid; do sleep 0.02; done; kill -9 $!; wait $!");
  CHECK(read_all(run.folder() / "out/report.html") == "earlier");
}

TEST_CASE("a batch of any size is one epoch") {
  const Shell run;
  make_bert<nn::models::BertModel>(run.folder(), "bert");
  write_all(run.folder() / "data.csv", river_csv());
  const Outcome outcome =
      run("bert finetune --model DIRbert --data DIRdata.csv --epochs 1 --out DIRout --batch "
          "9223372036854775807");
  INFO(outcome.err);
  CHECK(outcome.status == 0);
  CHECK(json_lines(read_all(run.folder() / "out/log.jsonl")).size() == 2);
}
