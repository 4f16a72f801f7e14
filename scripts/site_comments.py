"""An extension of griffe: the comment behind a field of a class is its description, as the sources write units."""

import io
import tokenize

import griffe


class FieldComments(griffe.Extension):
    """Gives fields without a docstring the comment at the end of their line."""

    def on_attribute_instance(self, *, attr, **others):
        if attr.docstring is None and attr.parent.is_class and attr.lineno:
            text = "\n".join(attr.lines_collection[attr.filepath][attr.lineno - 1 : attr.endlineno])
            comment = last_comment(text)
            if comment:
                attr.docstring = griffe.Docstring(comment, parent=attr)


def last_comment(text):
    """The comment at the end of a statement; "" where it has none."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text.strip() + "\n").readline))
    except tokenize.TokenError:
        return ""
    comments = [token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT]
    return comments[-1] if comments else ""
