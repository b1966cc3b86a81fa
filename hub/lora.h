#pragma once

#include <string>

#include "../nn/lora.h"

namespace attune::hub {

// Attaches a LoRA adapter of PEFT's: a folder with adapter_config.json and
// adapter_model.safetensors. The model is frozen but for the adapter. IoError, FormatError or
// ValueError, with the model as before, where a file cannot be read, breaks its format or does not
// fit the model, or where the config asks for more than LoraConfig can say. Modules trained whole
// that the model does not have are left out, as a classifier is from an encoder.
nn::Lora load_adapter(const nn::Module& model, const std::string& folder);

// The tensors of such a folder, by the names that they have in its model: LoRA's factors, and the
// weights of modules trained whole. IoError or FormatError as above.
StateDict adapter_tensors(const std::string& folder);

// Writes such a folder, each file atomically, that PEFT reads too. base_model: the folder or name
// of the model that it belongs to; task_type: what PEFT calls its use, such as "CAUSAL_LM" or
// "SEQ_CLS". IoError; ValueError for a classifier whose modules_to_save lacks the head, without
// which PEFT reads none.
void save_adapter(const nn::Lora& lora, const std::string& folder,
                  const std::string& base_model = "", const std::string& task_type = "");

}  // namespace attune::hub
