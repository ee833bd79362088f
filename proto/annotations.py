"""Understands the structured comments of a program: the quoted C prototype and what is said of its parameters.

README.md has the grammar. Every parameter of the prototype must be accounted for: it is an argument of the
procedure in the same order, or an output named by @out, or an id minted by the client (@mint); a hand-written
side (@hand) excuses what C alone cannot say, such as the length of kernelParams.
"""
import re
from dataclasses import dataclass, field

from xfile import Procedure, SpecError

CLASSES = ("async", "sync", "blocking", "deferred", "local")
FLAGS = ("noctx", "noinit", "internal")
LISTS = ("out", "nullable", "mint", "release")
PROTOTYPE = re.compile(r"\b(CUresult)\s+(\w+)\s*\(([^;]*)\)\s*;")
# C types whose values travel as numbers; every other scalar must be named with @handle.
SCALARS = {
    "int", "unsigned int", "unsigned char", "unsigned short", "unsigned long long", "size_t", "float", "cuuint64_t",
    "CUdevice", "CUdeviceptr", "CUmemGenericAllocationHandle", "CUresult", "CUlimit", "CUfunc_cache",
    "CUsharedconfig", "CUfunction_attribute",
    "CUdevice_attribute", "CUdevice_P2PAttribute", "CUstreamAttrID", "CUpointer_attribute", "CUfunctionLoadingState",
    "CUarray_format",
}


@dataclass
class Parameter:
    type: str  # as in C, without the name
    name: str

    def pointee(self):
        return self.type[:-1].strip() if self.type.endswith("*") else None


@dataclass
class Call:
    """One function of the API."""
    name: str
    where: str
    prototype: str
    parameters: list
    kind: str  # one of CLASSES
    procedure: Procedure = None
    hand: str = ""  # "", "client", "server", "both"
    ptds: str = ""
    flags: set = field(default_factory=set)
    names: dict = field(default_factory=dict)  # out/nullable/mint/release -> [parameter name]
    inputs: list = field(default_factory=list)
    outputs: list = field(default_factory=list)

    def hand_client(self):
        return self.kind == "local" or self.hand in ("client", "both")

    def hand_server(self):
        return self.hand in ("server", "both")

    def listed(self, tag, parameter):
        return parameter.name in self.names[tag]


@dataclass
class Api:
    program: object
    handles: dict  # C type -> kind
    calls: list


def comment_lines(text):
    body = text[3:-2]
    return " ".join(line.strip().lstrip("*").strip() for line in body.split("\n"))


def split_parameters(where, function, text):
    parameters = []
    for part in ([] if text.strip() in ("", "void") else text.split(",")):
        match = re.fullmatch(r"\s*(.*?[\s*])(\w+)\s*", part, re.DOTALL)
        if not match:
            raise SpecError(where, f"parameter '{part.strip()}' has no name", function)
        parameters.append(Parameter(re.sub(r"\s*\*", "*", " ".join(match[1].split())).replace("*", " *", 1)
                                    if "*" in match[1] else match[1].strip(), match[2]))
    return parameters


def parse_tags(where, function, text):
    """The words behind each @tag: {tag: [word]}; what follows `--` is a remark."""
    tags = {}
    for chunk in re.split(r"(?:^|\s)@", text.split(" -- ")[0])[1:]:
        words = chunk.split()
        tag = words[0]
        if tag not in CLASSES + FLAGS + LISTS + ("hand", "ptds", "since"):
            raise SpecError(where, f"unknown annotation @{tag}", function)
        if tag in tags:
            raise SpecError(where, f"@{tag} appears twice", function)
        tags[tag] = words[1:]
    return tags


def parse_call(where, text, procedure):
    body = comment_lines(text)
    match = PROTOTYPE.search(body)
    if not match:
        raise SpecError(where, "no C prototype 'CUresult name(...);' in this comment",
                        procedure.name if procedure else None)
    name = match[2]
    tags = parse_tags(where, name, body[match.end():])
    kinds = [kind for kind in CLASSES if kind in tags]
    if len(kinds) != 1:
        raise SpecError(where, f"needs exactly one of @{' @'.join(CLASSES)}, has {len(kinds)}", name)
    hand = tags.get("hand", [""])
    if hand[:1] not in ([""], ["client"], ["server"], ["both"]):
        raise SpecError(where, "@hand takes client, server or both", name)
    call = Call(name, where, f"CUresult {name}({match[3]})", split_parameters(where, name, match[3]), kinds[0],
                procedure, hand[0], (tags.get("ptds") or [""])[0], {flag for flag in FLAGS if flag in tags},
                {tag: tags.get(tag, []) for tag in LISTS})
    check_names(call)
    return call


def check_names(call):
    known = {parameter.name for parameter in call.parameters}
    for tag, words in call.names.items():
        for word in words:
            if word not in known:
                raise SpecError(call.where, f"@{tag} {word}: the prototype has no such parameter", call.name)
    if (call.kind == "local") != (call.procedure is None):
        raise SpecError(call.where, "@local and a procedure exclude each other" if call.procedure
                        else f"@{call.kind} needs a procedure behind the comment", call.name)
    if call.procedure and call.procedure.name != "RPC_" + call.name:
        raise SpecError(call.procedure.where, f"procedure {call.procedure.name} stands behind the comment of another "
                        f"function; expected RPC_{call.name}", call.name)


def account(call, spec, handles):
    """Sorts the parameters into inputs and outputs and checks them against the procedure's types."""
    call.outputs = [p for name in call.names["out"] for p in call.parameters if p.name == name]
    call.inputs = [p for p in call.parameters if p not in call.outputs]
    if call.procedure is None or call.hand == "both":
        return
    if len(call.inputs) != len(call.procedure.arguments):
        raise SpecError(call.where, f"the prototype has {len(call.inputs)} inputs "
                        f"({', '.join(p.name for p in call.inputs) or 'none'}), the procedure "
                        f"{len(call.procedure.arguments)} arguments", call.name)
    for parameter, wire in zip(call.inputs, call.procedure.arguments):
        check_input(call, spec, handles, parameter, wire)
    check_outputs(call, spec, handles)


def check_input(call, spec, handles, parameter, wire):
    kind = parameter.type
    if call.listed("mint", parameter):
        if parameter.pointee() not in handles or wire != "u64":
            raise SpecError(call.where, f"@mint {parameter.name}: must be a pointer to a handle, and u64", call.name)
        return
    if kind in handles:
        if wire != "u64":
            raise SpecError(call.where, f"handle '{parameter.name}' must travel as u64, not {wire}", call.name)
        return
    if kind in ("const char *",) and wire in spec.typedefs and spec.typedefs[wire].type == "string":
        return
    if kind not in SCALARS:
        raise SpecError(call.where, f"parameter '{parameter.name}' of type '{kind}' is not accounted for: "
                        "@out, @mint, @handle or @hand", call.name)
    wide = {"size_t", "CUdeviceptr", "CUmemGenericAllocationHandle", "unsigned long long", "cuuint64_t"}
    if (kind in wide) != (wire == "u64"):
        raise SpecError(call.where, f"'{parameter.name}' ({kind}) does not fit the argument type {wire}", call.name)


def result_value(call, spec):
    """The type of the success arm of the procedure's result union; None when the result is a bare int."""
    result = call.procedure.result
    if result == "int":
        return None
    if result not in spec.unions:
        raise SpecError(call.procedure.where, f"result type {result} must be int or a union on err", call.name)
    return dict(spec.unions[result][1])["0"].type


def check_outputs(call, spec, handles):
    value = result_value(call, spec)
    count = 0 if value is None else len(spec.structs.get(value, [None]))
    if count != len(call.outputs):
        raise SpecError(call.where, f"@out names {len(call.outputs)} parameters, the result has {count} fields",
                        call.name)
    for parameter in call.outputs:
        if parameter.pointee() is None:
            raise SpecError(call.where, f"@out {parameter.name}: not a pointer", call.name)


def understand(spec):
    """The Api of the file's one program."""
    if len(spec.programs) != 1:
        raise SpecError(spec.path, f"expected one program, found {len(spec.programs)}")
    program = spec.programs[0]
    handles = dict(re.findall(r"@handle\s+(\w+)\s+(\w+)", program.comment))
    comments = [(where, text, None) for where, text in program.loose_comments]
    for procedure in program.procedures:
        if not procedure.comment:
            raise SpecError(procedure.where, "no comment with a C prototype stands before it", procedure.name)
        comments.append((procedure.comment_where, procedure.comment, procedure))
    calls, seen = [], {}
    for where, text, procedure in comments:
        call = parse_call(where, text, procedure)
        if call.name in seen:
            raise SpecError(where, f"described twice, first at {seen[call.name]}", call.name)
        seen[call.name] = where
        account(call, spec, handles)
        calls.append(call)
    check_numbers(program)
    calls.sort(key=lambda call: int(call.where.rsplit(":", 1)[1]))
    return Api(program, handles, calls)


def check_numbers(program):
    seen = {}
    for procedure in program.procedures:
        if procedure.number in seen:
            raise SpecError(procedure.where, f"number {procedure.number} is taken by {seen[procedure.number]}",
                            procedure.name)
        seen[procedure.number] = procedure.name
