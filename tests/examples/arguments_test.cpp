// What stands on a command line reaches a program as it was meant.

#include <attune/attune.h>

#include <algorithm>
#include <vector>

#include "../catch.h"
#include "shell.h"
#include "tiny_models.h"

using namespace attune;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

TEST_CASE("texts in square brackets are texts") {
  const Shell run;
  make_bert<nn::models::BertModel>(run.folder(), "bert");
  make_gpt2(run.folder());
  write_all(run.folder() / "[t]", "the cat sat on the mat and saw a rat.\n\n");
  CHECK_THAT(run("bert similarity --model DIRbert --text '[the cat, the river]' 'the dog'").out,
             ContainsSubstring("[the cat, the river] | the dog\n"));
  const std::string vectors =
      run("bert embed --model DIRbert --text='[the cat, the river]' --text '[]'").out;
  CHECK(std::count(vectors.begin(), vectors.end(), '\n') == 2);
  const std::string write = "gpt2 generate --model DIRgpt2 --seed 1 --temperature 2 ";
  const Outcome whole = run(write + "--max-tokens 3");
  REQUIRE(whole.status == 0);
  CHECK(run(write + "--stop '[]' --max-tokens 3").out == whole.out);
  CHECK(run(write + "--stop '[a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z]' "
                    "--max-tokens 3")
            .out == whole.out);
  const std::string train = "cost >/dev/null; cd DIR && " ATTUNE_EXAMPLES
                            "/train_gpt --layers 1 --heads 1 --dim 4 --context 4 --steps 1 --text ";
  CHECK(run(train + "'[t]' --out DIRout").status == 0);
  CHECK_THAT(run("translate --steps 1 --batch 1 --dim 4 --heads 1 --layers 1 --out DIRdates "
                 "'[1 May 1979, 7/4/1976]'")
                 .err,
             ContainsSubstring("\"[\" is not among"));
}

TEST_CASE("an option without its value does not take the next for it") {
  const Shell run;
  write_all(run.folder() / "text", std::string(400, 'a'));
  const std::vector<std::pair<std::string, std::string>> mistakes = {
      {"train_gpt --text --out DIRx", "--text: needs a value before --out"},
      {"train_gpt --text DIRtext --out --steps=3", "--out: needs a value before --steps=3"},
      {"train_gpt --text -h --out DIRx", "--text: needs a value before -h"},
      {"train_gpt --text= --out DIRx", "read: the path is empty"},
      {"train_gpt --text DIRtext --out ''", "--out is empty"},
      {"train_gpt --text DIRtext --out=", "--out is empty"},
      {"train_gpt --text DIRtext --lr=-1", "--lr: is -1"},
      {"train_gpt --text DIRtext --bf16=]", "--bf16"},
      {"train_gpt --text DIRtext --steps '1\n2'", "--steps: is 1 2;"},
      {"train_gpt --text DIRtext '--more\nof'", "--more of"},
      {"translate --out DIRx --batch 100000000000", "--batch: is 100000000000"},
      {"translate --out DIRx ''", "one of the dates is empty"}};
  for (const auto& [command, reason] : mistakes) {
    const Outcome outcome = run(command);
    INFO(command << "\n" << outcome.err);
    CHECK((outcome.status == 1 || outcome.status == 2));
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    CHECK_THAT(outcome.err, ContainsSubstring(reason));
    CHECK_FALSE(std::filesystem::exists(run.folder() / "x/log.jsonl"));
  }
  make_gpt2(run.folder());
  const Outcome dashes = run("gpt2 generate --model DIRgpt2 --max-tokens 3 --prompt=--stop");
  CHECK(dashes.status == 0);
  CHECK_THAT(dashes.out, StartsWith("stop"));  // its tokenizer has no dash
}

TEST_CASE("a result is written to a pipe that is read, and not waited for by one that is not") {
  const Shell run;
  make_gpt2(run.folder());
  const std::string draw = "attention_map --model DIRgpt2 --text 'the cat' --out ";
  CHECK_THAT(run(draw + "/dev/stdout | cat >DIRpage; cat DIRpage").out,
             ContainsSubstring("</html>"));
  const Outcome unread =
      run("cost >/dev/null; mkfifo DIRpipe; " ATTUNE_EXAMPLES "/" + draw + "DIRpipe");
  CHECK(unread.status == 1);
  CHECK_THAT(unread.err, ContainsSubstring("a pipe that nobody reads"));
}

TEST_CASE("a prompt that a model does not take is not printed") {
  const Shell run;
  make_gpt2(run.folder());
  const Outcome refused =
      run("gpt2 generate --model DIRgpt2 --max-tokens 3 --prompt " + std::string(100, 'a'));
  INFO(refused.err);
  CHECK(refused.status == 1);
  CHECK(refused.out.empty());
  CHECK_THAT(run("gpt2 generate --model DIRgpt2 --max-tokens 0 --prompt abc").out,
             StartsWith("abc"));
}

TEST_CASE("cost counts no more than fits") {
  const Shell run;
  const Outcome refused = run("cost --batch 1000000 --context 1000000");
  CHECK(refused.status == 1);
  CHECK_THAT(refused.err, ContainsSubstring("more bytes than can be counted"));
  CHECK(run("cost --batch 8 --context 1000000").status == 0);
}

TEST_CASE("no line of cost ends in spaces, though a number be small") {
  const Outcome shown = Shell()("cost --context 1");
  CHECK(shown.status == 0);
  CHECK_FALSE(shown.out.find(" \n") != std::string::npos);
}
