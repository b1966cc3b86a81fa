#!/usr/bin/env python3
"""Writes tests/golden/generation.safetensors: what transformers generates with tests/golden/models/gpt2.

CASE/prompt, CASE/out: tokens that generate() makes of a prompt under the options of the same case in
tests/hub/generation_test.cpp. WARP/logits, WARP/probabilities: what its samplers draw from.
"""
import pathlib

import torch
from safetensors.torch import save_file
from transformers import GPT2LMHeadModel, LogitsProcessorList
from transformers.generation import (MinPLogitsWarper, RepetitionPenaltyLogitsProcessor, TemperatureLogitsWarper,
                                     TopKLogitsWarper, TopPLogitsWarper)

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "tests/golden"

SEARCHES = {
    "greedy": {},
    "penalty": {"repetition_penalty": 1.7},
    "beams": {"num_beams": 3},
    "beams_long": {"num_beams": 4, "length_penalty": 2.0},
    "beams_short": {"num_beams": 4, "length_penalty": -1.0},
    "beams_penalty": {"num_beams": 2, "repetition_penalty": 1.3},
}
WARPS = {
    "temperature": [TemperatureLogitsWarper(0.7)],
    "top_k": [TopKLogitsWarper(3)],
    "top_p": [TopPLogitsWarper(0.6)],
    "min_p": [MinPLogitsWarper(0.3)],
    "all": [TemperatureLogitsWarper(1.5), TopKLogitsWarper(8), TopPLogitsWarper(0.9), MinPLogitsWarper(0.2)],
}


def main():
    torch.manual_seed(5)
    model = GPT2LMHeadModel.from_pretrained(GOLDEN / "models/gpt2", dtype=torch.float64).eval()
    vocabulary = model.config.vocab_size
    tensors = {}
    for name, options in SEARCHES.items():
        for i in range(4):
            prompt = torch.randint(vocabulary, (1, 1 + i))
            # End tokens that a search comes across in some of the cases.
            out = model.generate(prompt, max_new_tokens=7 - i, do_sample=False, eos_token_id=[3, 1], pad_token_id=3,
                                 **options)
            tensors[f"{name}/{i}/prompt"], tensors[f"{name}/{i}/out"] = prompt[0], out[0].contiguous()
            print(name, i, prompt[0].tolist(), out[0].tolist())
    seen = torch.tensor([[1, 4, 4]])
    for name, warpers in (WARPS | {"seen": [RepetitionPenaltyLogitsProcessor(1.6)]}).items():
        logits = torch.randn(1, 12).float() * 2
        warped = LogitsProcessorList(warpers)(seen, logits.clone())
        tensors[f"{name}/logits"] = logits[0].clone()
        tensors[f"{name}/probabilities"] = warped.double().softmax(-1)[0]
    save_file(tensors, GOLDEN / "generation.safetensors")


if __name__ == "__main__":
    main()
