#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace attune::io {

// A value of a JSON file. Whatever is not as the caller asks for is a FormatError of one line that
// names the operation, the file and the place in it.
class Json {
 public:
  // FormatError if the text is not valid JSON in UTF-8, names something twice in one object, or is
  // nested deeper than `deepest`.
  static Json parse(const char* operation, std::string path, std::string_view text, int deepest);

  bool is_object() const;
  bool is_array() const;
  bool is_string() const;

  // True for a member that is there and not null.
  bool has(const std::string& name) const;
  // A member, which must be there.
  Json operator[](const std::string& name) const;
  // Members or elements.
  size_t size() const;
  // The names of an object's members, in the order of their bytes.
  std::vector<std::string> names() const;
  // The elements of an array, each made when it is asked for: a file may have millions.
  class Elements;
  Elements elements() const;

  std::string string() const;
  bool boolean() const;
  int64_t natural(int64_t largest) const;
  double number() const;
  // A member's value, or another if it is not there or null.
  std::string string_or(const std::string& name, std::string otherwise) const;
  bool boolean_or(const std::string& name, bool otherwise) const;

  // Throws the FormatError for this place: "operation: path: place: reason".
  [[noreturn]] void refuse(std::string_view reason) const;

  // The object as JSON, without some of its members.
  std::string text_without(const std::vector<std::string>& names) const;

 private:
  struct Document;
  Json() = default;
  Json element(size_t i) const;
  Json at(const void* node, std::shared_ptr<const std::string> place, int64_t index) const;

  std::shared_ptr<const Document> document_;
  const void* node_ = nullptr;  // a value of the JSON library, which headers leave out
  std::shared_ptr<const std::string> place_;  // such as "model.merges"
  int64_t index_ = -1;                        // in the array that place_ names
};

class Json::Elements {
 public:
  explicit Elements(Json array) : array_(std::move(array)) {}

  class Iterator {
   public:
    Iterator(const Elements& elements, size_t i) : elements_(&elements), i_(i) {}
    Json operator*() const { return (*elements_)[i_]; }
    Iterator& operator++() {
      ++i_;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return i_ != other.i_; }

   private:
    const Elements* elements_;
    size_t i_;
  };

  size_t size() const { return array_.size(); }
  Json operator[](size_t i) const { return array_.element(i); }
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, size()}; }

 private:
  Json array_;
};

}  // namespace attune::io
