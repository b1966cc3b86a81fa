// The examples that work with published models, on tiny ones made here.

#include <attune/attune.h>

#include <algorithm>
#include <vector>

#include "../catch.h"
#include "shell.h"
#include "tiny_models.h"

using namespace attune;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

namespace {

// A folder that train_gpt wrote, of the letters a, b and c.
void make_char_gpt(const Shell& run) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += "abcacb";
  write_all(run.folder() / "letters", text);
  REQUIRE(run("train_gpt --text DIRletters --out DIRown --layers 1 --heads 2 --dim 8 --context 8 "
              "--batch 2 --steps 1 --threads 1")
              .status == 0);
}

double number_after(const std::string& text, const std::string& name) {
  const size_t at = text.rfind(name);
  REQUIRE(at != std::string::npos);
  return std::stod(text.substr(at + name.size()));
}

}  // namespace

TEST_CASE("gpt2 writes: streamed or several, by chance or by beams, up to a stop text") {
  const Shell run;
  make_gpt2(run.folder());
  const std::string write = "gpt2 generate --threads 1 --model DIRgpt2 --prompt 'the cat' ";
  const Outcome text = run(write + "--max-tokens 30 --seed 4");
  INFO(text.err);
  REQUIRE(text.status == 0);
  CHECK_THAT(text.out, StartsWith("the cat"));
  CHECK(text.out.size() > 20);
  CHECK(run(write + "--max-tokens 30 --seed 4").out == text.out);
  CHECK(run(write + "--max-tokens 30 --seed 5").out != text.out);

  // Stopped before its tenth character, which may have come before.
  const std::string stop = text.out.substr(10, 2);
  const Outcome stopped = run(write + "--max-tokens 30 --seed 4 --stop '" + stop + "' zzzz");
  CHECK(stopped.out == text.out.substr(0, text.out.find(stop, 7)) + "\n");

  const Outcome several = run(write + "--max-tokens 30 --seed 4 --count 3");
  CHECK_THAT(several.out, StartsWith("--- 1 ---\n" + text.out + "--- 2 ---\nthe cat"));
  const std::string greedy = run(write + "--max-tokens 5 --temperature 0").out;
  CHECK(greedy.size() == 7 + 5 + 1);
  // A model too small for anything to be rounded.
  CHECK(run(write + "--max-tokens 5 --temperature 0 --bf16").out == greedy);
  CHECK_THAT(run(write + "--max-tokens 5 --beams 3").out, StartsWith("the cat"));
  CHECK(run("gpt2 generate --model DIRgpt2 --max-tokens 4").out.size() <= 5);
}

TEST_CASE("gpt2 learns from a text and leaves a folder to go on with") {
  const Shell run;
  make_gpt2(run.folder());
  std::string text;
  for (int i = 0; i < 40; ++i) text += "the cat sat on the mat.\n";
  write_all(run.folder() / "text", text);
  const Outcome learned = run(
      "gpt2 finetune --model DIRgpt2 --text DIRtext DIRtext --out DIRnew/one --steps 40 --lr 0.02 "
      "--batch 4 --context 99 --eval-every 20 --threads 1");
  INFO(learned.err);
  REQUIRE(learned.status == 0);
  const auto log = json_lines(read_all(run.folder() / "new/one/log.jsonl"));
  REQUIRE(log.size() == 41);
  CHECK(log[40]["val_loss"].get<double>() < log[0]["val_loss"].get<double>() - 0.5);
  const std::string page = read_all(run.folder() / "new/one/report.html");
  CHECK_THAT(page, ContainsSubstring("\"step\":0,\"text\""));
  CHECK_THAT(page, ContainsSubstring("\"kind\":\"attention\""));
  // Of the options, those that this run has.
  CHECK_THAT(page, ContainsSubstring("[\"batch\",\"4\"]"));
  for (const char* other : {"[\"lora\"", "[\"alpha\"", "[\"targets\"", "[\"merge\"", "[\"bf16\""})
    CHECK_THAT(page, !ContainsSubstring(other));
  const Outcome more = run("gpt2 generate --model DIRnew/one --prompt 'the ' --max-tokens 5");
  CHECK(more.status == 0);
  CHECK_THAT(more.out, StartsWith("the "));
}

TEST_CASE("gpt2 trains an adapter of a model of any kind, and merges it if told to") {
  const Shell run;
  make_gpt2(run.folder());
  make_llama(run.folder());
  make_char_gpt(run);
  std::string text;
  for (int i = 0; i < 40; ++i) text += "abcacb";
  write_all(run.folder() / "text", text);
  const std::vector<std::pair<std::string, std::vector<std::string>>> kinds = {
      {"gpt2", {"c_attn"}}, {"llama", {"q_proj", "v_proj"}}, {"own", {"c_attn"}}};
  for (const auto& [model, targets] : kinds) {
    INFO(model);
    const std::string learn = "gpt2 finetune --model DIR" + model +
                              " --text DIRtext --steps 30 --lr 0.1 --context 8 --eval-every 0 "
                              "--threads 1 --lora 2 --out DIRnew/" +
                              model;
    const Outcome learned = run(learn);
    INFO(learned.err);
    REQUIRE(learned.status == 0);
    const std::string folder = run.folder() / "new/" + model;
    const auto config = nlohmann::json::parse(read_all(folder + "/adapter_config.json"));
    CHECK(config["target_modules"] == nlohmann::json(targets));
    CHECK(config["r"] == 2);
    CHECK(config["lora_alpha"] == 4);
    CHECK(config["task_type"] == "CAUSAL_LM");
    CHECK_FALSE(std::filesystem::exists(folder + "/model.safetensors"));
    const auto log = json_lines(read_all(folder + "/log.jsonl"));
    CHECK(log[30]["val_loss"].get<double>() < log[0]["val_loss"].get<double>());

    const std::string write = " --prompt abc --max-tokens 10 --seed 1 --threads 1";
    const Outcome plain = run("gpt2 generate --model DIR" + model + write);
    const Outcome adapted =
        run("gpt2 generate --model DIR" + model + " --adapter DIRnew/" + model + write);
    INFO(adapted.err);
    CHECK(adapted.status == 0);
    CHECK(adapted.out != plain.out);
    REQUIRE(run(learn + "_whole --merge").status == 0);
    CHECK_FALSE(std::filesystem::exists(folder + "_whole/adapter_config.json"));
    CHECK(run("gpt2 generate --model DIRnew/" + model + "_whole" + write).out == adapted.out);
  }
}

TEST_CASE("gpt2 merge writes the model that an adapter makes") {
  const Shell run;
  make_gpt2(run.folder());
  write_all(run.folder() / "text", "the cat sat on the mat. the cat sat on the mat. the cat");
  REQUIRE(run("gpt2 finetune --model DIRgpt2 --text DIRtext --out DIRlow --steps 10 --lr 0.1 "
              "--context 3 --eval-every 0 --lora 2 --threads 1")
              .status == 0);
  const Outcome merged = run("gpt2 merge --model DIRgpt2 --adapter DIRlow --out DIRwhole");
  INFO(merged.err);
  REQUIRE(merged.status == 0);
  const std::string write = " --prompt the --max-tokens 10 --seed 1 --threads 1";
  const std::string whole = run("gpt2 generate --model DIRwhole" + write).out;
  CHECK(whole == run("gpt2 generate --model DIRgpt2 --adapter DIRlow" + write).out);
  CHECK(whole != run("gpt2 generate --model DIRgpt2" + write).out);
}

TEST_CASE("gpt2 writes with a LLaMA and with a model of train_gpt, and trains them whole") {
  const Shell run;
  make_llama(run.folder());
  make_char_gpt(run);
  for (const std::string model : {"llama", "own"}) {
    INFO(model);
    const std::string write = "generate --prompt abc --max-tokens 12 --seed 3 --model DIR";
    const Outcome text = run("gpt2 " + write + model + " --top-k 0 --threads 1");
    INFO(text.err);
    CHECK(text.status == 0);
    CHECK_THAT(text.out, StartsWith("abc"));
    const Outcome learned = run("gpt2 finetune --text DIRletters --steps 2 --context 8 --out DIRn" +
                                model + " --threads 1 --model DIR" + model);
    INFO(learned.err);
    CHECK(learned.status == 0);
    CHECK(run("gpt2 " + write + "n" + model).status == 0);
    // The LLaMA writes tokens too that its tokenizer does not have.
    CHECK(run(write + model + " --max-tokens 100").status == 0);
  }
  CHECK(run("generate --prompt abc --max-tokens 12 --seed 3 --model DIRown").out ==
        run("gpt2 generate --prompt abc --max-tokens 12 --seed 3 --model DIRown --top-k 0").out);
}

TEST_CASE("bert fills gaps, embeds and compares") {
  const Shell run;
  make_bert<nn::models::BertForMaskedLM>(run.folder(), "masked");
  make_bert<nn::models::BertModel>(run.folder(), "bert");
  const Outcome filled = run("bert fill-mask --model DIRmasked --text 'the [MASK] runs' --top-k 3");
  INFO(filled.err);
  CHECK(std::count(filled.out.begin(), filled.out.end(), '\n') == 3);
  CHECK_THAT(filled.out, ContainsSubstring(" %  "));

  write_all(run.folder() / "lines", "the cat runs\r\nthe dog\n");
  const std::string embed = "bert embed --model DIRbert --text 'the old tree .' --file DIRlines";
  const Outcome vectors = run(embed);
  CHECK(std::count(vectors.out.begin(), vectors.out.end(), '\n') == 3);
  CHECK(run(embed + " --out DIRe.npy").status == 0);
  const Array saved = io::load_npy(run.folder() / "e.npy");
  REQUIRE(saved.shape() == Shape{3, 16});
  CHECK(std::stod(vectors.out) == Approx(Tensor(saved).to_vector<float>()[0]).margin(1e-6));
  // A text's vector does not depend on those beside it.
  CHECK(run("bert embed --model DIRbert --text 'the old tree .' --out DIRone.npy").status == 0);
  const Tensor one(io::load_npy(run.folder() / "one.npy"));
  CHECK(amax(abs(one - Tensor(saved).narrow(0, 0, 1))).item<float>() < 1e-5f);

  const Outcome alike = run("bert similarity --model DIRbert --text 'the cat' 'old dog' 'the cat'");
  CHECK_THAT(alike.out, StartsWith(" 1.0000  the cat | the cat\n"));
  // Texts are read as far as the folder says: [CLS] the cat [SEP].
  write_all(run.folder() / "bert/sentence_bert_config.json", R"({"max_seq_length": 4})");
  const Outcome cut = run("bert similarity --model DIRbert --text 'the cat runs' 'the cat near'");
  CHECK_THAT(cut.out, StartsWith(" 1.0000  the cat runs | the cat near\n"));
  CHECK(std::count(alike.out.begin(), alike.out.end(), '\n') == 3);
}

TEST_CASE("bert learns classes from a CSV file") {
  const Shell run;
  make_bert<nn::models::BertModel>(run.folder(), "bert");
  write_all(run.folder() / "data.csv", river_csv());
  const Outcome learned =
      run("bert finetune --model DIRbert --data DIRdata.csv --out DIRclasses --epochs 12 "
          "--lr 0.005 --batch 8 --held-out 0.25 --threads 1");
  INFO(learned.err);
  REQUIRE(learned.status == 0);
  CHECK(number_after(learned.out, "accuracy ") > 0.95);
  const auto config = nlohmann::json::parse(read_all(run.folder() / "classes/config.json"));
  CHECK(config["id2label"] == nlohmann::json({{"0", "dry"}, {"1", "wet"}}));
  CHECK(config["label2id"] == nlohmann::json({{"dry", 0}, {"wet", 1}}));
  const std::string page = read_all(run.folder() / "classes/report.html");
  CHECK_THAT(page, ContainsSubstring("nats a text") && ContainsSubstring("Accuracy"));
  CHECK_THAT(page, !ContainsSubstring("Perplexity\""));
  const Outcome told = run("bert classify --model DIRclasses --text 'the old river' 'the tree'");
  CHECK(std::count(told.out.begin(), told.out.end(), '\n') == 2);
  CHECK(told.out.find("wet") < told.out.find("dry"));
}

// Cats among cats and dogs among dogs: the words around a gap tell what it hides.
std::string cats_and_dogs() {
  std::string text;
  for (int i = 0; i < 60; ++i)
    for (int j = 0; j < 40; ++j) text += i % 2 ? "cat " : "dog ";
  return text;
}

TEST_CASE("bert learns to fill the gaps of a text, whole or by an adapter") {
  const Shell run;
  make_bert<nn::models::BertForMaskedLM>(run.folder(), "masked");
  write_all(run.folder() / "text", cats_and_dogs());
  const std::string learn =
      "bert finetune --model DIRmasked --text DIRtext --max-length 16 "
      "--batch 8 --threads 1 ";
  const Outcome learned = run(learn + "--out DIRwhole --epochs 8 --lr 0.01");
  INFO(learned.err);
  REQUIRE(learned.status == 0);
  CHECK(number_after(learned.out, "accuracy ") > 0.9);
  const auto log = json_lines(read_all(run.folder() / "whole/log.jsonl"));
  CHECK(log.back()["val_loss"].get<double>() < log[0]["val_loss"].get<double>() - 1);
  const std::string page = read_all(run.folder() / "whole/report.html");
  CHECK_THAT(page, ContainsSubstring("nats a hidden token") && ContainsSubstring("Accuracy") &&
                       ContainsSubstring("\"kind\":\"attention\"") &&
                       ContainsSubstring("filled: "));
  const std::string fill = " --text 'cat cat cat [MASK] cat cat' --top-k 1";
  CHECK_THAT(run("bert fill-mask --model DIRwhole" + fill).out, ContainsSubstring("%  cat"));
  CHECK_THAT(run("bert fill-mask --model DIRwhole --top-k 1 --text 'dog [MASK] dog dog'").out,
             ContainsSubstring("%  dog"));

  const std::string low =
      learn + "--epochs 1 --lr 0.05 --lora 2 --targets query value dense --out ";
  REQUIRE(run(low + "DIRlow").status == 0);
  const auto config = nlohmann::json::parse(read_all(run.folder() / "low/adapter_config.json"));
  CHECK(config["task_type"].is_null());
  CHECK_FALSE(std::filesystem::exists(run.folder() / "low/model.safetensors"));
  const Outcome adapted = run("bert fill-mask --model DIRmasked --adapter DIRlow" + fill);
  INFO(adapted.err);
  CHECK(adapted.out != run("bert fill-mask --model DIRmasked" + fill).out);
  REQUIRE(run(low + "DIRmerged --merge").status == 0);
  CHECK(run("bert fill-mask --model DIRmerged" + fill).out == adapted.out);

  // The encoder alone takes an adapter that was trained under a head.
  REQUIRE(run(learn + "--epochs 1 --lr 0.1 --lora 2 --out DIRencoder").status == 0);
  const Outcome plain = run("bert embed --model DIRmasked --text 'old tree'");
  const Outcome moved = run("bert embed --model DIRmasked --adapter DIRencoder --text 'old tree'");
  INFO(moved.err);
  CHECK(moved.status == 0);
  CHECK(moved.out != plain.out);
}

TEST_CASE("bert learns classes by an adapter and a new head") {
  const Shell run;
  make_bert<nn::models::BertModel>(run.folder(), "bert");
  make_bert<nn::models::BertForMaskedLM>(run.folder(), "masked");  // without a pooler
  write_all(run.folder() / "data.csv", river_csv());
  for (const std::string base : {"bert", "masked"}) {
    const std::string learn =
        "bert finetune --data DIRdata.csv --epochs 12 --lr 0.02 --batch 8 "
        "--lora 2 --held-out 0.25 --threads 1 --model DIR" +
        base;
    const Outcome learned = run(learn + " --out DIRlow" + base);
    INFO(learned.err);
    REQUIRE(learned.status == 0);
    CHECK(number_after(learned.out, "accuracy ") > 0.9);
    const std::string texts = " --text 'the river runs old' 'the tree runs old'";
    const Outcome told =
        run("bert classify --model DIR" + base + " --adapter DIRlow" + base + texts);
    INFO(told.err);
    CHECK(told.out.find("wet") < told.out.find("dry"));
    REQUIRE(run(learn + " --merge --out DIRwhole" + base).status == 0);
    CHECK(run("bert classify --model DIRwhole" + base + texts).out == told.out);
  }
  // An encoder has no use for the head.
  const Outcome vector = run("bert embed --model DIRbert --adapter DIRlowbert --text 'the river'");
  INFO(vector.err);
  CHECK(vector.status == 0);
  // PEFT leaves no names of labels.
  std::filesystem::remove(run.folder() / "lowbert/config.json");
  CHECK_THAT(run("bert classify --model DIRbert --adapter DIRlowbert --text 'the river'").out,
             ContainsSubstring("LABEL_1"));
}

template <class Model>
void damage(const std::string& folder) {
  const auto model = hub::from_pretrained<Model>(folder);
  for (const auto& [name, parameter] : model.named_parameters())
    if (name.ends_with("query.weight"))
      parameter.assign_(full(parameter.shape(), std::numeric_limits<double>::quiet_NaN()).array());
  hub::save_pretrained(model, folder);
}

TEST_CASE("weights that answer with NaN are one clear line") {
  const Shell run;
  damage<nn::models::BertForMaskedLM>(
      make_bert<nn::models::BertForMaskedLM>(run.folder(), "masked"));
  damage<nn::models::BertForSequenceClassification>(
      make_bert<nn::models::BertForSequenceClassification>(run.folder(), "classes"));
  for (const std::string command :
       {"bert fill-mask --model DIRmasked --text '[MASK]'", "bert embed --model DIRmasked --text a",
        "bert similarity --model DIRmasked --text a b", "bert classify --model DIRclasses --text a",
        "attention_map --model DIRmasked --text a --out DIRa.html"}) {
    const Outcome outcome = run(command);
    INFO(command << "\n" << outcome.out << outcome.err);
    CHECK(outcome.status == 1);
    CHECK(outcome.out.empty());
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    CHECK_THAT(outcome.err, ContainsSubstring("answers with NaN"));
  }
}

TEST_CASE("attention_map shows models of every kind") {
  const Shell run;
  make_gpt2(run.folder());
  make_bert<nn::models::BertForMaskedLM>(run.folder(), "bert");
  const Outcome gpt2 =
      run("attention_map --model DIRgpt2 --text 'the cat sat on the mat' --out DIRa.html");
  INFO(gpt2.err);
  CHECK(gpt2.status == 0);
  CHECK_THAT(gpt2.out,
             StartsWith("the text has 22 tokens; 16 of them are read (the model takes no more)\n"
                        "2 layers, 4 heads, 16 tokens\n"));
  CHECK_THAT(read_all(run.folder() / "a.html"), ContainsSubstring("\"tokens\":[\"t\",\"h\""));
  const Outcome pair =
      run("attention_map --model DIRbert --text 'the cats' --second 'old dog' --out DIRb.html");
  CHECK_THAT(pair.out, StartsWith("1 layers, 2 heads, 8 tokens\n"));
  const std::string page = read_all(run.folder() / "b.html");
  CHECK_THAT(page, ContainsSubstring(R"(["[CLS]","the","cat","##s","[SEP]","old","dog","[SEP]"])"));
  CHECK_THAT(page, ContainsSubstring("separator"));

  make_llama(run.folder());
  const Outcome llama =
      run("attention_map --model DIRllama --text ababab --max-tokens 4 --out DIRd.html");
  INFO(llama.err);
  CHECK_THAT(llama.out, StartsWith("the text has 6 tokens; 4 of them are read (--max-tokens)\n"
                                   "2 layers, 4 heads, 4 tokens\n"));
  make_char_gpt(run);
  const Outcome own = run("attention_map --model DIRown --text abab --out DIRc.html");
  CHECK_THAT(own.out, StartsWith("1 layers, 2 heads, 4 tokens\n"));
}

TEST_CASE("mistakes with models are one clear line") {
  const Shell run;
  make_gpt2(run.folder());
  make_bert<nn::models::BertForMaskedLM>(run.folder(), "bert");
  write_all(run.folder() / "text", "the cat");
  write_all(run.folder() / "bad.csv", "text,label\na,x\n\"b\n");
  write_all(run.folder() / "one.csv", "text,label\na,x\nb,x\n");
  std::filesystem::copy(run.folder() / "gpt2", run.folder() / "bare");
  std::filesystem::remove(run.folder() / "bare/vocab.json");
  std::filesystem::copy(run.folder() / "bert", run.folder() / "wide");
  write_all(run.folder() / "wide/vocab.txt", read_all(run.folder() / "bert/vocab.txt") + "fox\n");
  std::filesystem::create_directory(run.folder() / "other");
  write_all(run.folder() / "other/config.json", R"({"model_type": "t5"})");
  const std::string learn = "bert finetune --model DIRbert --out DIRout --data ";
  const std::vector<std::pair<std::string, std::string>> mistakes = {
      {"gpt2", "subcommand"},
      {"gpt2 generate", "--model is required"},
      {"gpt2 generate --model DIRnone", "none/config.json: No such file"},
      {"gpt2 generate --model DIRbare", "bare has no tokenizer: none of tokenizer.json"},
      {"attention_map --model DIRbare --text cat", "bare has no tokenizer"},
      {"gpt2 generate --model DIRbert", "model_type is \"bert\", an encoder"},
      {"gpt2 generate --model DIRother", "model_type is \"t5\"; gpt2, llama and bert can be read"},
      {"attention_map --model DIRother --text cat", "model_type is \"t5\""},
      {"gpt2 generate --model DIRgpt2 --adapter DIRbert", "adapter_config.json: No such file"},
      {"gpt2 finetune --model DIRgpt2 --text DIRgpt2/merges.txt --out DIRout --lora 2 --targets q",
       "\"q\" means none of its layers: c_attn"},
      {"gpt2 finetune --model DIRgpt2 --text DIRtext --out DIRout --merge", "--merge requires"},
      {"gpt2 generate --model DIRgpt2 --temperature -1", "--temperature: is -1"},
      {"gpt2 generate --model DIRgpt2 --beams 2 --temperature 1", "temperature must be 0"},
      {"gpt2 generate --model DIRgpt2 --stop ''", "a stop text is empty"},
      {"gpt2 generate --model DIRgpt2 --prompt 'a text that is too long'", "the model takes 16"},
      {"gpt2 finetune --model DIRgpt2 --text DIRtext --out DIRout", "7 tokens; it takes 11"},
      {"bert fill-mask --model DIRbert --text cat", "no gap; write [MASK]"},
      {"bert classify --model DIRbert --text cat", "missing classifier.weight"},
      {"bert embed --model DIRbert", "nothing to embed"},
      {"bert similarity --model DIRbert --text cat", "it takes two texts"},
      {"bert similarity --model DIRgpt2 --text cat dog", "model_type is \"gpt2\""},
      {"bert embed --model DIRwide --text cat", "the tokenizer has 18 tokens, the model knows 17"},
      {"bert finetune --model DIRbert --out DIRout", "give --data or --text"},
      {learn + "DIRone.csv --text DIRtext", "excludes"},
      {"bert finetune --model DIRbert --out DIRout --text DIRtext", "2 tokens; it takes 11"},
      {"bert finetune --model DIRbert --out DIRout --text DIRbert/vocab.txt --max-length 2",
       "--max-length is 2"},
      {"bert classify --model DIRbert --adapter DIRgpt2 --text cat", "No such file"},
      {learn + "DIRbad.csv", "bad.csv, line 3: a quote is opened"},
      {learn + "DIRone.csv", "2 rows with 1 different labels"},
      {learn + "DIRone.csv --text-column body", "no column is named \"body\""},
      {"attention_map --model DIRgpt2 --text cat --second dog", "read pairs of texts"},
      {"attention_map --model DIRgpt2 --text ''", "no tokens"},
      {"attention_map --model DIRgpt2 --text cat --out DIRnone/a.html", "none/a.html"},
  };
  for (const auto& [command, text] : mistakes) {
    const Outcome outcome = run(command);
    INFO(command << "\n" << outcome.out << outcome.err);
    CHECK((outcome.status == 1 || outcome.status == 2));
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    CHECK_THAT(outcome.err, ContainsSubstring(text));
  }
}
