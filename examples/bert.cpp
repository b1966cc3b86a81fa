// BERT from a folder in the layout of Hugging Face: fills gaps, turns texts into vectors, compares
// and classifies them, and learns: to fill gaps from a text, to classify from a CSV file.

#include <algorithm>
#include <sstream>

#include "bert_adapter.h"
#include "bert_classes.h"
#include "bert_inputs.h"
#include "bert_masked.h"
#include "model_files.h"
#include "program.h"

using namespace attune;
using nn::models::BertConfig, nn::models::BertForMaskedLM;

// --- 1. Gaps: what stands under [MASK]? ---

struct FillOptions {
  std::string model, adapter, text;
  int64_t top_k = 5;
};

void fill_mask(const FillOptions& o) {
  NoGrad no_grad;
  const auto model = bert::load_adapted<BertForMaskedLM>(o.model, o.adapter);
  const auto tokenizer = load_tokenizer(o.model, model.config().vocab_size).tokenizer;
  const int64_t mask = bert::special_token(tokenizer, "mask_token", "[MASK]", o.model);
  const auto ids = tokenizer.encode(o.text);
  if (std::find(ids.begin(), ids.end(), mask) == ids.end())
    throw ValueError(fmt::format("the text has no gap; write {}", tokenizer.token(mask)));
  const Tensor logits = finite(model(tensor(ids, {1, std::ssize(ids)})), o.model);
  // A model may know more tokens than its tokenizer.
  const Tensor likely = softmax(logits.select(0, 0), -1).narrow(-1, 0, tokenizer.size());
  for (size_t at = 0; at < ids.size(); ++at) {
    if (ids[at] != mask) continue;
    const auto [shares, tokens] =
        topk(likely.select(0, static_cast<int64_t>(at)), std::min(o.top_k, tokenizer.size()));
    for (int64_t i = 0; i < tokens.numel(); ++i) {
      auto filled = ids;
      filled[at] = tokens.select(0, i).item<int64_t>();
      fmt::print("{:6.2f} %  {:16} {}\n", 100 * shares.select(0, i).item<double>(),
                 tokenizer.decode({filled[at]}, false), tokenizer.decode(filled));
    }
  }
}

// --- 2. Texts as vectors, near to each other if the meanings are. ---

struct TextOptions {
  std::string model, adapter, file, out;
  std::vector<std::string> text;
};

// [texts, hidden size].
Tensor embeddings(const TextOptions& o, const std::vector<std::string>& texts) {
  const auto model = bert::load_sentence_encoder(o.model, o.adapter);
  const auto files = load_tokenizer(o.model, model.bert.config().vocab_size);
  const Tensor vectors =
      rows_of(files.tokenizer, texts, model.max_seq_length(),
              [&](const BertInputs& inputs) { return model(inputs.ids, inputs.options); });
  return finite(vectors, o.model);
}

std::vector<std::string> lines_of(const std::string& path) {
  std::istringstream text(io::read_file(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) {
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(line);
  }
  return lines;
}

void embed(const TextOptions& o) {
  std::vector<std::string> texts = o.text;
  if (!o.file.empty()) {
    const auto lines = lines_of(o.file);
    texts.insert(texts.end(), lines.begin(), lines.end());
  }
  if (texts.empty()) throw ValueError("there is nothing to embed; give --text or --file");
  const Tensor vectors = embeddings(o, texts);
  if (!o.out.empty()) {
    io::save_npy(o.out, vectors.array());
    fmt::print("{} vectors of {} are in {}\n", vectors.size(0), vectors.size(1), o.out);
    return;
  }
  for (int64_t i = 0; i < vectors.size(0); ++i)
    fmt::print("{:.8g}\n", fmt::join(vectors.select(0, i).to_vector<float>(), " "));
}

std::string whole_line(const std::string& text) { return one_line(text, text.size()); }

void similarity(const TextOptions& o) {
  if (o.text.size() < 2) throw ValueError("it takes two texts or more; repeat --text");
  const Tensor vectors = nn::models::normalize(embeddings(o, o.text));
  const auto cosines = matmul(vectors, vectors.transpose(0, 1)).to(float64).to_vector<double>();
  struct Pair {
    double cosine;
    size_t first, second;
  };
  std::vector<Pair> pairs;
  for (size_t i = 0; i < o.text.size(); ++i)
    for (size_t j = i + 1; j < o.text.size(); ++j)
      pairs.push_back({cosines[i * o.text.size() + j], i, j});
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const Pair& a, const Pair& b) { return a.cosine > b.cosine; });
  for (const Pair& pair : pairs)
    fmt::print("{:7.4f}  {} | {}\n", pair.cosine, whole_line(o.text[pair.first]),
               whole_line(o.text[pair.second]));
}

// --- 3. Classes. ---

std::string label_name(const BertConfig& config, int64_t label) {
  return config.id2label.empty() ? fmt::format("LABEL_{}", label)
                                 : config.id2label[static_cast<size_t>(label)];
}

void classify(const TextOptions& o) {
  const auto model = bert::load_classifier(o.model, o.adapter);
  const auto files = load_tokenizer(o.model, model.config().vocab_size);
  const Tensor answers = finite(
      scores(model, files.tokenizer, o.text, model.config().max_position_embeddings), o.model);
  const bool regression = model.config().problem_type == "regression";
  const Tensor labels = argmax(answers, -1);
  for (int64_t i = 0; i < answers.size(0); ++i) {
    const auto label = labels.select(0, i).item<int64_t>();
    const auto score = answers.select(0, i).select(0, label).item<double>();
    fmt::print("{}  {:16} {}\n",
               regression ? fmt::format("{:8.4f}", score) : fmt::format("{:6.2f} %", 100 * score),
               label_name(model.config(), label), whole_line(o.text[static_cast<size_t>(i)]));
  }
}

// --- 4. Learning. ---

void finetune(const bert::FinetuneOptions& o, const CLI::App& app) {
  if (o.data.empty() && o.text.empty())
    throw ValueError("there is nothing to learn from; give --data or --text");
  if (o.text.empty())
    bert::learn_classes(o, app);
  else
    bert::learn_gaps(o, app);
}

int main(int argc, char** argv) {
  CLI::App app("Works with texts by a BERT: gaps, vectors, similarity, classes.", "bert");
  app.require_subcommand(1);
  const auto command = [&](const char* name, const char* what, auto& o) {
    CLI::App* sub = app.add_subcommand(name, what);
    sub->add_option("--model", o.model, "folder with config.json, model.safetensors, a tokenizer")
        ->required();
    sub->add_option("--adapter", o.adapter, "folder of a LoRA adapter of it, of finetune or PEFT");
    return sub;
  };
  FillOptions fill;
  CLI::App* filling = command("fill-mask", "says what may stand under [MASK]", fill);
  filling->add_option("--text", fill.text, "with one [MASK] or more")->required();
  add_option(*filling, "--top-k", fill.top_k, "answers", at_least(1));

  TextOptions texts;
  CLI::App* embedding = command("embed", "turns texts into vectors, a line each", texts);
  embedding->add_option("--text", texts.text, "one text or more");
  embedding->add_option("--file", texts.file, "a file with a text on each line");
  embedding->add_option("--out", texts.out, "writes a .npy file [texts, width] instead");
  CLI::App* comparing = command("similarity", "compares texts, each with each", texts);
  comparing->add_option("--text", texts.text, "two texts or more")->required();
  CLI::App* classifying = command("classify", "names the class of texts", texts);
  classifying->add_option("--text", texts.text, "one text or more")->required();

  bert::FinetuneOptions training;
  CLI::App* learning = app.add_subcommand(
      "finetune", "learns to classify from a CSV file, or to fill gaps from text files");
  bert::add_options(*learning, training);
  return run_program(app, argc, argv, [&] {
    if (*filling) fill_mask(fill);
    if (*embedding) embed(texts);
    if (*comparing) similarity(texts);
    if (*classifying) classify(texts);
    if (*learning) finetune(training, *learning);
  });
}
