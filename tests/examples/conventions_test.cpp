// What the files of a model say beside its weights counts as it does for transformers.

#include <attune/attune.h>

#include "../catch.h"
#include "shell.h"
#include "tiny_models.h"

using namespace attune;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

TEST_CASE("bert scores classes as their problem_type says") {
  const Shell run;
  const std::string folder =
      make_bert<nn::models::BertForSequenceClassification>(run.folder(), "classes");
  const auto model = hub::from_pretrained<nn::models::BertForSequenceClassification>(folder);
  const auto tokenizer = io::load_tokenizer(folder);
  const auto ids = tokenizer.encode("the cat");
  const Tensor logits = model(tensor(ids, {1, std::ssize(ids)}));
  const auto best = [](const Tensor& scores) { return amax(scores).item<double>(); };
  const std::pair<const char*, std::string> types[] = {
      {"null", fmt::format("{:6.2f} %", 100 * best(softmax(logits, -1)))},
      {"\"single_label_classification\"",
       fmt::format("{:6.2f} %", 100 * best(softmax(logits, -1)))},
      {"\"multi_label_classification\"", fmt::format("{:6.2f} %", 100 * best(sigmoid(logits)))},
      {"\"regression\"", fmt::format("{:8.4f}", best(logits))}};
  const std::string config = read_all(folder + "/config.json"), field = "\"problem_type\": null";
  REQUIRE(config.find(field) != std::string::npos);
  for (const auto& [type, score] : types) {
    INFO(type);
    write_all(folder + "/config.json",
              std::string(config).replace(config.find(field), field.size(),
                                          std::string("\"problem_type\": ") + type));
    CHECK_THAT(run("bert classify --model DIRclasses --text 'the cat'").out,
               StartsWith(score + "  LABEL_"));
  }
}

TEST_CASE("a text ends where generation_config.json says") {
  const Shell run;
  const std::string folder = make_gpt2(run.folder());
  const std::string write =
      "gpt2 generate --threads 1 --model DIRgpt2 --prompt 'the cat' --temperature 0 --max-tokens 6";
  const std::string whole = run(write).out;
  REQUIRE(whole.size() == 7 + 6 + 1);
  const auto end = io::load_tokenizer(folder).encode(whole.substr(7, 1))[0];
  for (const std::string& ends : {fmt::format("{}", end), fmt::format("[0, {}]", end)}) {
    INFO(ends);
    write_all(folder + "/generation_config.json", "{\"eos_token_id\": " + ends + "}");
    CHECK(run(write).out.size() < whole.size());
  }
  for (const char* wrong : {"\"a\"", "[1.5]", "-1", "1e30"}) {
    write_all(folder + "/generation_config.json", std::string("{\"eos_token_id\": ") + wrong + "}");
    CHECK_THAT(run(write).err,
               ContainsSubstring("generation_config.json: eos_token_id is neither"));
  }
  write_all(folder + "/generation_config.json", "{");
  CHECK_THAT(run(write).err, ContainsSubstring("generation_config.json: is no object in JSON"));
  write_all(folder + "/generation_config.json", "{}");
  CHECK(run(write).out == whole);

  // That of an earlier model does not stay beside another.
  write_all(run.folder() / "text", std::string(400, 'a'));
  std::filesystem::create_directory(run.folder() / "out");
  std::filesystem::copy(folder + "/generation_config.json", run.folder() / "out");
  REQUIRE(run("train_gpt --layers 1 --heads 1 --dim 4 --context 4 --steps 1 --text DIRtext --out "
              "DIRout")
              .status == 0);
  CHECK_FALSE(std::filesystem::exists(run.folder() / "out/generation_config.json"));
}
