// Folders of published models that are not there, hold something else or cannot be written are
// refused by an error that names the path; files and models stay as they are.
#include <attune/hub.h>
#include <attune/nn.h>

#include "../nn/refusals.h"
#include "../scratch.h"
#include "golden_model.h"

using namespace attune::test;
using namespace attune::nn::models;

namespace {

namespace fs = std::filesystem;

using Use = std::function<void(const std::string& folder)>;

struct Scene {
  ScratchFolder folder;
  Gpt2 gpt2 = hub::from_pretrained<Gpt2>(model_folder("gpt2"));
  BertModel bert = hub::from_pretrained<BertModel>(model_folder("bert"));
  Gpt2 adapted = hub::from_pretrained<Gpt2>(model_folder("gpt2"));
  nn::Lora lora{adapted, {.r = 2, .target_modules = {"c_attn"}}};

  Scene() {
    write_all(folder / "file", "text");
    fs::create_directory(folder / "folder");
  }
  // The golden model with a file replaced, or without it where there is no content.
  std::string spoilt(const std::string& file, const std::optional<std::string>& content) const {
    const std::string copy = folder / (file + std::to_string(folder.files()));
    fs::copy(model_folder("gpt2"), copy, fs::copy_options::recursive);
    fs::remove(copy + "/" + file);
    if (content) write_all(copy + "/" + file, *content);
    return copy;
  }
};

Refusals of_folders(const Scene& s) {
  const std::vector<Use> readers = {
      [](const std::string& folder) { hub::Checkpoint{folder}; },
      [](const std::string& folder) { hub::Checkpoint::read_config(folder); },
      [](const std::string& folder) { hub::model_type(folder); },
      [](const std::string& folder) { hub::load_config<Gpt2Config>(folder); },
      [](const std::string& folder) { hub::from_pretrained<Gpt2>(folder); },
      [](const std::string& folder) { hub::from_pretrained<BertModel>(folder, BertConfig{}); },
      [](const std::string& folder) { hub::load_sentence_transformer(folder); },
      [&](const std::string& folder) { hub::load_adapter(s.gpt2, folder); },
  };
  Refusals all;
  for (const Use& read : readers)
    for (const std::string& folder :
         {s.folder / "none", s.folder / "folder", s.folder / "file", s.folder / "file/below",
          std::string(), std::string(300, 'x'), std::string("/proc/self"), s.folder / "" + '\0'})
      all.push_back(io_error("read", [=] { read(folder); }));
  return all;
}

Refusals of_content(const Scene& s) {
  const auto reading = [&](const std::string& file, std::optional<std::string> content) {
    return [folder = s.spoilt(file, content)] { hub::from_pretrained<Gpt2>(folder); };
  };
  const auto loading = [&](nn::Module& model, const std::string& config) {
    const std::string folder = s.folder / ("adapter" + std::to_string(s.folder.files()));
    fs::create_directory(folder);
    write_all(folder + "/adapter_config.json", config);
    io::save_safetensors(folder + "/adapter_model.safetensors",
                         {{"base_model.model.x", ones({2}).array()}});
    return [&model, folder] { hub::load_adapter(model, folder); };
  };
  auto& gpt2 = const_cast<Gpt2&>(s.gpt2);
  const std::string config = "config.json", weights = "model.safetensors";
  return {
      io_error("read", config, reading(config, {})),
      io_error("read", weights, reading(weights, {})),
      format_error("config", reading(config, "")),
      format_error("config", reading(config, "[]")),
      format_error("config", reading(config, R"({"model_type":"bert"})")),
      format_error("config", reading(config, R"({"model_type":"gpt2","n_layer":-1})")),
      format_error("config", reading(config, R"({"model_type":"gpt2","n_layer":1e30})")),
      format_error("load_safetensors", reading(weights, "")),
      format_error("load_safetensors", reading(weights, "{}")),
      format_error("config", [] { hub::from_pretrained<Llama>(model_folder("gpt2")); }),
      format_error("config", [] { hub::load_config<BertConfig>(model_folder("gpt2")); }),
      format_error("from_pretrained", "missing",
                   [&] { hub::from_pretrained<Gpt2>(model_folder("bert"), s.gpt2.config()); }),
      dtype_error("from_pretrained", "int64",
                  [] { hub::from_pretrained<Gpt2>(model_folder("gpt2"), {.dtype = int64}); }),
      dtype_error("from_pretrained", "bfloat16",
                  [] { hub::from_pretrained<Gpt2>(model_folder("gpt2"), {.dtype = bfloat16}); }),
      format_error("read_json", loading(gpt2, "")),
      format_error("load_adapter", "not an object", loading(gpt2, "[]")),
      format_error("load_adapter", "r is no whole number", loading(gpt2, "{}")),
      format_error("load_adapter", "r is no whole number", loading(gpt2, R"({"r":"8"})")),
      format_error("load_adapter", "use_dora", loading(gpt2, R"({"r":8,"use_dora":true})")),
      format_error("load_adapter", "peft_type", loading(gpt2, R"({"r":8,"peft_type":"IA3"})")),
      format_error("load_adapter", "no lora_A of rank 8", loading(gpt2, R"({"r":8})")),
      format_error("load_adapter", "target_modules",
                   loading(gpt2, R"({"r":8,"target_modules":[1]})")),
  };
}

Refusals of_parts() {
  const auto checkpoint = std::make_shared<hub::Checkpoint>(model_folder("gpt2"));
  Refusals all = {
      index_error("checkpoint", "has no \"none\"", [=] { checkpoint->get("none"); }),
      index_error("checkpoint", "has no \"\"", [=] { checkpoint->shape(""); }),
      index_error("checkpoint", [=] { checkpoint->dtype("wte"); }),
  };
  for (const char* name : {"", "/etc/passwd", "..", "a/../../b", "./a", "a/"})
    all.push_back(format_error("checkpoint", "is not the name of a file in this folder",
                               [=] { hub::path_in(model_folder("gpt2"), name); }));
  return all;
}

Refusals of_writing(const Scene& s) {
  const std::vector<Use> writers = {
      [&](const std::string& folder) { hub::save_pretrained(s.gpt2, folder); },
      [&](const std::string& folder) {
        hub::save_sentence_transformer(SentenceTransformer(s.bert), folder);
      },
      [&](const std::string& folder) { hub::save_adapter(s.lora, folder); },
  };
  Refusals all;
  for (const Use& write : writers)
    for (const std::string& folder : {s.folder / "file", s.folder / "file/below",
                                      std::string(300, 'x'), std::string("/proc/none")})
      all.push_back(io_error("make_folder", folder, [=] { write(folder); }));
  for (const char* type : {"SEQ_CLS", "TOKEN_CLS"})
    all.push_back(value_error("save_adapter", type, [&s, type] {
      hub::save_adapter(s.lora, s.folder / "folder", "", type);
    }));
  all.push_back(value_error("save_adapter", "not UTF-8",
                            [&s] { hub::save_adapter(s.lora, s.folder / "folder", "caf\xE9"); }));
  all.push_back(value_error("config", "not UTF-8", [&s] {
    nn::models::BertConfig config = s.bert.config();
    config.id2label = {"caf\xE9", "b"};
    config.to_json();
  }));
  return all;
}

}  // namespace

TEST_CASE("folders of models that cannot be read or written are refused, and nothing is changed") {
  const Scene scene;
  check_refusals("folders of models",
                 {of_folders(scene), of_content(scene), of_parts(), of_writing(scene)}, [&] {
                   return std::tuple(scene.folder.content(), content(scene.gpt2),
                                     content(scene.bert), content(scene.adapted));
                 });
}
