"""What the emitters share: the head of a generated file, and C spelled from parameters."""


def banner(source):
    return f"/* Made by proto/gen.py from proto/{source}. Do not edit: change the description instead. */\n"


def declare(parameter):
    """`type name` as C wants it: no space behind a star."""
    joint = "" if parameter.type.endswith("*") else " "
    return f"{parameter.type}{joint}{parameter.name}"


def parameter_list(parameters):
    return ", ".join(declare(p) for p in parameters) or "void"


def wire_type(name):
    """The C type that rpcgen makes of a type of the .x file."""
    return {"unsigned int": "u_int"}.get(name, name)


def xdr(name):
    """The XDR function of a type of the .x file."""
    return "xdr_" + wire_type(name)


def all_of(conditions, indent):
    """`a && b && c`, broken into lines of reasonable length."""
    lines, line = [], ""
    for condition in conditions or ["true"]:
        piece = condition if not line else f"{line} && {condition}"
        if len(piece) > 90 and line:
            lines.append(line + " &&")
            piece = condition
        line = piece
    return ("\n" + indent).join(lines + [line])
