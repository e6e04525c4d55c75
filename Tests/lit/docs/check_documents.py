"""Checks that what the project's Markdown files refer to exists: check_documents.py ROOT.

Covers relative links with their headings, and paths of the repository in code spans (`Sources/SpadixIR/...`). Paths with
capitals standing for a name (AREA, NAME) and those of a worked example are left out. Also, that the steps for adding an
operator list every file with a switch over all operators, that a type which docs name by its module's words is declared,
and that comments of the sources name documents that are there.
"""

import os
import re
import sys

FOLDERS = ("Sources/", "Tests/", "docs/", "ir-examples/", "Benchmarks/", "Scripts/")
# The files that a reader is told to write.
EXAMPLES = ("Sources/SpadixPasses/Fold/DropUnitProducts.swift", "Tests/lit/passes/drop-unit-products.spx")


def anchors(path):
    """The fragments by which the headings of a file can be linked."""
    with open(path, encoding="utf-8") as file:
        headings = re.findall(r"^#+ (.+)$", file.read(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(root, document):
    with open(os.path.join(root, document), encoding="utf-8") as file:
        text = file.read()
    folder = os.path.dirname(os.path.join(root, document))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        path = os.path.join(folder, path) if path else os.path.join(root, document)
        if not os.path.exists(path):
            yield f"{document}: no file for the link {target}"
        elif fragment and fragment not in anchors(path):
            yield f"{document}: no heading for the link {target}"
    for span in re.findall(r"`([^`\s]+)`", text):
        if span.startswith(FOLDERS) and span not in EXAMPLES and not re.search(r"[A-Z]{4}|[*<{]", span):
            if not os.path.exists(os.path.join(root, span)):
                yield f"{document}: there is no {span}"


def unlisted_switches(root):
    """Files with a switch over all operators, found by some that no other code has reason to name together."""
    with open(os.path.join(root, "docs/adding-an-operator.md"), encoding="utf-8") as file:
        steps = file.read()
    for folder, _, names in os.walk(os.path.join(root, "Sources")):
        for name in sorted(names):
            path = os.path.relpath(os.path.join(folder, name), root)
            if name.endswith(".swift"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    text = file.read()
                if all(f".{case}" in text for case in ("batchNorm", "globalAvgPool2d", "softmax")):
                    if f"`{path}`" not in steps:
                        yield f"docs/adding-an-operator.md: does not list {path}"


def sources(root):
    """Every Swift file and its text."""
    for top in ("Sources", "Tests"):
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith(".swift"):
                    with open(os.path.join(folder, name), encoding="utf-8") as file:
                        yield os.path.relpath(os.path.join(folder, name), root), file.read()


def unknown_documents(root, texts):
    for path, text in texts:
        for name in re.findall(r"//.*?([\w./-]+\.md)\b", text):
            if not os.path.exists(os.path.join(root, name)):
                yield f"{path}: there is no {name}"


def undeclared_types(root, listed, texts):
    """Code spans of several capitalized words, such as `TileProgram`, that no source mentions."""
    words = {word for _, text in texts for word in re.findall(r"\b[A-Z]\w+", text)}
    words |= {folder for folder in os.listdir(os.path.join(root, "Sources"))}
    words |= {folder for folder in os.listdir(os.path.join(root, "Tests"))}
    for document in listed:
        with open(os.path.join(root, document), encoding="utf-8") as file:
            text = file.read()
        for span in sorted(set(re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`", text))):
            if span not in words:
                yield f"{document}: nothing is called {span}"


def documents(root):
    """Every Markdown file outside hidden folders, which hold what was built or fetched."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [os.path.relpath(os.path.join(folder, name), root) for name in sorted(names) if name.endswith(".md")]
    return found


def main():
    root = sys.argv[1]
    listed = documents(root)
    problems = [problem for document in listed for problem in broken(root, document)] 
    texts = list(sources(root))
    problems += list(unlisted_switches(root)) + list(unknown_documents(root, texts))
    problems += list(undeclared_types(root, listed, texts))
    for problem in problems:
        print(problem)
    print(f"{len(listed)} documents, {len(problems)} broken references")
    return 1 if problems or not listed else 0


if __name__ == "__main__":
    sys.exit(main())
