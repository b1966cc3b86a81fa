#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <string>
#include <string_view>

#include "../array/storage.h"

namespace attune::io {

// The path of a file in a folder that a stranger may have filled, or in a folder below it.
// FormatError, in the operation's name, where it leads elsewhere: by its name, or by a link that
// ends neither inside nor, as in Hugging Face's own cache, in the blobs of the same model.
std::string path_in(const char* operation, const std::string& folder, const std::string& file);

// True for a path that exists, of whatever kind, as far as the system tells.
bool exists(const std::string& path);

// Writes a file so that at every moment either the old or the whole new content stands at path: to
// a temporary beside it, fsync, rename, fsync of the folder. write(append) calls append for each
// piece. IoError names the path and the system's reason; the old file stays then. A link is
// followed; a device or pipe is written in place, since a rename would destroy it. A file that is
// replaced keeps its rights.
void write_atomically(
    const std::string& path,
    const std::function<void(const std::function<void(std::string_view)>&)>& write);
void write_atomically(const std::string& path, std::string_view content);

// IoError if write_atomically could not write there; leaves what stands there as it is.
void check_writable(const std::string& path);

// A file descriptor, of a file that `flags` may create or append to. IoError, in the operation's
// name, also for a pipe that nobody reads, which to open would wait for ever.
int open_for_writing(const char* operation, const std::string& path, int flags = 0);

// Writes every byte to an open file. False, with errno set, if it could not.
bool write_fully(int descriptor, std::string_view bytes);

// Makes a folder, and those above it, so that they outlast a power cut. IoError if it cannot.
void make_folder(const std::string& path);

// The whole file. IoError if it cannot be read, MemoryError if it is larger than memory,
// FormatError if it is larger than `most_bytes`.
std::string read_file(const std::string& path,
                      size_t most_bytes = std::numeric_limits<size_t>::max());
// The same as storage.
Intrusive<Storage> read_storage(const std::string& path);

// The file's bytes as storage, paged in when touched; writes to it never reach the file. IoError if
// it cannot be opened or is no regular file.
Intrusive<Storage> map_file(const std::string& path);

}  // namespace attune::io
