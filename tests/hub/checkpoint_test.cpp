#include <sys/stat.h>

#include <filesystem>

#include "../scratch.h"
#include "golden_model.h"

namespace fs = std::filesystem;
using nn::models::Gpt2;

namespace {

// A copy of a golden model that a test may spoil.
class Copy {
 public:
  explicit Copy(const std::string& model) {
    fs::copy(model_folder(model), path(), fs::copy_options::recursive);
  }
  std::string path() const { return folder_ / "model"; }
  std::string operator/(const std::string& file) const { return path() + "/" + file; }
  void replace(const std::string& file, const std::string& from, const std::string& to) const {
    std::string text = read_all(*this / file);
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    write_all(*this / file, text.replace(at, from.size(), to));
  }
  // Changes the tensors of model.safetensors.
  void change(const std::function<void(StateDict&)>& edit) const {
    StateDict tensors = io::load_safetensors(*this / weights).arrays;
    edit(tensors);
    io::save_safetensors(*this / weights, tensors);
  }

  static constexpr const char* weights = "model.safetensors";

 private:
  ScratchFolder folder_;
};

template <class E>
void check_refused(const Copy& copy, const std::vector<std::string>& reasons) {
  try {
    hub::from_pretrained<Gpt2>(copy.path());
    FAIL("it was read");
  } catch (const E& error) {
    for (const std::string& reason : reasons) CHECK_THAT(error.what(), ContainsSubstring(reason));
    CHECK(std::string(error.what()).find('\n') == std::string::npos);
  }
}

}  // namespace

TEST_CASE("the type of a model is known before it is read") {
  CHECK(hub::model_type(model_folder("gpt2")) == "gpt2");
  CHECK_THROWS_AS(hub::model_type(model_folder("absent")), IoError);
}

TEST_CASE("every tensor that is missing, unknown or mis-shaped is listed in one error") {
  const Copy copy("gpt2");
  copy.change([](StateDict& tensors) {
    tensors.erase("transformer.h.0.attn.c_attn.bias");
    tensors.erase("transformer.wte.weight");
    tensors.insert_or_assign("transformer.h.1.mlp.c_fc.weight", Array({32, 8}, float32));
    tensors.insert_or_assign("transformer.ln_f.weight", Tensor(tensor({1, 2})).array());
    tensors.emplace("transformer.h.2.ln_1.weight", Array({8}, float32));
    tensors.emplace("h.0.ln_1.bias", Array({8}, float32));
  });
  check_refused<FormatError>(
      copy,
      {"missing transformer.h.0.attn.c_attn.bias [24]", "missing transformer.wte.weight",
       "transformer.h.1.mlp.c_fc.weight is [32, 8], the model takes [8, 32]",
       "transformer.ln_f.weight is [2], the model takes [8]", "unknown transformer.h.2.ln_1.weight",
       "h.0.ln_1.bias and transformer.h.0.ln_1.bias are the same tensor"});
}

TEST_CASE("config fields of a wrong type or size are listed before memory is taken") {
  const std::pair<const char*, const char*> changes[] = {
      {"\"n_layer\": 2", "\"n_layer\": 2000000000"},
      {"\"n_embd\": 8", "\"n_embd\": \"8\""},
      {"\"n_head\": 2", "\"n_head\": -2"},
      {"\"vocab_size\": 19", "\"vocab_size\": 9223372036854775807"},
      {"\"n_positions\": 9", "\"n_positions\": 9.5"},
      {"\"layer_norm_epsilon\": 1e-05", "\"layer_norm_epsilon\": null"},
      {"\"resid_pdrop\": 0.1", "\"resid_pdrop\": 2"},
      {"\"activation_function\": \"gelu_new\"", "\"activation_function\": \"sin\""},
      {"\"add_cross_attention\": false", "\"add_cross_attention\": true"},
      {"\"model_type\": \"gpt2\"", "\"model_type\": \"bert\""}};
  const Copy all("gpt2");
  std::vector<std::string> reasons;
  for (const auto& [from, to] : changes) {
    const Copy copy("gpt2");
    copy.replace("config.json", from, to);
    all.replace("config.json", from, to);
    reasons.push_back(std::string(from).substr(1, std::string(from).find('"', 1) - 1) + " is ");
    if (reasons.back() == "activation_function is ") reasons.back() = "\"sin\" is none of";
    check_refused<FormatError>(copy, {"config.json", reasons.back()});
  }
  check_refused<FormatError>(all, reasons);

  // Sizes within bounds that do not fit the file.
  const Copy huge("gpt2");
  huge.replace("config.json", "\"vocab_size\": 19", "\"vocab_size\": 2000000000");
  huge.replace("config.json", "\"n_embd\": 8", "\"n_embd\": 2000000000");
  huge.replace("config.json", "\"n_layer\": 2", "\"n_layer\": 4096");
  check_refused<FormatError>(
      huge, {"transformer.wte.weight is [19, 8], the model takes [2000000000, 2000000000]",
             "missing transformer.h.77.ln_1.bias", "more"});
  const Copy uneven("gpt2");
  uneven.replace("config.json", "\"n_head\": 2", "\"n_head\": 3");
  check_refused<FormatError>(uneven, {"n_embd 8 is not a multiple of n_head 3"});
}

TEST_CASE("a GPT-2's sizes have a second name, which must not disagree with the first") {
  using nn::models::Gpt2Config;
  const auto config = Gpt2Config::from_json(
      R"({"model_type":"gpt2","hidden_size":24,"num_hidden_layers":3,"num_attention_heads":4,)"
      R"("max_position_embeddings":32,"n_head":4})");
  CHECK(config.n_embd == 24);
  CHECK(config.n_layer == 3);
  CHECK(config.n_head == 4);
  CHECK(config.n_positions == 32);
  CHECK_THROWS_WITH(
      Gpt2Config::from_json(R"({"model_type":"gpt2","n_head":12,"num_attention_heads":4})"),
      ContainsSubstring("num_attention_heads is 4, but n_head, which is the same, is 12"));
}

TEST_CASE("a config that is no config is refused") {
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[]"), std::string("{}"),
        std::string("{\"a\":\"\xFF\"}"), "{\"a\":" + std::string(1'000'000, '[')}) {
    const Copy copy("gpt2");
    write_all(copy / "config.json", text);
    check_refused<FormatError>(copy, {"config.json"});
  }
}

TEST_CASE("a config of very many names is refused, which would take the square of their time") {
  const Copy copy("gpt2");
  std::string names;
  for (int i = 0; i < 40'000; ++i) names.append("\"").append(std::to_string(i)).append("\":0,");
  names.back() = '}';
  copy.replace("config.json", "{", std::string("{\"more\":{").append(names).append(","));
  check_refused<FormatError>(copy, {"an object has more than 32768 names"});
}

TEST_CASE("a folder that is incomplete or leads elsewhere is refused") {
  {
    const Copy copy("gpt2");
    fs::remove(copy / "config.json");
    check_refused<IoError>(copy, {"config.json: No such file"});
  }
  {
    const Copy copy("gpt2");
    fs::remove(copy / Copy::weights);
    check_refused<IoError>(copy, {"model.safetensors: No such file"});
    write_all(copy / "pytorch_model.bin", "");
    check_refused<FormatError>(copy, {"has pytorch_model.bin but no model.safetensors"});
  }
  {
    const Copy copy("gpt2");
    fs::resize_file(copy / Copy::weights, fs::file_size(copy / Copy::weights) - 1);
    check_refused<FormatError>(copy, {"model.safetensors"});
  }
  {
    const Copy copy("gpt2"), other("gpt2");
    fs::remove(copy / Copy::weights);
    fs::create_symlink(other / Copy::weights, copy / Copy::weights);
    check_refused<FormatError>(copy, {"is a link to", "outside this folder"});
    fs::remove(copy / Copy::weights);
    fs::rename(other / Copy::weights, copy / "weights");
    fs::create_symlink("weights", copy / Copy::weights);
    hub::from_pretrained<Gpt2>(copy.path());
  }
  CHECK_THROWS_AS(hub::from_pretrained<Gpt2>(model_folder("gpt2") + "/config.json"), Error);
}

TEST_CASE("a model is read from Hugging Face's cache, where files are links to blobs") {
  const ScratchFolder cache;
  const std::string snapshot = cache / "models--gpt2/snapshots/1";
  fs::create_directories(snapshot);
  fs::create_directories(cache / "models--gpt2/blobs");
  for (const char* file : {"config.json", "model.safetensors"}) {
    fs::copy(model_folder("gpt2") + "/" + file, cache / "models--gpt2/blobs/" + file);
    fs::create_symlink(std::string("../../blobs/") + file, snapshot + "/" + file);
  }
  hub::from_pretrained<Gpt2>(snapshot);
}

TEST_CASE("an index that disagrees with its files, or leaves the folder, is refused") {
  const std::string index = "model.safetensors.index.json",
                    first = "model-00001-of-00002.safetensors",
                    ln_f = "\"transformer.ln_f.bias\": \"model-00002-of-00002.safetensors\"";
  for (const std::string& file :
       {std::string("../") + first, "/" + first, "a/../../" + first, "./" + first, first + "/",
        first + "\\u0000", std::string(".."), std::string("."), std::string("/"), std::string()}) {
    const Copy copy("gpt2_sharded");
    copy.replace(index, ln_f, "\"transformer.ln_f.bias\": \"" + file + "\"");
    check_refused<FormatError>(copy, {"is not the name of a file in this folder"});
  }
  {
    const Copy copy("gpt2_sharded"), other("gpt2_sharded");
    fs::remove(copy / first);
    fs::create_symlink(other / first, copy / first);
    check_refused<FormatError>(copy, {"is a link to", "outside this folder"});
    fs::remove(copy / first);
    fs::create_symlink(first, copy / first);
    check_refused<IoError>(copy, {"symbolic links"});
    fs::remove(copy / first);
    fs::create_directory(copy / first);
    check_refused<IoError>(copy, {"not a regular file"});
    fs::remove(copy / first);
    REQUIRE(::mkfifo((copy / first).c_str(), 0600) == 0);
    check_refused<IoError>(copy, {"not a regular file"});
    fs::rename(copy / index, copy / "index");
    fs::create_symlink(other / index, copy / index);
    check_refused<FormatError>(copy, {"is a link to", "outside this folder"});
  }
  {
    // A folder of the folder that leads out of it.
    const Copy copy("gpt2_sharded"), other("gpt2_sharded");
    fs::create_directory_symlink(other.path(), copy / "more");
    copy.replace(index, ln_f, "\"transformer.ln_f.bias\": \"more/" + first + "\"");
    check_refused<FormatError>(copy, {"is a link to", "outside this folder"});
  }
  {
    const Copy copy("gpt2_sharded");
    copy.replace(index, ln_f, ln_f + ", \"transformer.ln_\\u0066.bias\": \"" + first + "\"");
    check_refused<FormatError>(copy, {"the name \"transformer.ln_f.bias\" occurs twice"});
  }
  {
    const Copy copy("gpt2_sharded");
    copy.replace(index, ln_f, "\"transformer.ln_f.bias\": 1");
    check_refused<FormatError>(copy, {"gives \"transformer.ln_f.bias\" no file"});
  }
  {
    const Copy copy("gpt2_sharded");
    copy.replace(index, ln_f, "\"transformer.ln_f.bias\": \"" + first + "\"");
    check_refused<FormatError>(copy, {"\"transformer.ln_f.bias\" is not in " + first,
                                      "\"transformer.ln_f.bias\" in model-00002-of-00002"});
  }
  {
    const Copy copy("gpt2_sharded");
    fs::remove(copy / first);
    check_refused<IoError>(copy, {first + ": No such file"});
  }
  {
    const Copy copy("gpt2_sharded");
    fs::copy(copy / first, copy / "again.safetensors");
    copy.replace(index, ln_f, "\"transformer.ln_f.bias\": \"again.safetensors\"");
    check_refused<FormatError>(copy, {"lies in two files"});
  }
  for (const std::string& text : {std::string("{}"), std::string("{\"weight_map\":[]}"),
                                  std::string("["), std::string(1'000'000, '[')}) {
    const Copy copy("gpt2_sharded");
    write_all(copy / index, text);
    check_refused<FormatError>(copy, {index});
  }
}

TEST_CASE("head and embedding that differ are not tied, whatever the config says") {
  const Copy copy("gpt2");
  copy.change([](StateDict& tensors) {
    tensors.emplace("lm_head.weight", Tensor(tensors.at("transformer.wte.weight")).array());
  });
  CHECK(hub::from_pretrained<Gpt2>(copy.path()).config().tie_word_embeddings);
  copy.change([](StateDict& tensors) {
    tensors.at("lm_head.weight") = (Tensor(tensors.at("lm_head.weight")) + 1).array();
  });
  const auto model = hub::from_pretrained<Gpt2>(copy.path());
  CHECK_FALSE(model.config().tie_word_embeddings);
  CHECK((model.lm_head.weight - model.wte.weight).to_vector<float>()[0] == Approx(1));
}

TEST_CASE("heads of a model's relatives are left out") {
  const Copy copy("gpt2");
  copy.change([](StateDict& tensors) {
    for (const char* head : {"score.weight", "classifier.weight", "qa_outputs.bias"})
      tensors.emplace(head, Array({2, 8}, float32));
  });
  CHECK_NOTHROW(hub::from_pretrained<Gpt2>(copy.path()));
}

TEST_CASE("dtype is the checkpoint's unless told otherwise, and integers are refused") {
  CHECK(hub::from_pretrained<Gpt2>(model_folder("gpt2")).wte.weight.dtype() == float32);
  const Copy copy("gpt2");
  hub::save_pretrained(hub::from_pretrained<Gpt2>(model_folder("gpt2"), {.dtype = float64}),
                       copy.path());
  CHECK(hub::from_pretrained<Gpt2>(copy.path()).wte.weight.dtype() == float64);
  CHECK_THROWS_AS(hub::from_pretrained<Gpt2>(copy.path(), {.dtype = bfloat16}), DTypeError);
  copy.change(
      [](StateDict& tensors) { tensors.at("transformer.ln_f.weight") = Array({8}, int64); });
  check_refused<FormatError>(copy, {"transformer.ln_f.weight holds integers"});
}

TEST_CASE("a loaded model owns its memory and is in evaluation mode") {
  const Copy copy("gpt2");
  const auto model = hub::from_pretrained<Gpt2>(copy.path());
  CHECK_FALSE(model.is_training());
  CHECK_FALSE(model.h[0].drop.is_training());
  const auto before = model.wte.weight.to_vector<float>();
  fs::resize_file(copy / Copy::weights, 0);
  CHECK(model.wte.weight.to_vector<float>() == before);
}

TEST_CASE("fields that a model has no use for survive being saved") {
  const Copy copy("gpt2");
  copy.replace("config.json", "\"use_cache\": true", "\"task_specific_params\": {\"a\": [1, 2]}");
  hub::save_pretrained(hub::from_pretrained<Gpt2>(copy.path()), copy.path());
  const std::string config = read_all(copy / "config.json");
  for (const char* field : {"task_specific_params", "\"architectures\": [", "GPT2LMHeadModel",
                            "\"dtype\": \"float32\"", "\"n_inner\": null"})
    CHECK_THAT(config, ContainsSubstring(field));
  hub::from_pretrained<Gpt2>(copy.path());
}
