"""Shows V-ISA's instructions and registers in gdb by their names (gdb 13 or newer, with Python).

    (gdb) source guest/gdb/visa.py
    (gdb) target remote :1234
    (gdb) x/4i $pc

What gdb's own disassembler does not know, the machine is asked for: its monitor command `x/1i` is made from the tables of
the instruction set. Without a machine gdb shows what it always shows.
"""

import re

import gdb
from gdb.disassembler import Disassembler, DisassemblerResult, builtin_disassemble, register_disassembler

# A word that gdb cannot name, or a control register that it has only the number of.
UNKNOWN = re.compile(r"^(\.|0x|unknown)|^csr\w*\s.*\b0x")
# The monitor's line: address, text, and a symbol.
ANSWER = re.compile(r"^0x[0-9a-f]+:\s+(.*?)\s*(<\S+>)?\s*$", re.MULTILINE)


class VisaDisassembler(Disassembler):
    """Asks the machine for what gdb does not know."""

    def __init__(self):
        super().__init__("V-ISA")

    def __call__(self, info):
        known = builtin_disassemble(info)
        if not UNKNOWN.match(known.string):
            return known
        try:
            printed = gdb.execute("monitor x/1i %#x" % info.address, to_string=True)
        except gdb.error:
            return known
        answer = ANSWER.search(printed)
        if answer is None or answer.group(1).startswith("."):
            return known
        return DisassemblerResult(known.length, answer.group(1))


register_disassembler(VisaDisassembler(), "riscv:rv64")
