/* Lets one of the calls by which a program changes files fail as on a broken disk: the one of number FAIL_CALL, counted
   from 0. Then makes the file FAIL_MARKER. Loaded with LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/types.h>

static int fails(void) {
  static int calls = 0;
  if (calls++ != atoi(getenv("FAIL_CALL"))) return 0;
  creat(getenv("FAIL_MARKER"), 0600);
  errno = EIO;
  return 1;
}

#define REAL(type, name) ((type)dlsym(RTLD_NEXT, name))

ssize_t write(int file, const void *bytes, size_t count) {
  if (file > 2 && fails()) return -1; /* the terminal is no disk */
  return REAL(ssize_t(*)(int, const void *, size_t), "write")(file, bytes, count);
}

int fsync(int file) { return fails() ? -1 : REAL(int (*)(int), "fsync")(file); }

int ftruncate(int file, off_t size) { return fails() ? -1 : REAL(int (*)(int, off_t), "ftruncate")(file, size); }

int rename(const char *from, const char *to) {
  return fails() ? -1 : REAL(int (*)(const char *, const char *), "rename")(from, to);
}
