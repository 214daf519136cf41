"""Events that name places in the program: 60 to 69. Numbers are private to a process and inherited by its forked children."""

from ..event import INT, TEXT, declare

SITE = declare(60, "site.seen", "a place in the program", site=INT, file=TEXT, line=INT, function=TEXT)
STACK = declare(61, "stack.seen", "a stack, innermost first, as numbers of sites with blanks between", stack=INT, sites=TEXT)
TEXT_SEEN = declare(62, "text.seen", "a text that other records refer to by number", text=INT, value=TEXT)
