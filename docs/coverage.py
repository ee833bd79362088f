#!/usr/bin/env python3
"""Makes the page about the PTX instructions that the CPU device executes, from cpu-device/ptx/isa.txt.

usage: coverage.py ISA.TXT > PAGE.md"""
import sys


def entry(line):
    name, forms = line.split(': ', 1)
    forms, _, reason = forms.partition(' -- ')
    return name, forms, reason


def cell(text):
    return text.replace('|', '\\|')


def main():
    with open(sys.argv[1]) as file:
        lines = [line.rstrip('\n') for line in file]
    entries = [entry(line) for line in lines if line and not line.startswith('#')]
    done = sum(not reason for _, _, reason in entries)
    print('# PTX on the CPU device\n')
    print(f'The instructions, special registers and directives of PTX ISA 9.0: {done} of {len(entries)} entries are')
    print('executed. A kernel with another one is refused with its name when it is first used. The forms are examples')
    print('that the tests try (`tests/unit/exec/isa.c`); results are compared in `tests/unit/exec/conform*.c`.')
    for line in lines:
        if line.startswith('## '):
            print(f'\n{line}\n\n| name | executed | forms |\n|---|---|---|')
        elif line and not line.startswith('#'):
            name, forms, reason = entry(line)
            print(f'| `{name}` | {"no: " + reason if reason else "yes"} | `{cell(forms.removeprefix("old ").removeprefix("module "))}` |')


if __name__ == '__main__':
    main()
