"""Runs every shell block of the documents, as written and in the order in which it stands: run_commands.py ROOT
SPADIX.

A block is indented by four blanks or more, as in lists, and starts with a command. The blocks of a document run in one shell each, in a copy of
what the repository's folder holds at its start, so that a block may use what those before it made. Comments in the
Markdown source say what a reader is told in words:

    <!-- not run: REASON -->       the next block does not run; it is counted and named
    <!-- given: COMMANDS -->       what the reader has already; run before the next block

Blocks that name a file of the reader's own (model.onnx, net.spx) or fetch from the network do not run either, and are
counted and named. Exits with 1 when a command fails, and when a comment marks nothing.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

COMMANDS = {"spadix", "make", "cd", "printf", "python3", "cat", "git", "sed", "swift", "SPADIX=.build/debug/spadix",
            "SPADIX=.build/release/spadix", "ulimit"}
# What no test has: words in a block, and why it then does not run.
OWN = {"model.onnx": "needs a model of the reader's own", "net.spx": "needs a graph of the reader's own",
       "git clone": "fetches from the network"}
# Folders that commands in the documents read.
FOLDERS = ["ir-examples", "Benchmarks", "Tests"]


def blocks(text):
    """(line, comment lines before it, commands) of every shell block; comments that mark none give no commands."""
    lines = text.split("\n")
    comments, index = [], 0
    while index < len(lines):
        line = lines[index]
        if line.lstrip().startswith("<!--"):
            comment = [line]
            while "-->" not in lines[index]:
                index += 1
                comment.append(lines[index])
            body = " ".join(comment).strip()[4:-3].strip()
            if body.startswith(("given:", "not run:")):
                comments.append((index + 1, body))
        elif line.startswith("    ") and (index == 0 or not lines[index - 1].strip() or "-->" in lines[index - 1]):
            start, block = index, []
            indentation = line[: len(line) - len(line.lstrip())]
            while index < len(lines) and (lines[index].startswith(indentation) or not lines[index].strip()):
                block.append(lines[index][len(indentation):])
                index += 1
            if block[0].split()[0] in COMMANDS:
                yield start + 1, comments, "\n".join(block).strip()
                comments = []
            continue
        index += 1
    for place, body in comments:
        yield place, [(place, body)], None


def main():
    root, spadix = map(os.path.abspath, sys.argv[1:3])
    ran, skipped, failed = 0, [], []
    pages = sorted(os.listdir(os.path.join(root, "docs")))
    documents = ["README.md", "CONTRIBUTING.md"] + [f"docs/{name}" for name in pages]
    for document in documents:
        with open(os.path.join(root, document), encoding="utf-8") as file:
            found = list(blocks(file.read()))
        script = ["set -e -o pipefail"]
        for line, comments, commands in found:
            place = f"{document}:{line}"
            reasons = [body[8:].strip() for _, body in comments if body.startswith("not run:")]
            reasons += [reason for word, reason in OWN.items() if commands and word in commands]
            script += [body[6:].strip() for _, body in comments if body.startswith("given:") and commands]
            if commands is None:
                failed.append(f"{place}: a comment marks no block")
            elif reasons:
                skipped.append(f"{place}: not run: {reasons[0]}")
            else:
                ran += 1
                script += [f"echo {place} > .place.$$; cp .place.$$ $PLACE", commands]
        with tempfile.TemporaryDirectory() as folder:
            for name in FOLDERS:
                shutil.copytree(os.path.join(root, name), os.path.join(folder, name),
                                ignore=shutil.ignore_patterns("__pycache__", "Output"))
            tools = os.path.join(folder, ".tools")
            os.mkdir(tools)
            os.symlink(spadix, os.path.join(tools, "spadix"))
            # Pagers and the like are the reader's own; where one is missing, its input is read all the same.
            for tool in ("less", "column"):
                if not shutil.which(tool):
                    with open(os.path.join(tools, tool), "w") as file:
                        file.write("#!/bin/sh\ncat\n")
                    os.chmod(os.path.join(tools, tool), 0o755)
                    print(f"there is no {tool} here: cat stands in for it")
            where = os.path.join(folder, ".where")
            environment = dict(os.environ, PATH=tools + os.pathsep + os.environ["PATH"], PLACE=where)
            done = subprocess.run(["bash", "-c", "\n".join(script)], cwd=folder, env=environment, capture_output=True,
                                  text=True)
            if done.returncode:
                with open(where) as file:
                    place = file.read().strip()
                failed.append(f"{place}: exits with {done.returncode}; a block that cannot run says so in a comment before "
                              f"it, <!-- not run: REASON -->:\n{done.stderr[-2000:]}")
    for text in skipped + failed:
        print(text)
    print(f"{ran} blocks run, {len(skipped)} not run, {len(failed)} fail")
    return 1 if failed or not ran else 0


if __name__ == "__main__":
    sys.exit(main())
