#!/usr/bin/env python3
"""Draws what commands print as a picture of a terminal. usage: terminal-svg.py OUT.svg COMMAND…

The commands run in a shell at the root of the tree, with the built weir in PATH; docs/terminal.svg is made by

  scripts/terminal-svg.py docs/terminal.svg \\
    'weir decode tests/data/dnstap/dnsdist-unix.fstrm --fields client_ip,qname,qtype,rcode,latency_ns | sed -n "4p;13p;25p;26p"' \\
    'weir decode tests/data/pcap/variant-base.pcap --json null: --balance'
"""
import html
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
COLUMNS, LINE, CHAR = 118, 19, 7.83
_TOKEN = re.compile(r'(?P<key>"[a-z_]+")(?=:)|(?P<text>"(?:[^"\\]|\\.)*")|(?P<number>(?<=[:,\[ ])-?\d+(?=[,}\] ]|$))')


def wrapped(line):
    """Pieces of at most COLUMNS characters, so that nothing of the output is left out."""
    return [line[at:at + COLUMNS] for at in range(0, len(line), COLUMNS)] or [""]


def coloured(text):
    out, at = [], 0
    for match in _TOKEN.finditer(text):
        out.append(html.escape(text[at:match.start()]))
        out.append(f'<tspan class="{match.lastgroup}">{html.escape(match[0])}</tspan>')
        at = match.end()
    return "".join(out) + html.escape(text[at:])


def main():
    rows = []
    environment = {**os.environ, "PATH": f"{ROOT}/build/src:{os.environ['PATH']}"}
    for command in sys.argv[2:]:
        run = subprocess.run(command, shell=True, cwd=ROOT, env=environment, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, check=True)
        rows += [("prompt", part) for part in wrapped("$ " + command)]
        rows += [("", part) for line in run.stdout.splitlines() for part in wrapped(line)]
        rows.append(("", ""))
    rows.pop()
    width, height = int(COLUMNS * CHAR) + 32, len(rows) * LINE + 62
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img" '
             'aria-label="weir in a terminal">',
             "<style>text{font:13px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#d8dee9;white-space:pre}"
             ".prompt{fill:#a3be8c}.key{fill:#81a1c1}.text{fill:#ebcb8b}.number{fill:#b48ead}</style>",
             f'<rect width="{width}" height="{height}" rx="8" fill="#20242c"/>']
    lines += [f'<circle cx="{20 + 18 * n}" cy="20" r="5.5" fill="{fill}"/>'
              for n, fill in enumerate(("#bf616a", "#ebcb8b", "#a3be8c"))]
    for number, (kind, text) in enumerate(rows):
        body = html.escape(text) if kind else coloured(text)
        lines.append(f'<text x="16" y="{54 + number * LINE}" class="{kind}" xml:space="preserve">{body}</text>')
    pathlib.Path(sys.argv[1]).write_text("\n".join([*lines, "</svg>"]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main()
