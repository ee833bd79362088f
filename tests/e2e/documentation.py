#!/usr/bin/env python3
"""The documents name every option and environment variable, and no others. Argument: the source tree."""
import os
import re
import shutil
import subprocess
import sys
import unittest

import harness

SOURCE = sys.argv.pop(1)
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
COMMANDS = {
    "cricket": [[harness.CRICKET], *([harness.CRICKET, name] for name in ("run", "devices", "ping"))],
    "cricket-server": [[harness.SERVER]],
}


def read(*path):
    with open(os.path.join(SOURCE, *path), encoding="utf-8") as file:
        return file.read()


def options_of(command):
    """The options that the help of a command names at the start of a line."""
    text = "".join(harness.run(*call, "--help").stdout for call in COMMANDS[command])
    return {option for line in text.splitlines() if line.startswith(" ") for option in OPTION.findall(line[:24])}


def options_in_man(command):
    """The options that have an entry in the man page: the lines after .TP."""
    text = read("docs", f"{command}.1").replace("\\-", "-")
    return {option for line in re.findall(r"^\.TP\n(.*)", text, re.M) for option in OPTION.findall(line)}


def options_in_readme():
    return {option for row in read("README.md").splitlines() if row.startswith("|") for option in OPTION.findall(row)}


def variables_read():
    """The variables that the sources of the client, the CPU device and the command look up."""
    names = set()
    for part in ("client", "common", "cpu-device", "tools"):
        for folder, _, files in os.walk(os.path.join(SOURCE, part)):
            for name in files:
                if name.endswith((".c", ".h")):
                    names.update(re.findall(r'"(CRICKET_[A-Z_]+)"', read(folder, name)))
    return names


class Documentation(unittest.TestCase):
    def test_man_pages_have_every_option(self):
        for command in COMMANDS:
            with self.subTest(command=command):
                self.assertGreater(len(options_of(command)), 4)
                self.assertEqual(options_of(command), options_in_man(command))

    def test_readme_has_every_option(self):
        self.assertEqual(options_of("cricket") | options_of("cricket-server"), options_in_readme())

    def test_variables(self):
        names = variables_read()
        self.assertIn("CRICKET_SERVER", names)
        rows = [row for row in read("README.md").splitlines() if row.startswith("| `CRICKET_")]
        self.assertEqual(names, {re.match(r"\| `(\w+)`", row).group(1) for row in rows})
        man = read("docs", "cricket.1")
        self.assertEqual(names, set(re.findall(r"^\.TP\n\.B (CRICKET_\w+)", man, re.M)))

    def test_links_of_the_readme(self):
        for target in re.findall(r"\]\(([^)]+)\)", read("README.md")):
            if not target.startswith("https://"):
                self.assertTrue(os.path.exists(os.path.join(SOURCE, target)), target)

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_man_pages_are_well_formed(self):
        for command in COMMANDS:
            page = os.path.join(SOURCE, "docs", f"{command}.1")
            result = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", page], capture_output=True, text=True,
                                    check=True)
            self.assertEqual(result.stderr, "")


if __name__ == "__main__":
    harness.main()
