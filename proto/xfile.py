"""Reads an ONC RPC language file (RFC 4506 section 6, RFC 5531 section 12) and keeps its structured comments.

Only what the wire contract uses is understood; anything else stops with file and line.
"""
import re
from dataclasses import dataclass, field


class SpecError(Exception):
    """A mistake in the description: says where, and in which function where one is known."""

    def __init__(self, where, message, function=None):
        super().__init__(f"{where}: {function + ': ' if function else ''}{message}")


@dataclass
class Member:
    """A declaration: `type name`, `type name[size]` (fixed), `type name<size>` (variable)."""
    type: str
    name: str
    array: str = ""  # "", "fixed" or "variable"
    bound: str = ""

    def wire(self):
        suffix = {"": "", "fixed": f"[{self.bound}]", "variable": f"<{self.bound}>"}[self.array]
        return f"{self.type}{suffix}" + (f" {self.name}" if self.name else "")


@dataclass
class Procedure:
    name: str
    number: int
    result: str
    arguments: list
    where: str
    comment: str = ""
    comment_where: str = ""


@dataclass
class Program:
    name: str
    number: int = 0
    version: int = 0
    comment: str = ""
    comment_where: str = ""
    procedures: list = field(default_factory=list)
    loose_comments: list = field(default_factory=list)  # (where, text) of `/** */` that no procedure follows


@dataclass
class Spec:
    path: str
    constants: dict = field(default_factory=dict)
    typedefs: dict = field(default_factory=dict)  # name -> Member
    enums: dict = field(default_factory=dict)     # name -> [(name, value)]
    structs: dict = field(default_factory=dict)   # name -> [Member]
    unions: dict = field(default_factory=dict)    # name -> (discriminant Member, [(case, Member or None)])
    programs: list = field(default_factory=list)


TOKEN = re.compile(r"(?P<doc>/\*\*.*?\*/)|(?P<comment>/\*.*?\*/)|(?P<pass>^%[^\n]*)|(?P<space>\s+)"
                   r"|(?P<number>-?(?:0[xX][0-9a-fA-F]+|\d+))|(?P<word>[A-Za-z_]\w*)|(?P<mark>[{}()<>\[\];:,=*])",
                   re.DOTALL | re.MULTILINE)


class Reader:
    """A token stream that remembers line numbers; documentation comments are tokens of their own."""

    def __init__(self, path, text):
        self.path, self.tokens, self.at = path, [], 0
        position, line = 0, 1
        while position < len(text):
            match = TOKEN.match(text, position)
            if not match:
                raise SpecError(f"{path}:{line}", f"unexpected character {text[position]!r}")
            if match.lastgroup not in ("space", "comment", "pass"):
                self.tokens.append((match.lastgroup, match.group(), line))
            line += match.group().count("\n")
            position = match.end()
        self.tokens.append(("end", "", line))

    def peek(self):
        while self.tokens[self.at][0] == "doc":
            self.at += 1
        return self.tokens[self.at][1]

    def where(self):
        return f"{self.path}:{self.tokens[self.at][2]}"

    def take(self, expected=None):
        text = self.peek()
        if expected is not None and text != expected:
            raise SpecError(self.where(), f"expected '{expected}' and found '{text or 'the end of the file'}'")
        if self.tokens[self.at][0] == "end":
            raise SpecError(self.where(), "unexpected end of the file")
        self.at += 1
        return text

    def try_take(self, expected):
        if self.peek() != expected:
            return False
        self.at += 1
        return True

    def docs(self):
        """The documentation comments that stand here: [(where, text)]."""
        found = []
        while self.tokens[self.at][0] == "doc":
            found.append((self.where(), self.tokens[self.at][1]))
            self.at += 1
        return found

    def word(self):
        self.peek()
        if self.tokens[self.at][0] != "word":
            raise SpecError(self.where(), f"expected a name and found '{self.peek()}'")
        return self.take()

    def number(self):
        self.peek()
        if self.tokens[self.at][0] != "number":
            raise SpecError(self.where(), f"expected a number and found '{self.peek()}'")
        return int(self.take(), 0)


def parse_type(reader):
    words = [reader.word()]
    if words[0] == "unsigned":
        if reader.peek() in ("int", "hyper", "char", "short"):
            words.append(reader.word())
    return " ".join(words)


def parse_member(reader):
    if reader.try_take("void"):
        return None
    member = Member(parse_type(reader), reader.word())
    for opening, closing, kind in (("[", "]", "fixed"), ("<", ">", "variable")):
        if reader.try_take(opening):
            if reader.peek() == closing:
                raise SpecError(reader.where(), f"'{member.name}' has no bound: every array on the wire needs one")
            member.array, member.bound = kind, reader.take()
            reader.take(closing)
    return member


def parse_block(reader, item):
    reader.take("{")
    items = []
    while not reader.try_take("}"):
        items.append(item(reader))
    return items


def parse_field(reader):
    member = parse_member(reader)
    reader.take(";")
    return member


def parse_enum(reader):
    reader.take("{")
    values = []
    while True:
        name = reader.word()
        reader.take("=")
        values.append((name, reader.number()))
        if reader.try_take("}"):
            return values
        reader.take(",")


def parse_union(reader):
    reader.take("switch")
    reader.take("(")
    discriminant = parse_member(reader)
    reader.take(")")
    reader.take("{")
    arms = []
    while not reader.try_take("}"):
        case = "default" if reader.try_take("default") else (reader.take("case"), reader.take())[1]
        reader.take(":")
        arms.append((case, parse_field(reader)))
    return discriminant, arms


def parse_procedure(reader, comments):
    where = reader.where()
    result = parse_type(reader)
    procedure = Procedure(reader.word(), 0, result, [], where)
    reader.take("(")
    while not reader.try_take(")"):
        argument = parse_type(reader)
        if argument != "void":
            procedure.arguments.append(argument)
        reader.try_take(",")
    reader.take("=")
    procedure.number = reader.number()
    reader.take(";")
    if comments:
        procedure.comment_where, procedure.comment = comments[-1]
    return procedure


def parse_program(reader, comments):
    program = Program(reader.word())
    if comments:
        program.comment_where, program.comment = comments[-1]
    reader.take("{")
    reader.take("version")
    reader.word()
    reader.take("{")
    while True:
        found = reader.docs()
        if reader.try_take("}"):
            program.loose_comments += found
            break
        program.loose_comments += found[:-1]
        program.procedures.append(parse_procedure(reader, found))
    reader.take("=")
    program.version = reader.number()
    for mark in (";", "}", "="):
        reader.take(mark)
    program.number = reader.number()
    return program


def parse(path, text):
    """The Spec of `text`; `path` is for messages."""
    reader, spec = Reader(path, text), Spec(path)
    while True:
        comments = reader.docs()
        if reader.peek() == "":
            return spec
        where, kind = reader.where(), reader.word()
        if kind == "const":
            name = reader.word()
            reader.take("=")
            spec.constants[name] = reader.number()
        elif kind == "typedef":
            member = parse_member(reader)
            spec.typedefs[member.name] = member
        elif kind in ("enum", "struct", "union"):
            name = reader.word()
            if kind == "enum":
                spec.enums[name] = parse_enum(reader)
            elif kind == "struct":
                spec.structs[name] = parse_block(reader, parse_field)
            else:
                spec.unions[name] = parse_union(reader)
        elif kind == "program":
            spec.programs.append(parse_program(reader, comments))
        else:
            raise SpecError(where, f"unknown definition '{kind}'")
        reader.take(";")


def load(path):
    with open(path, encoding="utf-8") as file:
        return parse(path.rsplit("/", 1)[-1], file.read())
