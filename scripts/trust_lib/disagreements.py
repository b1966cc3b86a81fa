"""Where the answers of attune and PyTorch differ, and why. Anything else that differs is a fault; so is an entry that
no longer occurs, unless it needs luck."""
import math
import re
from dataclasses import dataclass

# An error in float32 is the format's where PyTorch's own answer in float32 is nearly as far from that in float64, or
# where the answer in float64 moves nearly as far when every input moves by a unit in the last place of float32.
ROUNDING = 4


@dataclass(frozen=True)
class Disagreement:
    operation: str  # a regular expression for PyTorch's name
    reason: str
    part: str = ""  # one for what differs: "out0" or "in1/gradient"
    status: str = "differs"
    sample: str = ""  # one for what the arguments look like
    text: str = ""  # one for what is said of it
    precision: str = ""  # "float32": only there
    within: float = math.inf  # no number differs by more
    rare: bool = False  # only some draws show it

    def covers(self, line):
        return (line["status"] == self.status and re.fullmatch(self.operation, line["operation"]) is not None
                and re.search(self.part, line.get("part", "")) is not None
                and re.search(self.sample, line["description"]) is not None
                and re.search(self.text, line.get("text", "")) is not None
                and self.precision in ("", line["precision"]) and line.get("error", 0) <= self.within)

    def __str__(self):
        return f"{self.operation} {self.part} {self.sample}: {self.reason}"


def is_rounding(line):
    return (line["status"] == "differs" and line["precision"] == "float32" and "error" in line
            and line["error"] <= ROUNDING * max(line["their_error"], line["sensitivity"]))


ITSELF = "agrees with another answer"  # of PyTorch's

DISAGREEMENTS = [
    Disagreement("prod", "of several zeros and a NaN PyTorch's gradient is 0 over everything, but NaN along a dimension",
                 "gradient", ITSELF),
    Disagreement("topk", "which of equal elements PyTorch takes depends on how many there are; here it is the first",
                 status=ITSELF),
    Disagreement("(var|std)(.unbiased)?", "without degrees of freedom PyTorch's gradient depends on whether the "
                 "dimensions are named", "gradient", ITSELF),
    Disagreement("nn.functional.(elu|hardtanh|relu6)", "at NaN PyTorch's gradient depends on the element's place",
                 "gradient", ITSELF),
    Disagreement("sum_to_size", "PyTorch makes int64 of bool where the size is (), and leaves it where it is another",
                 sample=r"bool\[\]'?, \[\(\)\]"),
    Disagreement("nn.(functional.(nll_loss|cross_entropy|linear_cross_entropy)|NLLLoss|(Linear)?CrossEntropyLoss)",
                 "the mean over no targets is 0 here, not NaN", "out0", sample="ignore_index",
                 text=r"^\[0\] is 0, not -?nan$"),
    Disagreement("__rpow__", "PyTorch refuses an int64 to the power of a negative number, but not of a tensor; here "
                 "both are refused", status="refused", sample="int64"),
    Disagreement("nn.functional.softplus", "beta must be positive here", status="refused", sample="'beta': -1"),
    Disagreement("nn.functional.pairwise_distance", "PyTorch measures integers in float32; here that is asked for",
                 status="refused", sample="int64"),
    Disagreement("nn.functional.cosine_similarity", "where a vector is shorter than eps, PyTorch's gradient is not the "
                 "derivative of its result; here it is", "gradient", sample="'eps': 0.5"),
    Disagreement("nn.LinearCrossEntropyLoss", "of 200 rows that are all alike, every addition to the gradient of the weight "
                 "rounds to the same side", "gradient", sample=r"\[200, 20\]", precision="float32", within=3e-3, rare=True),
    Disagreement("nn.functional.normalize", "along a dimension of one element the gradient is 0, the difference of two "
                 "equal numbers; where the element is small they are some hundreds, and float32 leaves a unit in their "
                 "last place", "gradient", sample=r"\[1, .*'dim': 0", precision="float32", within=1e-4, rare=True),
]
