#!/bin/bash
# Installs what the project needs and the machine lacks; prints nothing where nothing is missing.
#
#   setup.sh library             libglpk-dev, which the build links
#   setup.sh system              the library, glpsol, FileCheck, Python's venv module, a RISC-V compiler and emulator,
#                                Verilator
#   setup.sh python FILE...      pinned Python packages of the requirement files, into .venv
set -euo pipefail
cd "$(dirname "$0")/.."

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "setup: needs root to install packages, and there is no sudo; as root, run: $*" >&2
    exit 1
  fi
}

apt_install() {
  [ $# -gt 0 ] || return 0
  if ! command -v apt-get >/dev/null; then
    echo "setup: not a Debian system; install the equivalents of: $*" >&2
    exit 1
  fi
  echo "setup: installing $*"
  # The package lists of a fresh container are empty or stale: refresh them only when the first attempt fails.
  local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@")
  as_root "${install[@]}" >/dev/null 2>&1 || { as_root apt-get update -qq && as_root "${install[@]}" >/dev/null; }
}

# FileCheck carries its LLVM version in its folder; any version will do.
find_filecheck() {
  command -v FileCheck || ls -d /usr/lib/llvm-*/bin/FileCheck 2>/dev/null | sort -V | tail -n 1 | grep .
}

llvm_tools_package() {
  local name
  name=$(apt-cache search --names-only '^llvm-[0-9]+-tools$' | cut -d ' ' -f 1 | sort -V | head -n 1)
  if [ -z "$name" ]; then
    as_root apt-get update -qq
    name=$(apt-cache search --names-only '^llvm-[0-9]+-tools$' | cut -d ' ' -f 1 | sort -V | head -n 1)
  fi
  echo "${name:-llvm-tools}"
}

install_library() {
  echo '#include <glpk.h>' | cc -E -x c - >/dev/null 2>&1 || echo '#include <glpk.h>' | clang -E -x c - >/dev/null 2>&1 ||
    apt_install libglpk-dev
}

install_system() {
  install_library
  local missing=()
  command -v glpsol >/dev/null || missing+=(glpk-utils)
  find_filecheck >/dev/null || missing+=("$(llvm_tools_package)")
  python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
  apt_install "${missing[@]}"
  install_riscv
  install_verilator
}

# For the bench that runs programs on RTL. Where there is no package, its tests are skipped.
install_verilator() {
  command -v verilator >/dev/null || (apt_install verilator make g++) ||
    echo "setup: tests of exports for RTL are skipped without verilator"
}

# For exported programs: 1.5 GB. Where there is no room for it, or no package, tests that need it are skipped.
install_riscv() {
  local missing=()
  command -v riscv64-unknown-elf-gcc >/dev/null || missing+=(gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf)
  command -v qemu-system-riscv64 >/dev/null || missing+=(qemu-system-misc)
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(df --output=avail -k / | tail -n 1)" -gt 4000000 ] && (apt_install "${missing[@]}") ||
    echo "setup: tests of exports for RISC-V are skipped without ${missing[*]}"
}

install_python() {
  # An interrupted creation leaves a folder without pip; start again then.
  [ -x .venv/bin/pip ] || { python3 -c 'import ensurepip, venv' 2>/dev/null || apt_install python3-venv; }
  [ -x .venv/bin/pip ] || python3 -m venv --clear .venv
  local file stamp
  for file in "$@"; do
    stamp=".venv/installed-$(cksum <"$file" | tr ' ' -)"
    [ -e "$stamp" ] && continue
    echo "setup: installing the Python packages of $file into .venv"
    .venv/bin/pip install --quiet --disable-pip-version-check -r "$file"
    touch "$stamp"
  done
}

case "${1:-}" in
  library) install_library ;;
  system) install_system ;;
  python) shift; install_python "$@" ;;
  filecheck) find_filecheck ;;
  *) echo "usage: setup.sh library | system | filecheck | python FILE..." >&2; exit 64 ;;
esac
