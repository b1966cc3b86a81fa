"""Which faults can be planted where."""
import re
from dataclasses import dataclass

# What to look for, and what to put there.
SWAPS = [
    (r" \+ ", " - "), (r" - ", " + "), (r" \* ", " / "), (r" / ", " * "), (r" % ", " / "),
    (r" < ", " <= "), (r" <= ", " < "), (r" > ", " >= "), (r" >= ", " > "), (r" == ", " != "), (r" != ", " == "),
    (r" && ", " || "), (r" \|\| ", " && "), (r"\+= ", "-= "), (r"-= ", "+= "), (r"\*= ", "/= "), (r"/= ", "*= "),
    (r"\btrue\b", "false"), (r"\bfalse\b", "true"), (r"(?<=[(\s])-(?=[\w(])", ""), (r"!(?=[a-z(])", ""),
    (r"hn::Add\(", "hn::Sub("), (r"hn::Sub\(", "hn::Add("), (r"hn::MulAdd\(", "hn::NegMulAdd("),
    (r"hn::NegMulAdd\(", "hn::MulAdd("), (r"hn::Gt\(", "hn::Lt("), (r"hn::Lt\(", "hn::Gt("), (r"hn::Le\(", "hn::Lt("),
    (r"hn::Ge\(", "hn::Gt("), (r"hn::Max\(", "hn::Min("), (r"hn::Min\(", "hn::Max("), (r"\bmin\b", "max"),
    (r"\bmax\b", "min"), (r"\bgt\(", "ge("), (r"\bge\(", "gt("), (r"\blt\(", "le("), (r"\ble\(", "lt("),
    (r"\beq\(", "ne("), (r"\bne\(", "eq("), (r"return g \* ", "return g * 2 * "), (r"\[1\]", "[0]"),
    (r"\bexp\(", "expm1("), (r"\blog\(", "log1p("), (r"\bsquare\(", "abs("), (r"\bsin\(", "cos("), (r"\bcos\(", "sin("),
    (r"(?<![\w.])(\d+)(?![\w.])", lambda m: str(int(m[1]) + 1)),
    (r"(?<![\w.])(\d*\.\d*[1-9]\d*|[1-9]\d*\.0*)(?=f?\b)", lambda m: repr(float(m[1]) * 1.01)),
    (r"(?<![\w.])(0\.0*)(?=f?\b)", "1.0"),
]

# Places that change no result, and so are passed over. docs/reliability.md says so to users.
LEFT_OUT = """\
No fault is planted in what changes no result: comments and strings; what an error says (the arguments of fail,
refuse and fmt::format; its condition is fair game); how much memory is reserved; lines that prefetch; the size of a
tile or block, which are the constexpr integers; estimates of work, which decide on the number of threads;
preprocessor lines; and the files profiler*, limits.cpp (which time things) and parallel.h (which deals out work to
threads)."""
FILES_LEFT_OUT = re.compile(r"profiler|/limits\.|/parallel\.")
BLANK = re.compile(r'//[^\n]*|"(?:\\.|[^"\\\n])*"|^ *#[^\n]*|^.*[Pp]refetch.*|constexpr (?:int|size_t)[^;]*;|'
                   r"int64_t cost_of\([^;]*;", re.M)
# Calls of which some arguments (by number; None: all) are left out.
CALLS = {r"\bfail<\w+>": None, r"\brefuse": None, r"\bfmt::format": None, r"\breserve": None, r"\bparallel_tiles": 1,
         r"\bparallel_tiles_with_scratch<\w+>": 2, r"\bparallel_ranges": 2, r"\bfor_each_chunk": 1}


@dataclass(frozen=True)
class Fault:
    file: str
    line: int  # from 1
    old: str  # the whole line
    new: str

    @property
    def key(self):
        return self.file, self.old.strip(), self.new.strip()

    def __str__(self):
        return f"{self.file}:{self.line}\n    - {self.old.strip()}\n    + {self.new.strip()}"


def arguments(text, start):
    """Spans of the arguments of a call whose bracket opens before `start`."""
    depth, begin, spans = 0, start, []
    for at in range(start, len(text)):
        if text[at] in "([{":
            depth += 1
        elif text[at] in ")]}":
            depth -= 1
            if depth < 0:
                return spans + [(begin, at)]
        elif text[at] == "," and depth == 0:
            spans.append((begin, at))
            begin = at + 1
    return spans


def code_only(text):
    """The text with what is left out made blank, every character else at its place."""
    def blank(piece):
        return re.sub(r"[^\n]", " ", piece)

    text = BLANK.sub(lambda match: blank(match[0]), text)
    for call, chosen in CALLS.items():
        for match in re.finditer(call + r"\(", text):
            for number, (begin, end) in enumerate(arguments(text, match.end())):
                if chosen in (None, number):
                    text = text[:begin] + blank(text[begin:end]) + text[end:]
    return text


def faults_of(file, text):
    """Every fault that can be planted in the text of a file, in order, no two with the same outcome."""
    found = {}
    for number, (line, code) in enumerate(zip(text.splitlines(), code_only(text).splitlines()), start=1):
        for pattern, replacement in SWAPS:
            for match in re.finditer(pattern, code):
                put = replacement(match) if callable(replacement) else replacement
                fault = Fault(file, number, line, line[:match.start()] + put + line[match.end():])
                found[fault] = None
    return list(found)
