#include "from_json.h"

namespace attune::io::tokenizers {
namespace {

using Part = PostProcessor::Part;
using Kind = Part::Kind;

// ["[SEP]", 102]
std::vector<int64_t> token_from(const Json& json) {
  const auto pair = json.elements();
  if (pair.size() != 2) json.refuse("should be a token and its id");
  return {pair[1].natural(largest_id)};
}

PostProcessor bert_processing(const Json& json) {
  const auto cls = token_from(json["cls"]), sep = token_from(json["sep"]);
  PostProcessor processor;
  processor.single = {{Kind::tokens, 0, cls}, {Kind::first, 0, {}}, {Kind::tokens, 0, sep}};
  processor.pair = processor.single;
  processor.pair.insert(processor.pair.end(), {{Kind::second, 1, {}}, {Kind::tokens, 1, sep}});
  return processor;
}

void read_trimming(const Json& json, PostProcessor& processor) {
  processor.trims_offsets = json.boolean_or("trim_offsets", true);
  processor.keeps_prefix_space = json.boolean_or("add_prefix_space", true);
}

PostProcessor roberta_processing(const Json& json) {
  const auto cls = token_from(json["cls"]), sep = token_from(json["sep"]);
  PostProcessor processor;
  processor.single = {{Kind::tokens, 0, cls}, {Kind::first, 0, {}}, {Kind::tokens, 0, sep}};
  processor.pair = processor.single;
  processor.pair.insert(processor.pair.end(),
                        {{Kind::tokens, 0, sep}, {Kind::second, 0, {}}, {Kind::tokens, 0, sep}});
  read_trimming(json, processor);
  return processor;
}

PostProcessor byte_level(const Json& json) {
  PostProcessor processor;
  read_trimming(json, processor);
  return processor;
}

Part template_part(const Json& json, const Json& special_tokens) {
  if (json.has("Sequence")) {
    const Json sequence = json["Sequence"];
    const std::string id = sequence["id"].string();
    if (id != "A" && id != "B") sequence.refuse("the sequence \"" + id + "\" is neither A nor B");
    return {id == "A" ? Kind::first : Kind::second, sequence["type_id"].natural(largest_id), {}};
  }
  const Json token = json["SpecialToken"];
  Part part{Kind::tokens, token["type_id"].natural(largest_id), {}};
  for (const Json& id : special_tokens[token["id"].string()]["ids"].elements())
    part.ids.push_back(id.natural(largest_id));
  return part;
}

std::vector<Part> template_from(const Json& list, const Json& special_tokens) {
  std::vector<Part> parts;
  size_t ids = 0, texts = 0;
  for (const Json& part : list.elements()) {
    parts.push_back(template_part(part, special_tokens));
    if (constexpr size_t most = 4; parts.back().kind != Kind::tokens && ++texts > most)
      part.refuse(fmt::format("more than {} texts are put in", most));
    // Many parts may name one special token of many ids.
    if (constexpr size_t most = 1 << 16; (ids += parts.back().ids.size()) > most)
      part.refuse(fmt::format("more than {} tokens are put in", most));
  }
  return parts;
}

PostProcessor template_processing(const Json& json) {
  PostProcessor processor;
  processor.single = template_from(json["single"], json["special_tokens"]);
  processor.pair = template_from(json["pair"], json["special_tokens"]);
  for (const Part& part : processor.single)
    if (part.kind == Kind::second)
      json["single"].refuse("uses sequence B, but a single text has none");
  return processor;
}

// Trims offsets if one does, as that one does, and puts in what the one that puts in tokens does.
PostProcessor sequence(const Json& json) {
  PostProcessor whole;
  bool adds = false;
  for (const Json& part : json["processors"].elements()) {
    PostProcessor processor = post_processor_from(part);
    if (processor.trims_offsets) {
      if (whole.trims_offsets)
        part.refuse("a second post-processor that trims offsets is not supported");
      whole.trims_offsets = true;
      whole.keeps_prefix_space = processor.keeps_prefix_space;
    }
    if (part["type"].string() == "ByteLevel") continue;
    if (adds) part.refuse("a second post-processor that adds tokens is not supported");
    adds = true;
    whole.single = std::move(processor.single);
    whole.pair = std::move(processor.pair);
  }
  return whole;
}

}  // namespace

PostProcessor post_processor_from(const Json& json) {
  static constexpr Maker<PostProcessor> makers[] = {{"TemplateProcessing", template_processing},
                                                    {"BertProcessing", bert_processing},
                                                    {"RobertaProcessing", roberta_processing},
                                                    {"ByteLevel", byte_level},
                                                    {"Sequence", sequence}};
  return make_part("post-processor", makers, json);
}

}  // namespace attune::io::tokenizers
