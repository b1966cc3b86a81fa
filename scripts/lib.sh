# Shared by the scripts in this folder: where we are, which packages we need, how we build.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build

build_packages=(g++ cmake ninja-build pkg-config libopenblas-pthread-dev libhwy-dev libfmt-dev
  libutf8proc-dev nlohmann-json3-dev libcli11-dev python3-minimal)
test_packages=(catch2)
ci_packages=(clang-format libopenblas0-openmp libopenblas0-serial)

say() { printf '\n== %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "installing packages needs root or sudo: $*"
  fi
}

apt_refresh() { as_root apt-get update -qq; }

# install_packages NAME...: returns at once when all of them are there, without asking apt.
install_packages() {
  local missing=() name
  for name in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "no apt-get here; install by hand: ${missing[*]}"
  say "Installing ${missing[*]}"
  apt_refresh
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "${missing[@]}" >/dev/null
}

# Clang with its sanitizers, whose package carries its version in the name.
install_clang() {
  install_packages clang "$@"
  install_packages "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev"
}

# configure FOLDER OPTION...
configure() {
  local folder=$1
  shift
  # What ccache needs to keep what is compiled with precompiled headers.
  ! command -v ccache >/dev/null ||
    set -- "-DCMAKE_CXX_COMPILER_LAUNCHER=env;CCACHE_SLOPPINESS=pch_defines,time_macros;ccache" "$@"
  cmake -S "$root" -B "$folder" -G Ninja --log-level=WARNING "$@" >/dev/null
}

# compile FOLDER TARGET...: everything when no target is named.
compile() {
  local folder=$1
  shift
  cmake --build "$folder" -j "$(nproc)" ${1:+--target "$@"}
}

# run_tests FOLDER OPTION...
run_tests() {
  local folder=$1
  shift
  ctest --test-dir "$folder" -j "$(nproc)" --output-on-failure --no-tests=error "$@"
}
