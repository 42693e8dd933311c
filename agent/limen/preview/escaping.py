"""Untrusted text in Markdown, XML, JSON and workflow commands: it stays text, whatever it says.

Markdown is GitHub's and GitLab's. Neither looks for mentions, links, commands or markup inside code.
"""

import json
import re
from typing import Any

# In a code span all of this is literal. A "|" would end a table's cell, "##[" is a command of old runners,
# and whoever looks for a marker (an HTML comment) must find only ours.
_SPAN = re.compile(r"(?!.*##)[^`|<>\\\n\t]+")
_INLINE = re.compile(r"[^\w .,;()+=~%'-]|_")
# In a block of HTML only these could mean something: to HTML, to runners of pipelines, to GitLab at the start
# of a line, and (should it not be taken for such a block after all) to Markdown.
_BLOCK = re.compile(r"(?m)[<>&\"@#`|*\\]|:(?=:)|^\s*/")
_LINE_START = re.compile(r"(?m)^(\s*)::")


def code(text: str) -> str:
    """Inline code of Markdown, in tables as well; text without any character is a dash."""
    if not text:
        return "-"
    if _SPAN.fullmatch(text) and text == text.strip():
        return f"`{text}`"
    return f"<code>{_entities(_INLINE, ' '.join(text.split()))}</code>"


def block(text: str) -> str:
    """Several lines as they are: HTML that Markdown leaves alone until `</pre>`."""
    return f"<pre>\n{_entities(_BLOCK, text)}\n</pre>"


def _entities(special: re.Pattern[str], text: str) -> str:
    """HTML in which every character that is special is an entity."""
    return special.sub(lambda found: "".join(f"&#{ord(each)};" for each in found[0]), text)


def comment(text: str) -> str:
    """What an HTML comment may hold: a name that can't end it."""
    return re.sub(r"-{2,}", "-", re.sub(r"[^A-Za-z0-9._/-]", "_", text)).strip("-")


def command(name: str, title: str, message: str) -> str:
    """A workflow command of GitHub's runner, one line."""
    # Percent first: it is what the others are written with.
    escaped = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    in_title = title.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    in_title = in_title.replace(":", "%3A").replace(",", "%2C")
    return f"::{name} title={in_title}::{escaped}"


def json_text(document: Any) -> str:
    """JSON in ASCII that no runner takes for its commands when it is printed into a log."""
    return json.dumps(document, indent=2).replace("##", "#\\u0023")


def xml_lines(text: str) -> str:
    """Finished XML that no runner takes for its commands when it is printed into a log."""
    guarded = _LINE_START.sub(r"\1&#58;&#58;", text)
    return guarded.replace("##", "&#35;&#35;")
