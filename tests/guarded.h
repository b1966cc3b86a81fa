// Memory behind which nothing may be touched, not even read.
#pragma once

#include <kernels/copy.h>
#include <sys/mman.h>
#include <unistd.h>

#include <new>

#include "sanitized.h"

namespace attune::test {

// A dense copy of x that ends where a page ends; touching the next one ends the program. In an
// instrumented build the copy is memory from the pool, of which both ends are watched.
inline Array guarded(const Array& x) {
  if (sanitized) return kernels::clone(x);
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t bytes = static_cast<size_t>(x.numel()) * size_of(x.dtype());
  const size_t room = (bytes + page - 1) / page * page, all = room + page;
  void* const memory =
      ::mmap(nullptr, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  std::byte* const start = static_cast<std::byte*>(memory);
  ::mprotect(start + room, page, PROT_NONE);
  const auto release = [memory, all] { ::munmap(memory, all); };
  Array copy =
      *Array(Storage::adopt(start + room - bytes, bytes, release), {x.numel()}, {1}, 0, x.dtype())
           .try_view(x.shape());
  kernels::copy_into(copy, x);
  return copy;
}

}  // namespace attune::test
