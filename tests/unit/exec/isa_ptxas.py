#!/usr/bin/env python3
"""Does ptxas take the forms of cpu-device/ptx/isa.txt? It is the judge of what exists.

usage: isa_ptxas.py PROGRAM PTXAS    (PROGRAM --list prints each form as a module, after a line "== FORM")"""
import os
import subprocess
import sys
import tempfile

# The targets that have instructions of their own, the common one first.
TARGETS = ['sm_90', 'sm_90a', 'sm_100a', 'sm_120a', 'sm_103a', 'sm_75']


def modules(program):
    listing = subprocess.run([program, '--list'], stdout=subprocess.PIPE, text=True, check=True).stdout
    for part in listing.split('\n== ')[1:]:
        form, text = part.split('\n', 1)
        yield form, text.split('\n==end')[0]


def is_taken(ptxas, text, folder):
    source, message = os.path.join(folder, 'form.ptx'), ''
    for target in TARGETS:
        with open(source, 'w') as file:
            file.write(text.replace('.target sm_90', f'.target {target}'))
        done = subprocess.run([ptxas, f'-arch={target}', '-O0', '--compile-only', source, '-o', '/dev/null'], stderr=subprocess.PIPE,
                              text=True)
        if done.returncode == 0:
            return True, ''
        message = message or done.stderr.splitlines()[0]
    return False, message


def main():
    program, ptxas = sys.argv[1:]
    if not os.access(ptxas, os.X_OK):
        print(f'SKIP: no ptxas at {ptxas}')
        return 77
    count, refused = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for form, text in modules(program):
            taken, message = is_taken(ptxas, text, folder)
            count += 1
            if not taken:
                refused += 1
                print(f'{form}\n    {message}')
    print(f'{count} forms, {refused} refused')
    return 1 if refused or not count else 0


if __name__ == '__main__':
    sys.exit(main())
