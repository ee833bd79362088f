"""Server side: the driver's function table, a handler for every procedure that is not written by hand, the table."""
from annotations import Parameter, result_value
from emit import all_of, banner, declare, wire_type, xdr

KIND = {"async": "SRV_ASYNC", "sync": "SRV_SYNC", "blocking": "SRV_BLOCKING", "deferred": "SRV_DEFERRED"}


def driver_header(api, spec):
    yield banner(spec.path)
    yield "#ifndef SRV_DRIVER_H\n#define SRV_DRIVER_H\n"
    yield "#ifndef __CUDA_API_VERSION_INTERNAL\n#define __CUDA_API_VERSION_INTERNAL\n#endif\n#include <cuda.h>\n#include <cudaProfiler.h>\n"
    yield "/* The functions of a libcuda.so.1; NULL where the library lacks one. */\nstruct srv_driver {"
    for call in api.calls:
        if "internal" not in call.flags:
            yield f"\t__typeof__({call.name}) *{call.name};"
    yield "};\n"
    yield "/* Looks up every function in `library`, a handle of dlopen. */"
    yield "void srv_driver_load(struct srv_driver *driver, void *library);\n\n#endif"


def driver_source(api, spec):
    yield banner(spec.path)
    yield '#include "driver.h"\n\n#include <dlfcn.h>\n'
    yield "void srv_driver_load(struct srv_driver *driver, void *library)\n{"
    for call in api.calls:
        if "internal" not in call.flags:
            yield f'\t*(void **)&driver->{call.name} = dlsym(library, "{call.name}");'
    yield "}"


def handlers_header(api, spec):
    yield banner(spec.path)
    yield "#ifndef SRV_HANDLERS_H\n#define SRV_HANDLERS_H\n\n#include \"call.h\"\n"
    yield "/* Handlers written by hand, for what the C prototype alone does not say. */"
    for call in api.calls:
        if call.procedure and call.hand_server():
            yield f"bool serve_{call.name}(struct srv_call *call);"
    yield "\n#endif"


def decode(call):
    return [f"{xdr(wire)}(call->args, &{p.name})" for p, wire in zip(call.inputs, call.procedure.arguments)]


def execute(call, api):
    """Statements that look handles up and call the driver, each skipped after an error."""
    arguments = []
    for parameter in call.parameters:
        if parameter in call.outputs:
            arguments.append(f"&{parameter.name}")
        elif call.listed("mint", parameter):
            arguments.append(f"&{parameter.name}_handle")
        elif parameter.type in api.handles:
            yield f"\tif (!err)\n\t\terr = srv_find_{api.handles[parameter.type]}(call, {parameter.name}, " \
                  f"&{parameter.name}_handle);"
            arguments.append(f"{parameter.name}_handle")
        elif parameter.type == "const char *":
            arguments.append(parameter.name)
        else:
            arguments.append(f"({parameter.type}){parameter.name}")
    yield f"\tif (!err)\n\t\terr = SRV_DRIVER({', '.join([call.name] + arguments)});"


def register(call, api):
    for parameter in call.parameters:
        if call.listed("mint", parameter):
            kind = api.handles[parameter.pointee()]
            yield f"\tif (!err)\n\t\terr = srv_enter_{kind}(call, {parameter.name}, {parameter.name}_handle);"
        elif call.listed("release", parameter):
            yield f"\tif (!err)\n\t\tsrv_remove_{api.handles[parameter.type]}(call, {parameter.name});"
    for parameter in call.outputs:
        if parameter.pointee() in api.handles:
            yield f"\tu64 {parameter.name}_id = err ? 0 : srv_mint_{api.handles[parameter.pointee()]}" \
                  f"(call, {parameter.name}, &err);"


def output_value(parameter, wire, api):
    if parameter.pointee() in api.handles:
        return f"{parameter.name}_id"
    if parameter.pointee().endswith("*"):
        return f"(uintptr_t){parameter.name}"
    return f"({wire_type(wire)}){parameter.name}"


def answer(call, spec, api):
    """Statements that prepare the result; last, the expression that encodes the reply."""
    value = result_value(call, spec)
    if value is None:
        yield "srv_reply(call, err)"
        return
    fields = spec.structs.get(value)
    if fields:
        members = ", ".join(f".{f.name} = {output_value(p, f.type, api)}" for p, f in zip(call.outputs, fields))
        yield f"\t{wire_type(value)} result = {{{members}}};"
    else:
        yield f"\t{wire_type(value)} result = {output_value(call.outputs[0], value, api)};"
    yield f"srv_reply(call, err) && (err || {xdr(value)}(call->result, &result))"


def handler(call, spec, api):
    yield f"\n/* {call.prototype} */\nstatic bool serve_{call.name}(struct srv_call *call)\n{{"
    strings = [p for p in call.inputs if p.type == "const char *"]
    for parameter, wire in zip(call.inputs, call.procedure.arguments):
        yield f"\t{wire_type(wire)} {parameter.name} = {'NULL' if parameter in strings else '0'};"
    for parameter in call.inputs:
        if call.listed("mint", parameter):
            yield f"\t{parameter.pointee()} {parameter.name}_handle = NULL;"
        elif parameter.type in api.handles:
            yield f"\t{parameter.type} {parameter.name}_handle = NULL;"
    for parameter in call.outputs:
        yield f"\t{declare(Parameter(parameter.pointee(), parameter.name))} = 0;"
    if call.inputs:
        yield f"\tif (!({all_of(decode(call), chr(9) * 2)}))"
        yield "\t\treturn false;"
    yield "\tCUresult err = srv_begin(call);"
    yield from execute(call, api)
    yield from register(call, api)
    *statements, encoded = answer(call, spec, api)
    yield from statements
    if not strings:
        yield f"\treturn {encoded};\n}}"
        return
    yield f"\tbool encoded = {encoded};"
    for parameter in strings:
        yield f"\txdr_free((xdrproc_t)xdr_symbol_name, &{parameter.name});"
    yield "\treturn encoded;\n}"


def handlers_source(api, spec):
    yield banner(spec.path)
    yield '#include "handlers.h"'
    calls = [call for call in api.calls if call.procedure]
    for call in calls:
        if not call.hand_server():
            yield from handler(call, spec, api)
    yield "\nconst struct srv_proc srv_cuda_procs[] = {"
    for call in sorted(calls, key=lambda call: call.procedure.number):
        yield f'\t{{{call.procedure.name}, "{call.name}", {KIND[call.kind]}, serve_{call.name}}},'
    yield "};\nconst size_t srv_cuda_proc_count = sizeof(srv_cuda_procs) / sizeof(srv_cuda_procs[0]);"


FILES = {"driver.h": driver_header, "driver.c": driver_source, "handlers.h": handlers_header,
         "handlers.c": handlers_source}
