#!/usr/bin/env python3
"""Writes tests/golden/models: small random models of transformers and what they compute.

A folder a model, as save_pretrained writes it or as older versions and other tools do, in float32,
bfloat16 or float16. Beside it NAME.safetensors: in/NAME (the arguments), out/NAME and grad/NAME (the
gradient of the loss for each parameter), computed in float64 from the same weights.
"""
import json
import math
import pathlib
import shutil

import torch
from safetensors.torch import load_file, save_file
from transformers import (BertConfig, BertForMaskedLM, BertForPreTraining, BertForSequenceClassification, BertModel,
                          GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM)
from transformers.loss.loss_utils import ForSequenceClassificationLoss
from transformers.models.llama import modeling_llama

ROOT = pathlib.Path(__file__).resolve().parent.parent / "tests/golden/models"


def randomise(model):
    """Draws every parameter anew, norms and biases too, so that nothing is 0 or 1 by chance."""
    with torch.no_grad():
        for name, param in model.named_parameters():
            norm = "norm" in name.lower() or ".ln_" in name
            param.normal_(1.0 if norm and name.endswith("weight") else 0.0, 0.2)


def save(model, name, dtype=torch.float32, rename=lambda n: n, extra=None, **options):
    """Writes the model's folder and gives it the values that the file holds."""
    folder = ROOT / name
    shutil.rmtree(folder, ignore_errors=True)
    model.to(dtype).save_pretrained(folder, **options)
    for unused in folder.glob("generation_config.json"):
        unused.unlink()
    path = folder / "model.safetensors"
    if path.exists():
        tensors = {rename(key): tensor for key, tensor in load_file(path).items()}
        save_file(tensors | (extra or {}), path, metadata={"format": "pt"})
    return model.double().eval()


def record(name, model, inputs, loss_of):
    """Runs the model on the inputs (labels are for the loss alone) and writes what comes out."""
    arguments = {key: value for key, value in inputs.items() if key != "labels"}
    result = model(**arguments, output_hidden_states=True, output_attentions=True)
    tensors = {f"in/{key}": value for key, value in inputs.items()}
    for key in "logits", "last_hidden_state", "pooler_output":
        if result.get(key) is not None:
            tensors[f"out/{key}"] = result[key]
    for kind in "hidden_states", "attentions":
        for i, tensor in enumerate(result[kind]):
            tensors[f"out/{kind}.{i}"] = tensor
    loss = loss_of(result, inputs.get("labels"))
    if "labels" in inputs:
        theirs = model(**inputs).loss
        assert torch.allclose(loss.float(), theirs.float(), rtol=1e-5), (name, loss, theirs)
        tensors["out/loss"] = loss
    model.zero_grad()
    loss.backward()
    for key, param in model.named_parameters():
        if param.grad is not None:
            tensors[f"grad/{key}"] = param.grad
    tensors = {key: tensor.detach().clone().contiguous() for key, tensor in tensors.items()}
    save_file(tensors, ROOT / f"{name}.safetensors")
    print(f"{name}: {len(tensors)} tensors")


def next_token_loss(result, labels):
    """What transformers computes, which rounds float64 logits to float32."""
    logits = result.logits[:, :-1].reshape(-1, result.logits.shape[-1])
    return torch.nn.functional.cross_entropy(logits, labels[:, 1:].reshape(-1))


def padded_tokens(vocab, lengths, longest, left=False):
    ids = torch.randint(0, vocab, (len(lengths), longest))
    mask = torch.zeros_like(ids)
    for row, length in enumerate(lengths):
        mask[row, longest - length if left else 0:longest if left else length] = 1
    return ids, mask


def gpt2(name, inputs, config=None, **options):
    torch.manual_seed(1)
    model = GPT2LMHeadModel(GPT2Config(
        vocab_size=19, n_positions=9, n_embd=8, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0,
        attn_implementation="eager", **(config or {})))
    randomise(model)
    record(name, save(model, name, **options), inputs, next_token_loss)


def gpt2_models():
    torch.manual_seed(0)
    ids, mask = padded_tokens(19, [9, 5], 9)
    labels = ids.masked_fill(mask == 0, -100)
    gpt2("gpt2", {"input_ids": ids, "labels": ids})
    # As openai-community/gpt2 has it: no prefix, and the causal masks among the weights.
    buffers = {}
    for layer in range(2):
        buffers[f"h.{layer}.attn.bias"] = torch.ones(9, 9, dtype=torch.uint8).tril().reshape(1, 1, 9, 9)
        buffers[f"h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
    gpt2("gpt2_bare", {"input_ids": ids, "attention_mask": mask, "labels": labels},
         {"n_inner": 12, "activation_function": "relu", "scale_attn_by_inverse_layer_idx": True,
          "layer_norm_epsilon": 1e-3},
         rename=lambda n: n.removeprefix("transformer."), extra=buffers)
    gpt2("gpt2_sharded", {"input_ids": ids, "labels": ids,
                          "position_ids": torch.randint(0, 9, (2, 9)),
                          "token_type_ids": torch.randint(0, 19, (2, 9))},
         {"tie_word_embeddings": False, "scale_attn_weights": False, "activation_function": "silu"},
         dtype=torch.bfloat16, max_shard_size="3KB")
    left_ids, left_mask = padded_tokens(19, [4, 7], 7, left=True)
    # The first token is predicted from padding, which sees nothing: transformers attends to all there.
    gpt2("gpt2_half", {"input_ids": left_ids, "attention_mask": left_mask,
                       "position_ids": (left_mask.cumsum(1) - 1).clamp(min=0),
                       "labels": left_ids.masked_fill(left_mask.cumsum(1) < 2, -100)},
         {"activation_function": "gelu"}, dtype=torch.float16)


BERT = dict(vocab_size=13, hidden_size=6, num_hidden_layers=2, num_attention_heads=2, intermediate_size=9,
            max_position_embeddings=10, attn_implementation="eager")


def bert_inputs():
    torch.manual_seed(2)
    ids, mask = padded_tokens(13, [7, 4, 1], 7)
    return {"input_ids": ids.masked_fill(mask == 0, 0), "attention_mask": mask,
            "token_type_ids": torch.randint(0, 2, ids.shape) * mask}


def mean_squares(result, labels):
    """A loss for models without one."""
    pooled = result.get("pooler_output")
    return result.last_hidden_state.square().mean() + (0 if pooled is None else pooled.square().mean())


def masked_labels(inputs):
    chosen = torch.rand(inputs["input_ids"].shape) < 0.5
    return torch.where(chosen & (inputs["attention_mask"] == 1), inputs["input_ids"], -100)


def bert_models():
    inputs = bert_inputs()
    model = BertModel(BertConfig(**BERT))
    randomise(model)
    record("bert", save(model, "bert"), inputs, mean_squares)

    # As google-bert/bert-base-uncased has it: both heads of the pre-training, and the norms' older names.
    model = BertForPreTraining(BertConfig(**BERT, hidden_act="gelu_new"))
    randomise(model)
    save(model, "bert_pretraining", extra={"bert.embeddings.position_ids": torch.arange(10).reshape(1, 10)},
         rename=lambda n: n.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"))
    masked = BertForMaskedLM(model.config).double().eval()
    masked.load_state_dict(model.state_dict(), strict=False)
    masked.tie_weights()
    record("bert_pretraining", masked, inputs | {"labels": masked_labels(inputs)},
           lambda result, labels: torch.nn.functional.cross_entropy(result.logits.flatten(0, 1), labels.flatten()))

    model = BertForMaskedLM(BertConfig(**BERT, tie_word_embeddings=False, pad_token_id=None, hidden_act="relu"))
    randomise(model)
    del inputs["token_type_ids"]
    record("bert_untied", save(model, "bert_untied"), inputs | {"labels": masked_labels(inputs)},
           lambda result, labels: torch.nn.functional.cross_entropy(result.logits.flatten(0, 1), labels.flatten()))

    names = {0: "bad", 1: "fair", 2: "good"}
    model = BertForSequenceClassification(BertConfig(**BERT, id2label=names, classifier_dropout=0.3))
    randomise(model)
    record("bert_classifier", save(model, "bert_classifier"), bert_inputs() | {"labels": torch.tensor([2, 0, 1])},
           lambda result, labels: torch.nn.functional.cross_entropy(result.logits, labels))


def classification_losses():
    """Each problem type, told or to be guessed: losses/NAME/logits, labels, loss."""
    torch.manual_seed(3)
    torch.set_default_dtype(torch.float64)
    cases = {
        "regression": (torch.randn(4, 1), torch.randn(4), "regression"),
        "regression_of_many": (torch.randn(4, 3), torch.randn(4, 3), "regression"),
        "multi_label": (torch.randn(4, 3), torch.randint(0, 2, (4, 3)).double(), "multi_label_classification"),
        "single_label": (torch.randn(4, 3), torch.tensor([0, 2, -100, 1]), "single_label_classification"),
    }
    tensors = {}
    for name, (logits, labels, problem) in cases.items():
        config = BertConfig(num_labels=logits.shape[1], problem_type=problem)
        loss = ForSequenceClassificationLoss(labels, logits, config)
        tensors |= {f"{name}/logits": logits, f"{name}/labels": labels, f"{name}/loss": loss}
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, ROOT / "losses.safetensors")
    torch.set_default_dtype(torch.float32)


def sentence_model():
    """What sentence-transformers writes around a BERT, here with the pooling that the mean is."""
    folder = ROOT / "sentence"
    torch.manual_seed(4)
    model = BertModel(BertConfig(**BERT), add_pooling_layer=False)
    randomise(model)
    save(model, "sentence")
    kinds = [("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")]
    modules = [{"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
               for i, (kind, path) in enumerate(kinds)]
    (folder / "modules.json").write_text(json.dumps(modules, indent=2))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling/config.json").write_text(json.dumps(
        {"word_embedding_dimension": 6, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True,
         "pooling_mode_max_tokens": False, "pooling_mode_mean_sqrt_len_tokens": False}, indent=2))
    inputs = bert_inputs()
    states, mask = model(**inputs).last_hidden_state, inputs["attention_mask"].unsqueeze(-1)
    mean = (states * mask).sum(1) / mask.sum(1)
    largest = states.masked_fill(mask == 0, -torch.inf).amax(1)
    save_file({"input_ids": inputs["input_ids"], "attention_mask": inputs["attention_mask"],
               "token_type_ids": inputs["token_type_ids"], "mean": mean.detach(),
               "normalized": torch.nn.functional.normalize(mean).detach(), "max": largest.detach(),
               "cls": states[:, 0].detach().contiguous()}, ROOT / "sentence.safetensors")


def exact_norm(self, x):
    return self.weight * x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.variance_epsilon)


def exact_angles(self, x, position_ids):
    """Rounded to float32 as transformers does, but each step correctly."""
    rope = self.config.rope_parameters
    dim = self.config.head_dim
    inverse = rope["rope_theta"] ** -(torch.arange(0, dim, 2, dtype=torch.float64) / dim)
    if rope["rope_type"] == "llama3":
        turns = rope["original_max_position_embeddings"] * inverse / (2 * math.pi)
        low, high = rope["low_freq_factor"], rope["high_freq_factor"]
        kept = ((turns - low) / (high - low)).clamp(0, 1)
        inverse = inverse * (kept + (1 - kept) / rope["factor"])
    elif rope["rope_type"] == "linear":
        inverse = inverse / rope["factor"]
    angles = (position_ids[..., None].float() * inverse.float()).double()
    angles = torch.cat((angles, angles), -1)
    return angles.cos().float().double(), angles.sin().float().double()


def exact_attention(module, query, key, value, mask, scaling, **kwargs):
    key = modeling_llama.repeat_kv(key, module.num_key_value_groups)
    value = modeling_llama.repeat_kv(value, module.num_key_value_groups)
    weights = (query @ key.transpose(2, 3) * scaling + (0 if mask is None else mask)).softmax(-1)
    return (weights @ value).transpose(1, 2).contiguous(), weights


def llama(name, inputs, **config):
    """transformers computes norms, angles and softmax in float32 even in a float64 model. The golden values come
    from the same model with these three exact; that they are the same functions is asserted here."""
    torch.manual_seed(5)
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=14, hidden_size=8, intermediate_size=10, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=32, bos_token_id=0, eos_token_id=[0, 1], attn_implementation="eager", **config))
    randomise(model)
    model = save(model, name)
    arguments = {key: value for key, value in inputs.items() if key != "labels"}
    rounded = model(**arguments).logits
    theirs = modeling_llama.LlamaRMSNorm.forward, modeling_llama.LlamaRotaryEmbedding.forward, \
        modeling_llama.eager_attention_forward
    modeling_llama.LlamaRMSNorm.forward = exact_norm
    modeling_llama.LlamaRotaryEmbedding.forward = exact_angles
    modeling_llama.eager_attention_forward = exact_attention
    record(name, model, inputs, next_token_loss)
    visible = inputs["attention_mask"] == 1
    assert torch.allclose(model(**arguments).logits[visible], rounded[visible], rtol=1e-5, atol=1e-5), name
    modeling_llama.LlamaRMSNorm.forward, modeling_llama.LlamaRotaryEmbedding.forward, \
        modeling_llama.eager_attention_forward = theirs


def llama_models():
    torch.manual_seed(6)
    ids, mask = padded_tokens(14, [9, 6], 9)
    inputs = {"input_ids": ids, "attention_mask": mask, "labels": ids.masked_fill(mask == 0, -100)}
    llama("llama", inputs, num_key_value_heads=2)
    llama("llama_stretched", inputs | {"position_ids": torch.arange(9) * 3 + torch.tensor([[0], [2]])},
          num_key_value_heads=1, head_dim=4, tie_word_embeddings=True, attention_bias=True, mlp_bias=True,
          rms_norm_eps=1e-3, pad_token_id=3, hidden_act="gelu",
          rope_parameters={"rope_type": "llama3", "rope_theta": 50.0, "factor": 4.0, "low_freq_factor": 1.0,
                           "high_freq_factor": 4.0, "original_max_position_embeddings": 16})
    # config.json as before transformers 5.
    path = ROOT / "llama_stretched/config.json"
    config = json.loads(path.read_text())
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    config["rope_scaling"] = rope
    path.write_text(json.dumps(config, indent=2) + "\n")


ROOT.mkdir(parents=True, exist_ok=True)
gpt2_models()
bert_models()
classification_losses()
sentence_model()
llama_models()
