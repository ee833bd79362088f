"""The wire format as text: one line for each type and procedure, so that a change is seen and a hash can be taken."""
import hashlib


def arm(case, member):
    return f"{case if case == 'default' else 'case ' + case}: {member.wire() if member else 'void'}"


def dump(spec):
    """Lines that say all that two ends must agree on; comments and the order of definitions are left out."""
    def resolved(member):
        if member.array:
            bound = spec.constants.get(member.bound, member.bound)
            return member.wire().replace(f"{member.bound}", str(bound), 1)
        return member.wire()

    for name, value in sorted(spec.constants.items()):
        yield f"const {name} = {value}"
    for name, member in sorted(spec.typedefs.items()):
        yield f"typedef {resolved(member)}"
    for name, values in sorted(spec.enums.items()):
        yield f"enum {name} {{ {', '.join(f'{n} = {v}' for n, v in values)} }}"
    for name, members in sorted(spec.structs.items()):
        yield f"struct {name} {{ {'; '.join(resolved(m) for m in members)} }}"
    for name, (discriminant, arms) in sorted(spec.unions.items()):
        yield f"union {name} switch ({discriminant.wire()}) {{ {'; '.join(arm(*a) for a in arms)} }}"
    for program in spec.programs:
        for procedure in sorted(program.procedures, key=lambda p: p.number):
            arguments = ", ".join(procedure.arguments) or "void"
            yield f"program {program.number:#x} version {program.version} procedure {procedure.number}: " \
                  f"{procedure.result} {procedure.name}({arguments})"


def digest(specs):
    return hashlib.sha256("\n".join(line for spec in specs for line in dump(spec)).encode()).digest()


def compare(golden, current):
    """Complaints about a golden dump that is not the current one: lines may be added, never changed or removed."""
    for line in golden:
        if line not in current:
            yield f"changed or removed (an older peer would misunderstand): {line}"
    for line in current:
        if line not in golden:
            yield f"new, to be added to the golden file: {line}"
