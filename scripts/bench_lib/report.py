"""The table on the terminal, and the JSON file."""
import json
import os
import platform
import re
from pathlib import Path

COLUMNS = (
    # title, width, text of a row
    ("line", 20, lambda row: row["name"]),
    ("ours ms", 10, lambda row: number(row["ours_ms"])),
    ("median", 10, lambda row: number(row.get("ours_median_ms"))),
    ("peer ms", 10, lambda row: number(row["peer_ms"])),
    ("median", 10, lambda row: number(row.get("peer_median_ms"))),
    ("speedup", 9, lambda row: f"{row['speedup']:.2f}x" if row["speedup"] else "-"),
    ("limit ms", 10, lambda row: number(row["limit_ms"])),
    ("of limit", 9, lambda row: f"{row['limit_ms'] / row['ours_ms']:.0%}" if row["limit_ms"] else "-"),
    ("peak MB", 9, lambda row: number(row["ours_peak_mb"])),
    ("peer", 9, lambda row: number(row["peer_peak_mb"])),
)


def number(value):
    return "-" if value is None else f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def table_line(texts):
    (first, *others) = zip(texts, (width for _, width, _ in COLUMNS))
    return first[0].ljust(first[1]) + "".join(text.rjust(width) for text, width in others)


class Report:
    def __init__(self, path, threads, peer):
        self.path, self.threads, self.peer = path, threads, peer
        self.rows, self.limits = [], None

    def start(self, limits):
        self.limits = limits
        load = ", ".join(f"{load:.1f}" for load in os.getloadavg())
        against = f"PyTorch {self.peer.version}" if self.peer else "no peer (see --python)"
        print(f"{processor()}, {self.threads} threads; load {load}; {against}")
        print(f"limits: sgemm {limits.gflops:.0f} GFLOP/s, in bfloat16 {limits.bf16_gflops:.0f}; ", end="")
        print(f"memory {limits.gbytes:.1f} GB/s\n")
        print(table_line(title for title, _, _ in COLUMNS), flush=True)

    def add(self, row):
        self.rows.append(row)
        peer = f"  {row['peer']}" if row["peer"] else ""
        print(table_line(text(row) for _, _, text in COLUMNS) + peer, flush=True)
        if "note" in row:
            print(f"  {row['note']}")
        if self.path:
            self.write()

    def write(self):
        """Whole or not at all: another program may be reading the file."""
        target = Path(self.path)
        draft = target.with_name(target.name + ".part")
        draft.write_text(json.dumps(self.rows, indent=2) + "\n", encoding="utf-8")
        draft.replace(target)

    def kept(self):
        done = f"{len(self.rows)} lines were done"
        return f"{done} and are in {self.path}" if self.path and self.rows else done

    def finish(self):
        if self.path:
            print(f"\nwritten to {self.path}")


def processor():
    try:
        found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.machine()
