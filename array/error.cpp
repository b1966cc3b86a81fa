#include "error.h"

#include <algorithm>
#include <mutex>
#include <set>

#include "scope.h"
#include "trace.h"

namespace attune {
namespace {

Path empty_path() {
  static const std::string empty;
  return &empty;
}

thread_local Path current = empty_path();
thread_local const char* current_operation = nullptr;

}  // namespace

std::string describe_error(const char* operation, const std::string& message) {
  std::string text = current_operation ? current_operation : operation;
  if (!current->empty()) text += " (" + *current + ")";
  constexpr size_t most = 65'536;
  return text + ": " + one_line(message, most);
}

std::string one_line(std::string_view text, size_t most) {
  std::string line(text.substr(0, most));
  if (text.size() > most) {
    // Not in the middle of a character of UTF-8.
    while (!line.empty() && (line.back() & 0xC0) == 0x80) line.pop_back();
    if (!line.empty() && (line.back() & 0x80)) line.pop_back();
    line += "…";
  }
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
  return line;
}

Path intern_path(std::string_view text) {
  if (text.empty()) return empty_path();
  // Leaked on purpose: nodes and threads may still name a path while statics are destroyed.
  static auto* paths = new std::set<std::string, std::less<>>;
  static auto* mutex = new std::mutex;
  std::lock_guard lock(*mutex);
  auto found = paths->find(text);
  if (found == paths->end()) found = paths->emplace(text).first;
  return &*found;
}

Path current_path() { return current; }

OperationScope::OperationScope(const char* name) : outer_(current_operation) {
  if (!outer_) current_operation = name;
  if (Tracer* tracer = Tracer::current()) tracer->opened(name, false);
}
OperationScope::~OperationScope() {
  if (Tracer* tracer = Tracer::current()) tracer->closed();
  current_operation = outer_;
}

const char* outermost_operation(const char* name) {
  return current_operation ? current_operation : name;
}

Scope::Scope(Path path) : outer_(current) {
  current = path;
  if (Tracer* tracer = Tracer::current()) tracer->opened(nullptr, false);
}
Scope::~Scope() {
  if (Tracer* tracer = Tracer::current()) tracer->closed();
  current = outer_;
}

}  // namespace attune
