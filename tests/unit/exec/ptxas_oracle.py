#!/usr/bin/env python3
"""What the conformance test expects, against ptxas, which computes what it can of constants.

usage: ptxas_oracle.py PROGRAM PTXAS    (PROGRAM --list prints the evaluations)

Each evaluation becomes two kernels of constants: one stores a lot if the result differs from what is expected, one if
it is the same. Where ptxas has computed the result, one of the two is empty, which shows in the size of its code."""
import collections
import os
import struct
import subprocess
import sys
import tempfile

HEAD = '.version 9.0\n.target sm_90\n.address_size 64\n.visible .global .align 8 .b64 sink;\n'
REGISTERS = ('.reg .b16 %h<16>; .reg .b32 %x<16>; .reg .b64 %l<24>; .reg .f32 %f<16>; .reg .f64 %d<16>; '
             '.reg .pred %p<8>;\n')
STORES = ''.join(f'@%p7 st.volatile.global.u64 [sink], {n};\n' for n in range(1, 41))
SMALL = 256  # bytes of code: well below that of the stores
FORMS = 32  # in one run of ptxas


def constants(evaluation):
    text = ''
    for number, value in enumerate(evaluation.operands, 1):
        low = value & 0xffffffff
        text += (f'mov.b64 %l{number}, {value}; mov.b32 %x{number}, {low}; mov.b16 %h{number}, {value & 0xffff};\n'
                 f'mov.f32 %f{number}, 0f{low:08x}; mov.f64 %d{number}, 0d{value:016x};\n')
    return text


def kernel(name, evaluation, comparison):
    register, bits = ('%l0', 64) if evaluation.wide else ('%x0', 32)
    return (f'.visible .entry {name}()\n{{\n{REGISTERS}{constants(evaluation)}{evaluation.body}\n'
            f'setp.{comparison}.u{bits} %p7, {register}, {evaluation.result};\n{STORES}ret;\n}}\n')


def text_sizes(path):
    """Bytes of each kernel's section, from the ELF file."""
    with open(path, 'rb') as file:
        data = file.read()
    table, = struct.unpack_from('<Q', data, 0x28)
    size, count, names = struct.unpack_from('<HHH', data, 0x3a)
    sections = [struct.unpack_from('<IIQQQQ', data, table + i * size) for i in range(count)]
    strings = sections[names][4]
    result = {}
    for section in sections:
        start = strings + section[0]
        name = data[start:data.index(b'\0', start)].decode()
        if name.startswith('.text.'):
            result[name[len('.text.'):]] = section[5]
    return result


def compile_all(ptxas, evaluations, folder):
    """The sizes of the kernels ne<i> and eq<i>; None when ptxas refuses one of them."""
    source, cubin = os.path.join(folder, 'oracle.ptx'), os.path.join(folder, 'oracle.cubin')
    with open(source, 'w') as file:
        file.write(HEAD)
        for i, evaluation in enumerate(evaluations):
            file.write(kernel(f'ne{i}', evaluation, 'ne') + kernel(f'eq{i}', evaluation, 'eq'))
    done = subprocess.run([ptxas, '-arch=sm_90', '-O3', source, '-o', cubin], stderr=subprocess.PIPE, text=True)
    return (text_sizes(cubin), '') if done.returncode == 0 else (None, done.stderr or f'status {done.returncode}')


Evaluation = collections.namedtuple('Evaluation', 'body wide operands result')


def read_evaluations(program):
    listing = subprocess.run([program, '--list'], stdout=subprocess.PIPE, text=True, check=True).stdout
    for line in listing.splitlines():
        fields = line.split('|')
        # Predicates are written p|q.
        if len(fields) < 6:
            continue
        body, rest = '|'.join(fields[:-5]), fields[-5:]
        yield Evaluation(body, rest[0] == '1', tuple(int(value, 16) for value in rest[1:4]), int(rest[4], 16))


class Oracle:
    def __init__(self, ptxas):
        self.ptxas = ptxas
        self.agree, self.errors, self.wrong, self.refused = 0, 0, [], {}
        self.unknown = collections.Counter()

    def judge(self, evaluations, sizes):
        for i, evaluation in enumerate(evaluations):
            same, different = sizes[f'ne{i}'] <= SMALL, sizes[f'eq{i}'] <= SMALL
            if same and not different:
                self.agree += 1
            elif different and not same:
                self.wrong.append(evaluation)
            else:
                self.unknown[evaluation.body] += 1

    def ask(self, forms, folder):
        """`forms`: lists of evaluations of the same body. One that ptxas refuses is found by halving."""
        evaluations = [evaluation for form in forms for evaluation in form]
        sizes, message = compile_all(self.ptxas, evaluations, folder)
        if sizes:
            self.judge(evaluations, sizes)
        elif len(forms) == 1:
            self.refused[forms[0][0].body] = message.splitlines()[0]
            self.errors += not message.startswith('status -')  # ptxas itself may crash
        else:
            self.ask(forms[:len(forms) // 2], folder)
            self.ask(forms[len(forms) // 2:], folder)

    def report(self):
        for body, message in self.refused.items():
            print(f'refused: {body}: {message}')
        for body, count in self.unknown.items():
            print(f'not computed: {body} ({count} times)')
        for evaluation in self.wrong:
            operands = ', '.join(f'{value:x}' for value in evaluation.operands)
            print(f'DIFFERS: {evaluation.body} of {operands} is not {evaluation.result:x}')
        print(f'{self.agree} evaluations agree, {sum(self.unknown.values())} are not computed by ptxas, '
              f'{len(self.refused)} forms refused, {len(self.wrong)} differ')


def main():
    program, ptxas = sys.argv[1:]
    if not os.access(ptxas, os.X_OK):
        print(f'SKIP: no ptxas at {ptxas}')
        return 77
    forms = collections.defaultdict(list)
    for evaluation in read_evaluations(program):
        forms[evaluation.body].append(evaluation)
    oracle, pending = Oracle(ptxas), list(forms.values())
    with tempfile.TemporaryDirectory() as folder:
        for start in range(0, len(pending), FORMS):
            oracle.ask(pending[start:start + FORMS], folder)
    oracle.report()
    return 1 if oracle.wrong or oracle.errors or not oracle.agree else 0


if __name__ == '__main__':
    sys.exit(main())
