"""Names that people choose: cleaning, comparison, and characters that could deceive a reader."""

import re
import unicodedata

from django.core.exceptions import ValidationError

MAXIMUM_LENGTH = 100
# Folding can turn one character into eighteen.
MAXIMUM_FOLDED_LENGTH = 4 * MAXIMUM_LENGTH

# Cc control, Cf format (bidi overrides, zero-width), Cs surrogates, Co private use, Zl and Zp line breaks.
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
# Other categories, but drawn as nothing (Unicode's Default_Ignorable_Code_Point) or as a gap (blank Braille pattern).
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")
# Letters of other alphabets that look like a Latin letter, in upper or lower case, each with that letter.
_LOOK_ALIKES = str.maketrans(
    "авекмнорстухіјѕԁԛԝһӏαβεζηικμνορτυχɑɡ",
    "abekmhopctyxijsdqwhlabezhikmnoptyxag",
)
_LOOK_ALIKE_SCRIPTS = {"LATIN", "CYRILLIC", "GREEK"}


def clean_name(text: str) -> str:
    """Return `text` trimmed and in NFC; raise ValidationError with a code when it cannot be a name."""
    name = unicodedata.normalize("NFC", text.strip())
    if not name:
        raise ValidationError("Vul een naam in.", code="required")
    if len(name) > MAXIMUM_LENGTH or len(fold(name)) > MAXIMUM_FOLDED_LENGTH:
        raise ValidationError(f"Maak de naam korter: hoogstens {MAXIMUM_LENGTH} tekens.", code="max_length")
    if has_invisible(name):
        raise ValidationError(
            "Deze naam bevat een onzichtbaar teken. Typ de naam opnieuw, zonder te plakken.", code="invisible"
        )
    if len(_scripts(name) & _LOOK_ALIKE_SCRIPTS) > 1:
        raise ValidationError(
            "In deze naam staan letters uit verschillende alfabetten die op elkaar lijken. Gebruik één alfabet.",
            code="mixed_scripts",
        )
    return name


def has_invisible(text: str) -> bool:
    return without_invisible(text) != text


def without_invisible(text: str) -> str:
    """Return `text` without the characters that are drawn as nothing, or that change how others are drawn."""
    return "".join(c for c in text if unicodedata.category(c) not in _INVISIBLE and not _BLANK.match(c))


def fold(name: str) -> str:
    """Return the form for comparing names, which ignores case, width, spacing and look-alike alphabets."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().translate(_LOOK_ALIKES).split())


def _scripts(name: str) -> set[str]:
    return {unicodedata.name(letter, "?").split()[0] for letter in name if letter.isalpha()}
