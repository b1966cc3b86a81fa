#pragma once

#include <string>
#include <vector>

#include "../io/safetensors.h"

namespace attune::hub {

// A folder in the layout of Hugging Face: config.json beside model.safetensors, or beside
// model.safetensors.index.json and the files it names. Opened and checked; tensors are read when
// asked for.
class Checkpoint {
 public:
  // IoError if a file is missing or cannot be read. FormatError if one breaks its format, if the
  // index disagrees with its files, or if a file leads out of the folder: by its name, or by a link
  // that ends neither inside nor, as in Hugging Face's own cache, in the blobs of the same model.
  explicit Checkpoint(const std::string& folder);

  // The text of the folder's config.json, under the same conditions.
  static std::string read_config(const std::string& folder);

  const std::string& folder() const { return folder_; }
  // The names of all tensors, in order.
  std::vector<std::string> names() const;
  bool contains(const std::string& name) const;
  // Of the tensor of this name. IndexError if there is none.
  Shape shape(const std::string& name) const;
  DType dtype(const std::string& name) const;
  Array get(const std::string& name) const;

 private:
  void open(const std::string& file);
  void open_shards();
  // Null if no file holds it.
  const io::SafetensorsFile* find(const std::string& name) const;
  const io::SafetensorsFile& file_of(const std::string& name) const;

  std::string folder_;
  std::vector<io::SafetensorsFile> files_;
};

// A file of the folder or of a folder in it ("1_Pooling/config.json"), under the conditions above.
std::string path_in(const std::string& folder, const std::string& file);

// What the folder holds, as its config.json calls it: "gpt2", "bert", "llama", ….
std::string model_type(const std::string& folder);

}  // namespace attune::hub
