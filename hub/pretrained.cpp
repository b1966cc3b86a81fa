#include "pretrained.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "../array/fail.h"
#include "../io/file.h"
#include "../kernels/copy.h"
#include "../nn/models/config_fields.h"
#include "problems.h"

namespace attune::hub::detail {
namespace {

constexpr const char* name = "from_pretrained";

bool starts_with_any(const std::string& text, const std::vector<std::string>& beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](const std::string& beginning) { return text.starts_with(beginning); });
}

bool ends_with_any(const std::string& text, const std::vector<std::string>& endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [&](const std::string& ending) { return text.ends_with(ending); });
}

// A tensor's name without the base model's prefix, and with the norm's parameters under their
// present names: what is the same for all checkpoints.
std::string canonical(std::string tensor, const std::string& base) {
  if (!base.empty() && tensor.starts_with(base)) tensor = tensor.substr(base.size());
  for (const auto& [old, present] : {std::pair{"LayerNorm.gamma", "LayerNorm.weight"},
                                     std::pair{"LayerNorm.beta", "LayerNorm.bias"}})
    if (tensor.ends_with(old))
      return tensor.replace(tensor.size() - std::strlen(old), std::string::npos, present);
  return tensor;
}

// Which tensor of the checkpoint fills which parameter, and what does not fit.
class Matching {
 public:
  Matching(const WeightRequest& request, const nn::Module& module) : request_(request) {
    for (const std::string& tensor : request.checkpoint.names())
      if (const auto [other, is_new] = found_.emplace(canonical(tensor, names().base), tensor);
          !is_new)
        problems_.add(fmt::format("{} and {} are the same tensor", other->second, tensor));
    // All names of each tensor, by its memory.
    std::map<const Storage*, std::vector<std::string>> aliases;
    for (const auto& [alias, array] : module.state_dict()) {
      aliases[&array.storage()].push_back(canonical(alias, names().base));
      own_.insert(canonical(alias, names().base));
    }
    for (const auto& [parameter, tensor] : module.named_parameters())
      match(parameter, tensor, aliases.at(&tensor.array().storage()));
    find_unknown();
  }

  const Problems& problems() const { return problems_; }
  bool leaves_some() const { return leaves_some_; }
  // The checkpoint's name for each parameter.
  const std::vector<std::pair<std::string, Tensor>>& sources() const { return sources_; }

 private:
  const nn::models::CheckpointNames& names() const { return request_.names; }

  void match(const std::string& parameter, const Tensor& tensor, std::vector<std::string> aliases) {
    // Of several names, the parameter's own comes last: transformers computes with that of the
    // module that uses it (cls.predictions.decoder.bias).
    const std::string own = canonical(parameter, names().base);
    std::stable_partition(aliases.begin(), aliases.end(),
                          [&](const std::string& alias) { return alias != own; });
    std::string source, problem;
    for (const std::string& alias : aliases) {
      const auto at = found_.find(alias);
      if (at == found_.end()) continue;
      used_.insert(alias);
      if (source.empty()) source = at->second;
      if (problem.empty()) problem = unfit(at->second, tensor);
    }
    if (const auto other = names().substitutes.find(own);
        source.empty() && other != names().substitutes.end() && found_.contains(other->second)) {
      source = found_.at(other->second);
      problem = unfit(source, tensor);
    }
    if (source.empty())
      problem = fmt::format("missing {} {}", parameter, to_string(tensor.shape()));
    if (problem.empty()) {
      sources_.emplace_back(source, tensor);
    } else if (request_.options.new_head && starts_with_any(own, names().heads)) {
      leaves_some_ = true;
    } else {
      problems_.add(problem);
    }
  }

  std::string unfit(const std::string& source, const Tensor& tensor) const {
    const Shape& shape = request_.checkpoint.shape(source);
    if (shape != tensor.shape())
      return fmt::format("{} is {}, the model takes {}", source, to_string(shape),
                         to_string(tensor.shape()));
    if (const DType dtype = request_.checkpoint.dtype(source); !is_floating(dtype))
      return fmt::format("{} holds {}, the model takes floating weights", source,
                         dtype == boolean ? "booleans" : "integers");
    return {};
  }

  void find_unknown() {
    std::vector<std::string> others;
    for (const std::string& head : names().heads)
      if (std::none_of(own_.begin(), own_.end(),
                       [&](const std::string& known) { return known.starts_with(head); }))
        others.push_back(head);
    for (const auto& [tensor, file_name] : found_)
      if (!used_.contains(tensor) && !starts_with_any(tensor, others) &&
          !ends_with_any("." + tensor, names().buffers))
        problems_.add(fmt::format("unknown {}", file_name));
  }

  const WeightRequest& request_;
  std::map<std::string, std::string> found_;  // canonical name -> name in the checkpoint
  std::set<std::string> own_, used_;          // canonical names
  Problems problems_;
  std::vector<std::pair<std::string, Tensor>> sources_;
  bool leaves_some_ = false;
};

DType dtype_for(const WeightRequest& request,
                const std::vector<std::pair<std::string, Tensor>>& sources) {
  if (const auto wanted = request.options.dtype) {
    if (*wanted != float32 && *wanted != float64)
      fail<DTypeError>(name, "models compute in float32 or float64, not in {}", name_of(*wanted));
    return *wanted;
  }
  return std::any_of(
             sources.begin(), sources.end(),
             [&](const auto& source) { return request.checkpoint.dtype(source.first) == float64; })
             ? float64
             : float32;
}

}  // namespace

bool is_same(const Array& a, const Array& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  const Array x = kernels::contiguous(a), y = kernels::contiguous(b);
  return std::memcmp(x.raw_data(), y.raw_data(),
                     static_cast<size_t>(x.numel()) * size_of(x.dtype())) == 0;
}

bool is_untied(const WeightRequest& request) {
  std::string head, embedding;
  for (const std::string& tensor : request.checkpoint.names()) {
    const std::string known = canonical(tensor, request.names.base);
    if (known == request.names.tied_head) head = tensor;
    if (known == request.names.tied_embedding) embedding = tensor;
  }
  if (head.empty() || embedding.empty()) return false;
  return !is_same(request.checkpoint.get(head), request.checkpoint.get(embedding));
}

bool has(const WeightRequest& request, const std::string& beginning) {
  const std::vector<std::string> all = request.checkpoint.names();
  return std::any_of(all.begin(), all.end(), [&](const std::string& tensor) {
    return canonical(tensor, request.names.base).starts_with(beginning);
  });
}

bool check_weights(const WeightRequest& request, const nn::Module& module) {
  const Matching matching(request, module);
  if (!matching.problems().empty())
    fail<FormatError>(name, "{}: the tensors do not fit the model: {}", request.checkpoint.folder(),
                      matching.problems().text());
  return matching.leaves_some();
}

void fill_weights(const WeightRequest& request, const nn::Module& module) {
  const Matching matching(request, module);
  const DType dtype = dtype_for(request, matching.sources());
  if (matching.leaves_some()) module.to(dtype);
  for (const auto& [source, tensor] : matching.sources()) {
    Array values = kernels::convert(request.checkpoint.get(source), dtype);
    // The mapped file may change or vanish; the model's memory is its own.
    tensor.assign_(values.owns_storage_alone() ? values : kernels::clone(values));
  }
}

void save(const nn::Module& module, const std::string& folder, const std::string& config,
          const std::string& architecture) {
  StateDict weights;
  for (const auto& [parameter, tensor] : module.named_parameters())
    weights.emplace(parameter, tensor.array());
  const DType dtype = weights.empty() ? float32 : weights.begin()->second.dtype();
  // Before anything is written, since it may fail.
  const std::string text = nn::models::with_architecture(config, architecture, dtype);
  io::make_folder(folder);
  io::save_safetensors(folder + "/model.safetensors", weights, {{"format", "pt"}});
  io::write_atomically(folder + "/config.json", text);
}

}  // namespace attune::hub::detail
