#include "file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "../array/fail.h"
#include "../array/pool.h"

namespace attune::io {
namespace {

namespace fs = std::filesystem;

// A pipe is not waited for: it is refused once it is open.
constexpr int for_reading = O_RDONLY | O_NONBLOCK;

[[noreturn]] void fail_system(const char* operation, const std::string& path) {
  const int reason = errno;
  fail<IoError>(operation, "{}: {}", path, std::strerror(reason));
}

// A zero byte would end the path for the system, which then opened another file; of an empty one it
// says no more than that it is invalid.
void check_path(const char* operation, const std::string& path) {
  if (path.empty()) fail<IoError>(operation, "the path is empty");
  if (path.find('\0') != path.npos)
    fail<IoError>(operation, "{}: a path has no zero byte", one_line(path));
}

// A file descriptor that closes itself.
class Descriptor {
 public:
  Descriptor(const char* operation, const std::string& path, int flags, mode_t mode = 0) {
    check_path(operation, path);
    fd_ = ::open(path.c_str(), flags | O_CLOEXEC, mode);
    if (fd_ < 0) fail_system(operation, path);
  }
  explicit Descriptor(int opened) : fd_(opened) {}
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

// The memory of a file's bytes, which make(size) takes.
template <class F>
auto memory_for(size_t size, const std::string& path, const F& make) {
  try {
    require_memory(size);
    return make(size);
  } catch (const std::exception&) {
    fail<MemoryError>("read", "{}: {} bytes are more than the system has free", path, size);
  }
}

size_t regular_size(const char* operation, const Descriptor& file, const std::string& path) {
  struct stat info;
  if (::fstat(file.get(), &info) != 0) fail_system(operation, path);
  if (!S_ISREG(info.st_mode)) fail<IoError>(operation, "{}: not a regular file", path);
  return static_cast<size_t>(info.st_size);
}

void write_all(const Descriptor& file, std::string_view bytes, const std::string& path) {
  if (!write_fully(file.get(), bytes)) fail_system("write", path);
}

void read_all(const Descriptor& file, char* to, size_t size, const std::string& path) {
  while (size > 0) {
    const ssize_t got = ::read(file.get(), to, size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_system("read", path);
    if (got == 0) fail<IoError>("read", "{}: became shorter while it was read", path);
    to += got;
    size -= static_cast<size_t>(got);
  }
}

std::string follow_link(const std::string& path) {
  std::error_code unresolved;
  const auto target = fs::canonical(path, unresolved);
  if (!unresolved) return target.string();
  // Links may lead to what is not there yet.
  constexpr int most_links = 40;
  fs::path at = path;
  for (int i = 0; i < most_links; ++i) {
    const auto next = fs::read_symlink(at, unresolved);
    if (unresolved) return at.string();
    at = at.parent_path() / next;
  }
  fail<IoError>("write", "{}: more than {} links one behind another", path, most_links);
}

std::string temporary_of(const std::string& path) {
  // Two threads may write one file at once.
  static std::atomic<int> written = 0;
  return fmt::format("{}.{}.{}.tmp", path, ::getpid(), written++);
}

// Gives a file that replaces another the rights of that.
void take_mode(const Descriptor& file, const std::string& replaced) {
  struct stat info;
  if (::stat(replaced.c_str(), &info) == 0 && ::fchmod(file.get(), info.st_mode & 07777) != 0)
    fail_system("write", replaced);
}

// A device, pipe or the like.
bool is_special(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

bool is_inside(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
         folder.end();
}

// Hugging Face's cache keeps models--NAME/snapshots/REVISION/FILE, and files in folders below, as
// links into models--NAME/blobs.
bool is_cached_blob(const fs::path& path, const fs::path& folder) {
  for (fs::path at = folder.parent_path(); at != at.parent_path(); at = at.parent_path())
    if (at.filename() == "snapshots") return is_inside(path, at.parent_path() / "blobs");
  return false;
}

void sync_folder(const char* operation, const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  Descriptor folder(operation, parent.empty() ? "." : parent, O_RDONLY | O_DIRECTORY);
  if (::fsync(folder.get()) != 0) fail_system(operation, path);
}

}  // namespace

std::string path_in(const char* operation, const std::string& folder, const std::string& file) {
  constexpr size_t longest = 4096;  // that the system takes
  const fs::path parts(file.size() > longest ? "" : file);
  if (parts.empty() || file.back() == '/' || file.find('\0') != std::string::npos ||
      parts.is_absolute() || std::any_of(parts.begin(), parts.end(), [](const fs::path& part) {
        return part == "." || part == "..";
      }))
    fail<FormatError>(operation, "{}: \"{}\" is not the name of a file in this folder", folder,
                      one_line(file));
  const fs::path path = fs::path(folder) / file;
  std::error_code unresolved;
  const fs::path home = fs::canonical(folder.empty() ? "." : folder, unresolved),
                 target = fs::canonical(path, unresolved);
  // What does not exist is left to whoever opens it.
  if (!unresolved && !is_inside(target, home) && !is_cached_blob(target, home))
    fail<FormatError>(operation, "{}: {} is a link to {}, outside this folder", folder, file,
                      target.string());
  return path.string();
}

bool exists(const std::string& path) {
  std::error_code unknown;
  return fs::exists(path, unknown);
}

bool write_fully(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

int open_for_writing(const char* operation, const std::string& path, int flags) {
  check_path(operation, path);
  const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK | flags, 0666);
  if (file < 0 && errno == ENXIO)
    fail<IoError>(operation,
                  "{}: a pipe that nobody reads, or a socket or device that cannot be opened",
                  path);
  if (file < 0) fail_system(operation, path);
  ::fcntl(file, F_SETFL, flags & O_APPEND);
  return file;
}

void check_writable(const std::string& name) {
  check_path("write", name);
  if (is_special(name)) {
    Descriptor(open_for_writing("write", name));
    return;
  }
  const std::string path = follow_link(name), temporary = temporary_of(path);
  if (std::error_code unknown; fs::is_directory(path, unknown))
    fail<IoError>("write", "{}: is a folder", path);
  Descriptor("write", temporary, O_WRONLY | O_CREAT, 0644);
  ::unlink(temporary.c_str());
}

void write_atomically(
    const std::string& name,
    const std::function<void(const std::function<void(std::string_view)>&)>& write) {
  check_path("write", name);
  if (is_special(name)) {
    Descriptor file(open_for_writing("write", name));
    write([&](std::string_view piece) { write_all(file, piece, name); });
    return;
  }
  const std::string path = follow_link(name), temporary = temporary_of(path);
  try {
    Descriptor file("write", temporary, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    take_mode(file, path);
    write([&](std::string_view piece) { write_all(file, piece, temporary); });
    if (::fsync(file.get()) != 0) fail_system("write", temporary);
    if (::rename(temporary.c_str(), path.c_str()) != 0) fail_system("write", path);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync_folder("write", path);
}

void write_atomically(const std::string& path, std::string_view content) {
  write_atomically(path, [&](const auto& append) { append(content); });
}

void make_folder(const std::string& path) {
  check_path("make_folder", path);
  std::error_code error;
  std::vector<fs::path> missing;
  for (fs::path at = path; !at.empty() && !fs::exists(at, error); at = at.parent_path())
    missing.push_back(at);
  fs::create_directories(path, error);
  if (error) fail<IoError>("make_folder", "{}: {}", path, error.message());
  for (const auto& made : missing) sync_folder("make_folder", made);
}

std::string read_file(const std::string& path, size_t most_bytes) {
  Descriptor file("read", path, for_reading);
  const size_t bytes = regular_size("read", file, path);
  if (bytes > most_bytes)
    fail<FormatError>("read", "{}: has {} bytes; such a file has at most {}", path, bytes,
                      most_bytes);
  std::string content =
      memory_for(bytes, path, [](size_t size) { return std::string(size, '\0'); });
  read_all(file, content.data(), content.size(), path);
  return content;
}

Intrusive<Storage> read_storage(const std::string& path) {
  Descriptor file("read", path, for_reading);
  auto content = memory_for(regular_size("read", file, path), path, &Storage::allocate);
  read_all(file, static_cast<char*>(content->data()), content->bytes(), path);
  return content;
}

Intrusive<Storage> map_file(const std::string& path) {
  Descriptor file("read", path, for_reading);
  const size_t size = regular_size("read", file, path);
  if (size == 0) return Storage::allocate(0);
  void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.get(), 0);
  if (data == MAP_FAILED) fail_system("read", path);
  return Storage::adopt(data, size, [data, size] { ::munmap(data, size); });
}

}  // namespace attune::io
