"""Configuration of the file tests: each file's RUN lines are a shell script, FileCheck compares what they print."""

import os
import shutil
import subprocess

import lit.formats

config.name = "spadix"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".spx", ".test", ".s", ".yaml"]
config.excludes = ["Inputs"]
config.test_source_root = os.path.dirname(__file__)

root = os.path.dirname(os.path.dirname(config.test_source_root))
# Outputs stay out of the sources; the folder is ignored by git like everything that is built.
config.test_exec_root = os.path.join(root, ".build", "lit")

spadix = os.environ.get("SPADIX") or os.path.join(root, ".build", "release", "spadix")
if not os.access(spadix, os.X_OK):
    lit_config.fatal(f"no binary at {spadix}: run `make build`, or set SPADIX")

setup = os.path.join(root, "Scripts", "setup.sh")
filecheck = subprocess.run([setup, "filecheck"], capture_output=True, text=True).stdout.strip()
if not filecheck:
    lit_config.fatal("FileCheck is missing: run `make setup`")

python = os.path.join(root, ".venv", "bin", "python")
if not os.access(python, os.X_OK):
    python = shutil.which("python3")

# lit replaces longer names first only if they are listed first.
config.substitutions += [
    ("%spadix", spadix),
    ("%examples", os.path.join(root, "ir-examples")),
    ("%root", root),
    ("%python", python),
    (r"\bFileCheck\b", f"{filecheck} --dump-input-filter=error"),
    # `%exit N command` passes when the command exits with status N and no other.
    ("%exit", f"{python} {os.path.join(config.test_source_root, 'expect_exit.py')}"),
]
# Exports are built for RISC-V, and tried on an emulated processor, where these are installed.
riscv = shutil.which("riscv64-unknown-elf-gcc")
for libc in [[], ["--specs=picolibc.specs"]]:
    header = ["-E", "-x", "c", "-include", "stdio.h", os.devnull]
    if riscv and subprocess.run([riscv, *libc, *header], capture_output=True).returncode == 0:
        config.available_features.add("riscv")
if shutil.which("qemu-system-riscv64"):
    config.available_features.add("qemu")
# Benches for RTL are built where there is a simulator.
if shutil.which("verilator") and shutil.which("g++"):
    config.available_features.add("verilator")
else:
    lit_config.note("verilator or g++ is missing: tests of exports for RTL are skipped")

# Pages are opened where there is a browser.
chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if chromium:
    config.available_features.add("chromium")
    config.substitutions.insert(0, ("%chromium", chromium))
else:
    lit_config.note("chromium is missing: tests of pages in a browser are skipped (apt-get install chromium)")

# Starts daemons: only when it is asked for (make slurm-test).
if os.environ.get("SPADIX_SLURM") == "1":
    config.available_features.add("slurm")
else:
    lit_config.note("SPADIX_SLURM is not 1: the test of sweeps on Slurm is skipped (make slurm-test)")

config.environment["LC_ALL"] = "C.UTF-8"
# lit runs as many tests at once as there are cores; threads of each numpy would wait for one another most of the time.
config.environment["OPENBLAS_NUM_THREADS"] = "1"

# A hang is a failure of the tool, not of the machine it runs on.
try:
    import psutil  # noqa: F401

    lit_config.maxIndividualTestTime = 300
except ImportError:
    pass
