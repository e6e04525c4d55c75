#!/usr/bin/env python3
"""Checks that every public declaration has a doc comment, protocols' requirements among them. Exit 1, a line for each that has none.

Two kinds need none, since what there is to say of them stands elsewhere: what a protocol asks for, which the protocol documents, and
initializers that take nothing but the type's own properties, which are documented one by one.
"""
import collections
import pathlib
import re
import sys

# What protocols from outside the package ask for.
REQUIREMENTS = {
    "Equatable": {"=="},
    "Hashable": {"==", "hash"},
    "Comparable": {"==", "<"},
    "CustomStringConvertible": {"description"},
    "RandomNumberGenerator": {"next"},
    "OptionSet": {"rawValue", "init(rawValue:)"},
    "ExpressibleByIntegerLiteral": {"init(integerLiteral:)"},
    "ExpressibleByStringLiteral": {"init(stringLiteral:)"},
    "ExpressibleByBooleanLiteral": {"init(booleanLiteral:)"},
    "ExpressibleByArrayLiteral": {"init(arrayLiteral:)"},
    "ExpressibleByDictionaryLiteral": {"init(dictionaryLiteral:)"},
    "ExpressibleByArgument": {"init(argument:)", "defaultValueDescription"},
    "ParsableCommand": {"configuration", "run", "validate"},
}

MODIFIER = (
    r"(?:@\w+(?:\([^)]*\))?|static|final|indirect|mutating|nonmutating|override|convenience|nonisolated|"
    r"(?:private|internal)\(set\))"
)
KIND = r"(?P<kind>func|var|let|struct|class|enum|init|protocol|subscript|typealias)\b\s*(?P<name>\w+|[^\w\s(:{]+)?"
PUBLIC = re.compile(rf"(?:{MODIFIER} )*(?:public|package) (?:{MODIFIER} )*{KIND}")
ANY = re.compile(rf"(?:{MODIFIER} |public |package |fileprivate |private )*{KIND}")
TYPE = re.compile(r"(?:[\w@()]+ )*?(?P<kind>struct|class|enum|extension|protocol) (?P<name>[\w.\[\]]+)")


class Declaration:
    """A declaration, with the type that it stands in (nil at the top of a file)."""

    def __init__(self, file, number, match, outer):
        self.file, self.number, self.kind, self.outer = file, number, match["kind"], outer
        self.code = file.lines[number].strip()
        self.name = match["name"] or self.kind
        self.labels, self.parameters = [], []
        if self.kind == "init":
            self.name = "init"
            text = " ".join(line.strip() for line in file.lines[number:number + 12])
            self.labels, self.parameters = parameters(text[text.find("("):])

    @property
    def requirement(self):
        """How protocols ask for it: by name, for initializers by the labels as well."""
        return f"init({''.join(label + ':' for label in self.labels)})" if self.kind == "init" else self.name

    @property
    def is_member(self):
        """Whether it stands directly in its type, rather than in the body of a function."""
        return self.outer and indentation(self.file.lines[self.number]) == indentation(self.file.lines[self.outer.number]) + 2

    @property
    def is_public(self):
        in_protocol = self.outer and self.outer.kind == "protocol" and re.match("(?:public|package) ", self.outer.code)
        return PUBLIC.match(self.code) or in_protocol

    @property
    def is_documented(self):
        number = self.number - 1
        while self.file.lines[number].strip().startswith("@") and not ANY.match(self.file.lines[number].strip()):
            number -= 1
        return self.file.lines[number].strip().startswith("///")


class Scope:
    """A type or an extension that declarations stand in, by its innermost name."""

    def __init__(self, file, number, match):
        self.number, self.kind, self.code = number, match["kind"], file.lines[number].strip()
        self.name = match["name"].split(".")[-1]
        heading = ""
        for line in file.lines[number:]:
            heading += line.strip() + " "
            if "{" in line:
                break
        heading = re.sub(r"<[^<>]*>|\([^()]*\)", "", heading.partition("{")[0])
        names = re.split("[,&]", heading.partition(":")[2].partition(" where ")[0])
        self.conforms = {name.strip().split(".")[-1] for name in names} - {""}


class File:
    """The declarations and types of a Swift file. The formatter has seen to indentation, so that braces need not be counted."""

    def __init__(self, path):
        self.path, self.lines = path, path.read_text().split("\n")
        self.declarations, self.scopes = [], []
        open_scopes, in_text = [], False
        for number, line in enumerate(self.lines):
            code = line.strip()
            if code and not in_text and not code.startswith("//"):
                while open_scopes and not code.startswith((")", "{", "}")) and \
                        indentation(self.lines[open_scopes[-1].number]) >= indentation(line):
                    open_scopes.pop()
                if match := ANY.match(code):
                    self.declarations.append(Declaration(self, number, match, open_scopes[-1] if open_scopes else None))
                if match := TYPE.match(code):
                    open_scopes.append(Scope(self, number, match))
                    self.scopes.append(open_scopes[-1])
            if line.count('"""') % 2:
                in_text = not in_text


def indentation(line):
    return len(line) - len(line.lstrip())


def parameters(text):
    """The labels and the names in the parameter list that a text begins with."""
    labels, names, depth, start = [], [], 0, 1
    for position, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0 or depth == 1 and character == ",":
            words = text[start:position].partition(":")[0].split()
            if words:
                labels.append(words[0])
                names.append(words[-1])
            start = position + 1
        if depth == 0:
            break
    return labels, names


class Module:
    """The files of a module, and by type what it conforms to and its properties."""

    def __init__(self, path):
        self.name = path.name
        self.files = [File(file) for file in sorted(path.rglob("*.swift")) if not file.name.endswith(".pb.swift")]
        self.conforms, self.properties = collections.defaultdict(set), collections.defaultdict(set)
        for file in self.files:
            for scope in file.scopes:
                self.conforms[scope.name] |= scope.conforms
            for it in file.declarations:
                if it.kind in ("var", "let") and it.is_member:
                    self.properties[it.outer.name].add(it.name)


class Protocols:
    """What protocols ask for, those that they refine included."""

    def __init__(self, modules):
        self.asks = collections.defaultdict(set, {name: set(names) for name, names in REQUIREMENTS.items()})
        self.refines = collections.defaultdict(set)
        for file in (file for module in modules for file in module.files):
            for scope in file.scopes:
                if scope.kind == "protocol":
                    self.refines[scope.name] |= scope.conforms
            for it in file.declarations:
                if it.outer and it.outer.kind == "protocol":
                    self.asks[it.outer.name].add(it.requirement)

    def ask_for(self, name, protocols):
        return any(name in self.asks[it] or self.ask_for(name, self.refines[it]) for it in protocols)


def undocumented(module, protocols):
    for it in (it for file in module.files for it in file.declarations):
        if not it.is_public or it.is_documented:
            continue
        if it.outer and it.outer.kind != "protocol":
            # A default that an extension of a protocol gives is the protocol's as well.
            if protocols.ask_for(it.requirement, module.conforms[it.outer.name] | {it.outer.name}):
                continue
        if it.kind == "init" and set(it.parameters) <= module.properties[it.outer.name]:
            continue
        yield it


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    modules = [Module(path) for path in sorted((root / "Sources").iterdir()) if any(path.rglob("*.swift"))]
    protocols = Protocols(modules)
    failed = False
    for module in modules:
        for it in undocumented(module, protocols):
            print(f"{it.file.path.relative_to(root)}:{it.number + 1}: error: no doc comment: {it.code.rstrip(' {')}")
            failed = True
    sys.exit(failed)


if __name__ == "__main__":
    main()
