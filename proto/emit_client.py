"""Client side: every exported function with its entry and exit, the RPC of those that need no hand, the tables."""
from annotations import result_value
from emit import all_of, banner, declare, parameter_list, wire_type, xdr

KIND = {"async": "CU_ASYNC", "sync": "CU_SYNC", "blocking": "CU_SYNC", "deferred": "CU_DEFERRED",
        "local": "CU_LOCAL"}
CONTROL_ASYNC = ("CONTROL_UPLOAD",)


def functions_header(api, spec, control, _abi):
    yield banner(spec.path)
    yield "#ifndef CU_FUNCTIONS_H\n#define CU_FUNCTIONS_H\n"
    yield "/* Every function and every procedure of the protocol; indexes cu_functions. */\nenum cu_function_id {"
    for call in api.calls:
        yield f"\tFN_{call.name},"
    for procedure in control.programs[0].procedures:
        yield f"\tFN_{procedure.name},"
    yield "\tFN_COUNT\n};\n\n#endif"


def functions_source(api, spec, control, _abi):
    yield banner(spec.path)
    yield '#include "entry.h"\n#include "rpc_control.h"\n#include "rpc_cuda.h"\n'
    yield "const struct cu_function cu_functions[FN_COUNT] = {"
    for call in api.calls:
        procedure = call.procedure.name if call.procedure else "0"
        program = api.program.name if call.procedure else "0"
        flags = " | ".join(f"CU_{flag.upper()}" for flag in sorted(call.flags & {"noctx", "noinit"})) or "0"
        yield f'\t[FN_{call.name}] = {{"{call.name}", {program}, {procedure}, {KIND[call.kind]}, {flags}}},'
    for procedure in control.programs[0].procedures:
        kind = "CU_ASYNC" if procedure.name in CONTROL_ASYNC else "CU_SYNC"
        yield f'\t[FN_{procedure.name}] = {{"{procedure.name}", {control.programs[0].name}, {procedure.name}, ' \
              f'{kind}, CU_NOCTX | CU_NOINIT}},'
    yield "};"


def rpc_parameters(call):
    """The parameters of the plain RPC: those of the call, with the id in place of the handle to be minted."""
    return ", ".join(f"u64 {p.name}" if call.listed("mint", p) else declare(p) for p in call.parameters) or "void"


def variants(call, abi):
    return [suffix for suffix in ("_ptsz", "_ptds") if call.name + suffix in abi]


def stream_parameter(call):
    return next((p for p in call.parameters if p.type == "CUstream"), None)


def hand_variant(call, suffix):
    """Does the variant need a body of its own, since there is no stream parameter to replace?"""
    return not (call.ptds if suffix == "_ptds" else stream_parameter(call))


def hand_header(api, spec, _control, abi):
    yield banner(spec.path)
    yield "#ifndef CU_HAND_H\n#define CU_HAND_H\n\n#include \"call.h\"\n"
    yield "/* Bodies written by hand; the exported functions around them are generated. */"
    for call in api.calls:
        if "internal" in call.flags:
            continue
        if call.hand_client():
            yield f"CUresult client_{call.name}({parameter_list(call.parameters)});"
        for suffix in variants(call, abi):
            if hand_variant(call, suffix):
                yield f"CUresult client_{call.name}{suffix}({parameter_list(call.parameters)});"
    yield "\n/* The plain RPCs of those that only do something more around one. */"
    for call in api.calls:
        if call.hand == "client":
            yield f"CUresult rpc_{call.name}({rpc_parameters(call)});"
    yield "\n#endif"


def encode(call):
    for parameter, wire in zip(call.inputs, call.procedure.arguments):
        yield f"{xdr(wire)}(call.args, &{parameter.name}_wire)"


def prepare(call, api):
    """Checks what can be checked here and converts the arguments to what travels."""
    for parameter in call.outputs:
        if not call.listed("nullable", parameter):
            yield f"\tif (!{parameter.name})\n\t\treturn CUDA_ERROR_INVALID_VALUE;"
    for parameter, wire in zip(call.inputs, call.procedure.arguments):
        name, kind = parameter.name, api.handles.get(parameter.type)
        if kind:
            yield f"\tu64 {name}_wire;"
            yield f"\tif ((err = cu_id_of_{kind}({name}, &{name}_wire)))\n\t\treturn err;"
        elif parameter.type == "const char *":
            yield f"\tif (!{name})\n\t\treturn CUDA_ERROR_INVALID_VALUE;"
            yield f"\tsymbol_name {name}_wire = (char *){name};"
        else:
            yield f"\t{wire_type(wire)} {name}_wire = ({wire_type(wire)}){name};"


def store(call, spec):
    value = result_value(call, spec)
    fields = spec.structs.get(value)
    for index, parameter in enumerate(call.outputs):
        source = f"result.{fields[index].name}" if fields else "result"
        cast = f"({parameter.pointee()})" + ("(uintptr_t)" if parameter.pointee().endswith("*") else "")
        guard = f"\tif ({parameter.name})\n\t" if call.listed("nullable", parameter) else ""
        yield f"{guard}\t*{parameter.name} = {cast}{source};"


def body(call, spec, api):
    linkage, prefix = ("", "rpc_") if call.hand == "client" else ("static ", "client_")
    yield f"\n{linkage}CUresult {prefix}{call.name}({rpc_parameters(call)})\n{{"
    yield "\tstruct cu_call call;\n\tCUresult err;\n"
    yield from prepare(call, api)
    yield f"\tif ((err = cu_call_begin(&call, FN_{call.name})))\n\t\treturn err;"
    yield f"\tbool encoded = {all_of(list(encode(call)), chr(9) * 2)};"
    value = result_value(call, spec)
    if value is None:
        yield "\treturn cu_call_end(&call, encoded);\n}"
        return
    yield f"\t{wire_type(value)} result = {{0}};"
    yield f"\terr = cu_call_result(&call, encoded, (xdrproc_t){xdr(value)}, &result);"
    yield "\tif (err)\n\t\treturn err;"
    yield from store(call, spec)
    yield "\treturn CUDA_SUCCESS;\n}"


def trace_argument(parameter):
    """printf conversion and value of one argument in a trace line."""
    if parameter.type == "const char *":
        return f"{parameter.name}=%s", f"cu_trace_text({parameter.name})"
    if "*" in parameter.type or parameter.type in ("CUoccupancyB2DSize",):
        return f"{parameter.name}=%p", f"(void *)(uintptr_t){parameter.name}"
    if parameter.type.startswith("CU") and parameter.type not in ("CUdevice",):
        return f"{parameter.name}=%#llx", f"(unsigned long long)(uintptr_t){parameter.name}"
    return f"{parameter.name}=%lld", f"(long long){parameter.name}"


def exported(call, suffix):
    """The exported function: entry (initialised? count, time), the body, exit (trace, errno)."""
    arguments = [p.name for p in call.parameters]
    target = f"client_{call.name}"
    if suffix and hand_variant(call, suffix):
        target += suffix
    elif suffix == "_ptds":
        target, arguments = f"client_{call.ptds}", arguments + ["CU_STREAM_PER_THREAD"]
    elif suffix == "_ptsz":
        stream = stream_parameter(call).name
        arguments = [f"cu_per_thread({a})" if a == stream else a for a in arguments]
    formats = [trace_argument(p) for p in call.parameters] or [("%s", '""')]
    yield f"\nCU_EXPORT CUresult CUDAAPI {call.name}{suffix}({parameter_list(call.parameters)})\n{{"
    yield f"\tstruct cu_entry entry;\n\tCUresult err = cu_enter(&entry, FN_{call.name});"
    yield f"\n\tif (!err)\n\t\terr = {target}({', '.join(arguments)});"
    values = "".join(", " + value for _, value in formats)
    yield f'\tif (entry.traced)\n\t\tcu_trace(&entry, err, "{", ".join(text for text, _ in formats)}"{values});'
    yield "\treturn cu_leave(&entry, err);\n}"


def shim_source(api, spec, _control, abi):
    yield banner(spec.path)
    yield '#include "entry.h"\n#include "hand.h"\n#include "handles.h"'
    for call in api.calls:
        if call.procedure and call.hand in ("", "client", "server"):
            yield from body(call, spec, api)
    for call in api.calls:
        if "internal" not in call.flags:
            for suffix in [""] + variants(call, abi):
                yield from exported(call, suffix)


FILES = {"functions.h": functions_header, "functions.c": functions_source, "hand.h": hand_header,
         "shim.c": shim_source}
