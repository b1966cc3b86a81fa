// Runs the examples as a user does, with settings that take a moment, and makes them fail.

#include <attune/train.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "../catch.h"
#include "shell.h"

using Catch::Matchers::ContainsSubstring;
namespace train = attune::train;

namespace {

std::string some_text() {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "the cat sat on the mat and saw a rat.\n\n";
  return text;
}

const std::string tiny =
    " --layers 1 --heads 2 --dim 8 --context 8 --batch 2 --steps 6 --eval-every 3 --threads 1";

}  // namespace

TEST_CASE("the small examples run") {
  const Shell run;
  CHECK_THAT(run("xor").out, ContainsSubstring("answers"));
  CHECK_THAT(run("custom_op").out, ContainsSubstring("d/dbeta"));
  const Outcome gradcheck = run("gradcheck");
  CHECK(gradcheck.status == 0);
  CHECK_THAT(gradcheck.out, ContainsSubstring("the right layer: every gradient agrees"));
  CHECK_THAT(gradcheck.out, ContainsSubstring("3.75 numerically, -3.75 analytically"));
}

TEST_CASE("heads shows its measurements and writes a report") {
  const Shell run;
  const Outcome heads = run("heads --steps 1 --threads 1 --out DIRheads");
  CHECK(heads.status == 0);
  CHECK_THAT(heads.out, ContainsSubstring("previous token") && ContainsSubstring("of 8 heads"));
  CHECK_THAT(read_all(run.folder() / "heads/report.html"), ContainsSubstring("learns to copy"));
}

TEST_CASE("translate runs, and reads what it is given before it learns") {
  const Shell run;
  const std::string translate =
      "translate --steps 2 --batch 2 --dim 8 --heads 2 --layers 1 --threads 1 --out DIRdates";
  const Outcome learned = run(translate + " 7/4/1976");
  INFO(learned.err);
  CHECK(learned.status == 0);
  CHECK_THAT(learned.out, ContainsSubstring("7/4/1976"));
  CHECK(json_lines(read_all(run.folder() / "dates/log.jsonl")).size() == 2);
  CHECK(run(translate + " 7_4_1976").status == 1);
  const Outcome diverged = run(translate + " --lr 1e30 --steps 20");
  CHECK(diverged.status == 1);
  CHECK_THAT(diverged.err, ContainsSubstring("the training loss is"));
}

TEST_CASE("output that cannot be written is a failure") {
  if (!std::filesystem::exists("/dev/full")) return;
  CHECK(std::system(ATTUNE_EXAMPLES "/cost >/dev/full 2>/dev/null") != 0);
}

TEST_CASE("an error that cannot be printed is a status all the same") {
  const Shell run;
  CHECK(run("train_gpt --bogus 2>/dev/full; exit $?").status == 2);
  CHECK(run("generate --model /absent 2>&-; exit $?").status == 1);
  CHECK(run("train_gpt --help >/dev/full 2>DIRsaid; exit $?").status == 1);
  CHECK_THAT(read_all(run.folder() / "said"),
             ContainsSubstring("output cannot be written: No space"));
}

TEST_CASE("what is closed when a program starts does not become one of its files") {
  const Shell run;
  write_all(run.folder() / "text", some_text());
  CHECK(run("train_gpt --text DIRtext --out DIRm" + tiny + " <&- 2>&-; exit $?").status == 0);
  CHECK(json_lines(read_all(run.folder() / "m/log.jsonl")).size() > 2);
}

TEST_CASE("a limit on the size of files is one clear line") {
  const Shell run;
  write_all(run.folder() / "text", some_text());
  const Outcome outcome = run("cost --help >/dev/null; ulimit -f 4; " ATTUNE_EXAMPLES
                              "/train_gpt --text DIRtext --out DIRm" +
                              tiny + " 2>DIRsaid; exit $?");
  CHECK(outcome.status == 1);
  const std::string said = read_all(run.folder() / "said");
  CHECK_THAT(said, ContainsSubstring("File too large"));
}

TEST_CASE("train_gpt leaves a model, a log and a report; generate goes on with the model") {
  const Shell run;
  write_all(run.folder() / "text", some_text());
  const Outcome trained = run("train_gpt --text DIRtext --out DIRa/b" + tiny);
  INFO(trained.err);
  REQUIRE(trained.status == 0);
  const auto val_loss = trained.out.rfind("val_loss ");
  REQUIRE(val_loss != std::string::npos);

  const auto log = json_lines(read_all(run.folder() / "a/b/log.jsonl"));
  REQUIRE(log.size() == 6);
  for (const auto& line : log) {
    CHECK(line.contains("train_loss"));
    CHECK(line.contains("lr"));
    CHECK(line.contains("tokens_per_second"));
    CHECK(line.contains("val_loss") == (line["step"].get<int>() % 3 == 0));
  }
  CHECK(std::stod(trained.out.substr(val_loss + 9)) == Approx(log[5]["val_loss"]).margin(1e-4));
  const std::string report = read_all(run.folder() / "a/b/report.html");
  CHECK_THAT(report, ContainsSubstring("\"step\":0,\"text\""));
  CHECK_THAT(report, ContainsSubstring("\"step\":6,\"text\""));
  CHECK_THAT(report, ContainsSubstring("\"kind\":\"attention\""));
  CHECK_THAT(read_all(run.folder() / "a/b/heads.txt"), ContainsSubstring("head"));

  const std::string ask = "generate --model DIRa/b --max-tokens 20 --seed 3 --prompt 'the '";
  const Outcome written = run(ask);
  CHECK(written.status == 0);
  CHECK(written.out.size() == 4 + 20 + 1);
  CHECK_THAT(written.out, Catch::Matchers::StartsWith("the "));
  CHECK(run(ask).out == written.out);
  CHECK(run("generate --model DIRa/b --max-tokens 5").out.size() == 1 + 5 + 1);
}

TEST_CASE("validating more often changes no weight") {
  const Shell run;
  write_all(run.folder() / "text", some_text());
  const std::string train = "train_gpt --text DIRtext --dropout 0.2" + tiny;
  REQUIRE(run(train + " --out DIRoften").status == 0);
  REQUIRE(run(train + " --out DIRonce --eval-every 0 --threads 2").status == 0);
  const bool same = read_all(run.folder() / "often/model.safetensors") ==
                    read_all(run.folder() / "once/model.safetensors");
  CHECK(same);
}

TEST_CASE("train_gpt goes on as if it had not stopped, and refuses what does not fit") {
  const Shell run;
  write_all(run.folder() / "text", some_text());
  const std::string train = "train_gpt --text DIRtext --out DIRout --dropout 0.2 --save-every 7" +
                            tiny + " --steps 24 --eval-every 4 ";
  const auto results = [&] {
    std::vector<std::string> all{read_all(run.folder() / "out/model.safetensors")};
    for (auto line : json_lines(read_all(run.folder() / "out/log.jsonl"))) {
      line.erase("tokens_per_second");
      all.push_back(line.dump());
    }
    return all;
  };
  REQUIRE(run(train).status == 0);
  const auto whole = results();
  CHECK(whole.size() == 25);
  REQUIRE(std::filesystem::remove(run.folder() / "out/checkpoints/step-00000024.safetensors"));
  const Outcome resumed = run(train + "--resume --threads 2");
  CHECK(resumed.status == 0);
  CHECK_THAT(resumed.out, ContainsSubstring("going on after step 21"));
  CHECK((results() == whole));
  CHECK(run(train + "--resume").out.find("going on after step 24") != std::string::npos);
  CHECK((results() == whole));

  const Outcome longer = run(train + "--resume --steps 30");
  CHECK(longer.status == 1);
  CHECK_THAT(longer.err, ContainsSubstring("does not fit: steps is 30 now and was 24"));
  CHECK((results() == whole));
  CHECK(run(train).status == 0);
  CHECK(std::filesystem::exists(run.folder() / "out/checkpoints/old/step-00000024.safetensors"));
}

TEST_CASE("train_gpt saves and stops when it is told to") {
  const Shell run;
  write_all(run.folder() / "text", some_text());
  const Outcome stopped =
      run("train_gpt --text DIRtext --out DIRout --save-every 5" + tiny +
          " --steps 100000000 >/dev/null 2>DIRerror & "
          "until ls DIRout/checkpoints/*.safetensors >/dev/null 2>&1; do sleep 0.02; done; "
          "kill -TERM $!; wait $!; exit $?");
  CHECK(stopped.status == 128 + 15);
  const std::string said = read_all(run.folder() / "error");
  const size_t at = said.find("stopped after step ");
  REQUIRE(at != std::string::npos);
  const auto log = json_lines(read_all(run.folder() / "out/log.jsonl"));
  CHECK(log.back()["step"].get<int>() == std::stoi(said.substr(at + 19)));
  const auto saved = train::Checkpoint(run.folder() / "out/checkpoints").list();
  CHECK(saved.back().step == log.back()["step"].get<int>());
}

TEST_CASE("every mistake is one clear line, before any training") {
  const Shell run;
  write_all(run.folder() / "text", some_text());
  write_all(run.folder() / "empty", "");
  write_all(run.folder() / "short", "too short for the context");
  write_all(run.folder() / "latin1", some_text() + "caf\xe9");
  write_all(run.folder() / "file", "");
  std::filesystem::create_directory(run.folder() / "other");
  write_all(run.folder() / "other/tokenizer.json", "{}");
  const std::string train = "train_gpt --text DIRtext --out DIRout" + tiny;
  const auto with = [&](const std::string& options) { return train + " " + options; };
  const std::vector<std::pair<std::string, std::string>> mistakes = {
      {"train_gpt", "--text is required"},
      {"train_gpt --text DIRmissing --out DIRout", "missing: No such file"},
      {"train_gpt --text DIR --out DIRout", "not a regular file"},
      {"train_gpt --text DIRempty --out DIRout", "the text is empty"},
      {"train_gpt --text DIRshort --out DIRout", "do not fill a window of context 64"},
      {"train_gpt --text DIRlatin1 --out DIRout" + tiny, "latin1 is not UTF-8"},
      {with("--out DIRother"), "has tokenizer.json, the tokenizer of another model"},
      {with("--out DIRfile"), "DIRfile"},
      {with("--out DIRfile/below"), "Not a directory"},
      {with("--heads 3"), "n_embd 8 is not a multiple of n_head 3"},
      {with("--steps 0"), "--steps: is 0; it must be at least 1"},
      {with("--steps many"), "--steps"},
      {with("--steps 010"), "--steps: is 010; it must be a whole number"},
      {with("--steps 2.5"), "--steps: is 2.5; it must be a whole number"},
      {with("--steps 100000000000000000000"), "a whole number, at most 9223372036854775807"},
      {with("--seed 18446744073709551616"), "a whole number, at most 18446744073709551615"},
      {"cost --context 8 0x10", "--context: is 0x10; it must be a whole number"},
      {with("--lr -1"), "--lr: is -1"},
      {with("--lr nan"), "--lr: is nan"},
      {with("--threads 0"), "--threads: is 0; it must be from 1 to 1024"},
      {with("--threads 100000"), "--threads"},
      {with("--dropout 1.5"), "--dropout"},
      {with("--batch -2"), "--batch"},
      {with("--context 0"), "--context"},
      {with("--seed -1"), "--seed"},
      {with("--colour red"), "--colour"},
      {with("--lr 1e30 --steps 50"), "loss is"},
      {"heads --steps 0", "--steps"},
      {"heads --steps 1 --out DIRfile", "DIRfile"},
      {"generate", "--model is required"},
      {"generate --model DIRmissing", "missing/config.json: No such file"},
  };
  for (const auto& [command, text] : mistakes) {
    const Outcome outcome = run(command);
    INFO(command << "\n" << outcome.out << outcome.err);
    CHECK((outcome.status == 1 || outcome.status == 2));
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    const std::string folder = run.folder() / "";
    std::string expected = text;
    if (const size_t at = expected.find("DIR"); at != std::string::npos)
      expected.replace(at, 3, folder);
    CHECK_THAT(outcome.err, ContainsSubstring(expected));
  }
}

TEST_CASE("generate refuses a model that is damaged and a prompt it cannot read") {
  const Shell run;
  write_all(run.folder() / "text", some_text());
  REQUIRE(run("train_gpt --text DIRtext --out DIRm" + tiny).status == 0);
  const std::string weights = run.folder() / "m/model.safetensors";
  const std::string config = run.folder() / "m/config.json";
  const std::string whole = read_all(weights), settings = read_all(config);
  const auto refused = [&](const std::string& options, const std::string& text) {
    const Outcome outcome = run("generate --model DIRm --max-tokens 3 " + options);
    INFO(outcome.err);
    CHECK(outcome.status != 0);
    CHECK(outcome.out.empty());
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    CHECK_THAT(outcome.err, ContainsSubstring(text));
  };
  refused("--prompt Quick!", "\"Q\" is not among");
  refused("--temperature -1", "--temperature");
  refused("--top-p 1.5", "--top-p");
  refused("--top-k -1", "--top-k");
  refused("--max-tokens -1", "--max-tokens");

  write_all(weights, whole.substr(0, whole.size() / 2));
  refused("", "model.safetensors");
  write_all(weights, "");
  refused("", "model.safetensors");
  write_all(weights, whole);
  write_all(config, settings.substr(0, settings.size() / 2));
  refused("", "config.json");
  write_all(config, R"({"layers": "many"})");
  refused("", "config.json");
  std::filesystem::remove(weights);
  write_all(config, settings);
  refused("", "model.safetensors: No such file");
  write_all(weights, whole);
  const std::string vocabulary = run.folder() / "m/vocabulary.json";
  write_all(vocabulary, R"(["a"])");
  refused("", "the tokenizer has 1 tokens, the model knows");
  write_all(vocabulary, "[1]");
  refused("", "vocabulary.json");
  std::filesystem::remove(vocabulary);
  refused("", "has no tokenizer: none of tokenizer.json");
}
