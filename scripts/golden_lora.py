#!/usr/bin/env python3
"""Writes tests/golden/models/lora_*: adapters of PEFT on models that golden_models.py wrote, and what they compute.

A folder as PEFT's save_pretrained writes it; beside it NAME.safetensors with in/NAME, out/logits and the gradient
of the loss for every trained parameter, in float64. Needs peft beside torch and transformers.
"""
import json
import pathlib
import shutil

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import BertForSequenceClassification, GPT2LMHeadModel

ROOT = pathlib.Path(__file__).resolve().parent.parent / "tests/golden/models"


def adapter(name, model, config, labels, loss_of):
    torch.manual_seed(7)
    model = get_peft_model(model, config).double().eval()
    with torch.no_grad():
        for param in model.parameters():
            if param.requires_grad:
                param.copy_(param.normal_(0, 0.3).float())
    folder = ROOT / name
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    config = json.loads((folder / "adapter_config.json").read_text())
    config |= {"base_model_name_or_path": None, "target_modules": sorted(config["target_modules"])}
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
    weights = {key: tensor.float() for key, tensor in load_file(folder / "adapter_model.safetensors").items()}
    save_file(weights, folder / "adapter_model.safetensors", metadata={"format": "pt"})

    tokens = torch.randint(0, 13, (3, 6))
    labels = tokens if labels is None else labels
    logits = model(input_ids=tokens).logits
    loss_of(logits, labels).backward()
    tensors = {"in/input_ids": tokens, "in/labels": labels.clone(), "out/logits": logits.detach()}
    for key, param in model.named_parameters():
        if param.requires_grad:
            key = key.removeprefix("base_model.model.").replace(".default", "").replace("modules_to_save.", "")
            tensors[f"grad/{key}"] = param.grad
    save_file(tensors, ROOT / f"{name}.safetensors")
    print(f"{name}: {len(tensors)} tensors")


adapter("lora_gpt2", GPT2LMHeadModel.from_pretrained(ROOT / "gpt2"),
        LoraConfig(r=2, lora_alpha=6, target_modules=["c_attn", "mlp.c_proj"], fan_in_fan_out=True), None,
        lambda logits, labels: torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten()))
adapter("lora_bert", BertForSequenceClassification.from_pretrained(ROOT / "bert_classifier"),
        LoraConfig(r=3, lora_alpha=2, use_rslora=True, target_modules=["query", "value"], modules_to_save=["classifier"]),
        torch.tensor([2, 0, 1]), torch.nn.functional.cross_entropy)
