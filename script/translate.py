"""The English catalogue: what the code and the templates say in Chinese, with its English.

``script/translate`` runs this. A second run on unchanged sources leaves the file as it is, byte for byte: its header
carries no date, and a text is located by its files, not by lines.
"""

import io
import re
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
ENGLISH = ROOT / "translations/en/LC_MESSAGES/messages.po"
IN_CONTEXT = ((1, "c"), 2)
KEYWORDS = {"_": None, "_l": None, "N_": None, "_p": IN_CONTEXT, "_lp": IN_CONTEXT, "pgettext": IN_CONTEXT}
# Babel's own rule also passes over names with an underscore in front: templates/_parts would be missed.
PASSED_OVER = {"node_modules", "var", "artefacts", "tests", "__pycache__"}
CHINESE = re.compile(r"[\u3001\u3400-\u9fff]")
HEADER = """\
# English of Mainline. script/translate adds new source texts; write their msgstr here.
msgid ""
msgstr ""
"Project-Id-Version: Mainline\\n"
"Language: en\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""


def source_texts() -> Catalog:
    """Every text within ``_()``, ``_l()``, ``N_()`` and their kin with a context, located by file; order follows the files' names."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    found = extract_from_dir(ROOT, methods, options, keywords=KEYWORDS, directory_filter=_is_searched)
    texts = Catalog(charset="utf-8")
    for name, _line, text, _comments, context in sorted(found, key=lambda one: (one[0], one[1])):
        if CHINESE.search(text):  # _(row["label"]) is found too, as the text "label".
            texts.add(text, locations=[(Path(name).as_posix(), None)], context=context)
    return texts


def english() -> Catalog:
    with ENGLISH.open("rb") as file:
        return read_po(file, locale="en")


def updated(catalog: Catalog, texts: Catalog) -> Catalog:
    """The catalogue with exactly these texts: new ones without English, gone ones dropped, nothing guessed."""
    catalog.update(texts, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    return catalog


def written(catalog: Catalog) -> str:
    body = io.BytesIO()
    write_po(body, catalog, omit_header=True, width=0)
    return HEADER + body.getvalue().decode("utf-8").lstrip("\n")


def _is_searched(folder: str) -> bool:
    name = Path(folder).name
    return not name.startswith(".") and name not in PASSED_OVER


def main() -> None:
    catalog = updated(english(), source_texts())
    ENGLISH.write_text(written(catalog), "utf-8")
    missing = [message for message in catalog if message.id and not message.string]
    print(f"{len(catalog)} texts, {len(missing)} without English")
    for message in missing:
        print(f"  {message.id!r}  {', '.join(sorted({name for name, _line in message.locations}))}")


if __name__ == "__main__":
    main()
