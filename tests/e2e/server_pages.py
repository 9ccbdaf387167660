"""The pages of docs/servers: what to write into a server's configuration, and the input of Weir that goes with it.

Each heading of the second level is such a pair: a block of the server's lines, then one of Weir's.
"""
import dataclasses
import re

import weir

FOLDER = weir.ROOT / "docs/servers"
_PAIR = re.compile(r"^## (.*?)\n\n```\w+\n(.*?)```\n\n```yaml\n- dnstap: \{ (.*?) \}\n```", re.MULTILINE | re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Pair:
    page: str
    heading: str
    lines: str
    item: str  # what stands in the braces of Weir's `- dnstap: { … }`

    @property
    def way(self):
        """The heading as a word: mutual-tls."""
        return self.heading.lower().removesuffix(" socket").replace(" ", "-")


def pairs(page):
    text = (FOLDER / f"{page}.md").read_text()
    found = [Pair(page, *match) for match in _PAIR.findall(text)]
    if not found or len(found) != text.count("\n## "):
        raise AssertionError(f"docs/servers/{page}.md: not every heading has its two blocks")
    return found


def place(text, port, socket, certificates, identity="ns1.example"):
    """The page's text with paths, port and identity of here. certificates: {"cert": path, "key": path, "ca": path}."""
    text = re.sub(r"/run/\w+/dnstap\.sock", str(socket), text)
    text = re.sub(r"127\.0\.0\.1([:@])6000", rf"127.0.0.1\g<1>{port}", text)
    text = text.replace("ns1.example", identity)
    return re.sub(r"/etc/\w+/(cert|key|ca)\.pem", lambda match: str(certificates[match[1]]), text)
