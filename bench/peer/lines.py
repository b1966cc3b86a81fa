"""The benchmark's lines in PyTorch: the counterpart of bench/*.cpp, timed the same way and speaking the same protocol.

usage: lines.py LINE [--threads N] [--seconds S] [--fused] [--compile] [--serve]   or   lines.py --list
"""
import argparse
import json
import os
import sys
import time
from statistics import median

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.c_attn, self.attn_proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.c_fc, self.mlp_proj = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def attend(self, x):
        batch, length, dim = x.shape
        q, k, v = (
            part.view(batch, length, self.heads, dim // self.heads).transpose(1, 2)
            for part in self.c_attn(x).split(dim, dim=2)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.attn_proj(y.transpose(1, 2).reshape(batch, length, dim))

    def forward(self, x):
        x = x + self.attend(self.ln_1(x))
        return x + self.mlp_proj(F.gelu(self.c_fc(self.ln_2(x)), approximate="tanh"))


class Gpt(nn.Module):
    """GPT-2 with tied embeddings, as nn/models/gpt2.h."""

    def __init__(self, vocab_size, context, layers, heads, dim):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocab_size, dim), nn.Embedding(context, dim)
        nn.init.normal_(self.wte.weight, std=0.02)
        self.blocks = nn.Sequential(*(Block(dim, heads) for _ in range(layers)))
        self.ln_f = nn.LayerNorm(dim)

    def forward(self, tokens):
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1]))
        return F.linear(self.ln_f(self.blocks(x)), self.wte.weight)


def training_step(options, optimizer_class, model, loss_of):
    """The function that runs one step: forward, loss, backward, optimizer."""
    optimizer = optimizer_class(model.parameters(), fused=True if options.fused else None)
    forward = torch.compile(loss_of) if options.compile else loss_of

    def step():
        forward().backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def autocast(function):
    """The function with matrix products in bfloat16, as PyTorch mixes precisions on a CPU."""

    def mixed(*inputs):
        with torch.autocast("cpu", torch.bfloat16):
            return function(*inputs)

    return mixed


def gpt_step(options, batch, length, precision=lambda function: function, **shape):
    model = Gpt(**shape)
    inputs = torch.randint(shape["vocab_size"], (batch, length))
    targets = torch.randint(shape["vocab_size"], (batch * length,))
    loss_of = lambda: F.cross_entropy(model(inputs).flatten(0, 1), targets)
    return training_step(options, torch.optim.AdamW, model, precision(loss_of))


def char_gpt_step(options):
    return gpt_step(options, 12, 64, vocab_size=65, context=64, layers=4, heads=4, dim=128)


GPT2_124M = dict(vocab_size=50257, context=1024, layers=12, heads=12, dim=768)


def gpt2_step(options):
    return gpt_step(options, 4, 64, **GPT2_124M)


def gpt2_step_bf16(options):
    return gpt_step(options, 4, 64, precision=autocast, **GPT2_124M)


def gpt2_step_t1024(options):
    return gpt_step(options, 1, 1024, **GPT2_124M)


class BertEncoder(nn.Module):
    """BERT-base without its pooling layer; torch.nn's encoder has a fused path for inference."""

    def __init__(self):
        super().__init__()
        sizes = dict(words=30522, positions=512, types=2)
        self.tables = nn.ModuleDict({name: nn.Embedding(size, 768) for name, size in sizes.items()})
        self.norm = nn.LayerNorm(768, eps=1e-12)
        layer = nn.TransformerEncoderLayer(768, 12, 3072, activation="gelu", layer_norm_eps=1e-12, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 12)

    def forward(self, tokens):
        positions = self.tables.positions(torch.arange(tokens.shape[1]))
        return self.layers(self.norm(self.tables.words(tokens) + positions + self.tables.types(torch.zeros_like(tokens))))


def bert_inference_bf16(options):
    """Weights in bfloat16 once and for all: autocast would convert them again in every step."""
    model = BertEncoder().eval().bfloat16()
    forward = torch.compile(model) if options.compile else model
    tokens = torch.randint(30522, (8, 128))

    def step():
        with torch.no_grad():
            forward(tokens)

    return step


def gradient_step(options, function, inputs, cotangent):
    """The function that computes function(*inputs) and the gradients of all inputs."""
    forward = torch.compile(function) if options.compile else function
    return lambda: torch.autograd.grad([forward(*inputs)], inputs, [cotangent])


def attention(length):
    def prepare(options):
        inputs = [torch.randn(1, 12, length, 64, requires_grad=True) for _ in range(3)]
        attend = lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return gradient_step(options, attend, inputs, torch.randn(1, 12, length, 64))

    return prepare


def layer_norm(options):
    inputs = [torch.randn(shape, requires_grad=True) for shape in ((8192, 768), (768,), (768,))]
    normalize = lambda x, weight, bias: F.layer_norm(x, (768,), weight, bias)
    return gradient_step(options, normalize, inputs, torch.randn(8192, 768))


def softmax(options):
    x = torch.randn(8192, 1024, requires_grad=True)
    return gradient_step(options, lambda x: x.softmax(-1), [x], torch.randn(8192, 1024))


def gelu(options):
    x = torch.randn(4096, 3072, requires_grad=True)
    return gradient_step(options, lambda x: F.gelu(x, approximate="tanh"), [x], torch.randn(4096, 3072))


def cross_entropy(options):
    logits, targets = torch.randn(512, 50257, requires_grad=True), torch.randint(50257, (512,))
    return gradient_step(options, lambda x: F.cross_entropy(x, targets), [logits], torch.tensor(1.0))


def embedding_backward(options):
    weight, cotangent = torch.randn(50257, 768, requires_grad=True), torch.randn(4096, 768)
    y = F.embedding(torch.randint(50257, (4096,)), weight)
    return lambda: torch.autograd.grad([y], [weight], [cotangent], retain_graph=True)


def adamw(options):
    shapes = [(50257, 768)] + 12 * [(2304, 768), (768, 768), (3072, 768), (768, 3072)]
    parameters = [torch.randn(shape, requires_grad=True) for shape in shapes]
    for parameter in parameters:
        parameter.grad = torch.randn(parameter.shape)
    optimizer = torch.optim.AdamW(parameters, fused=True if options.fused else None)
    return torch.compile(optimizer.step) if options.compile else optimizer.step


def chained_adds(options):
    start, step, cotangent = torch.randn(8, requires_grad=True), torch.randn(8), torch.ones(8)

    def run():
        x = start
        for _ in range(1000):
            x = x + step
        x.backward(cotangent)
        start.grad = None

    return run


def mlp_adam_step(options):
    net = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1))
    x, y = torch.randn(32, 2), torch.randn(32, 1)
    return training_step(options, torch.optim.Adam, net, lambda: F.mse_loss(net(x), y))


def without_gradients(options, model, run):
    """The function that runs a model of transformers as its users do."""
    model.eval()
    if options.compile:
        model.forward = torch.compile(model.forward)

    def step():
        with torch.inference_mode():
            run()

    return step


def generation(batch, prompt, tokens, dtype=torch.float32):
    def prepare(options):
        from transformers import GPT2Config, GPT2LMHeadModel

        model = GPT2LMHeadModel(GPT2Config()).to(dtype)
        inputs = torch.randint(model.config.vocab_size, (batch, prompt))
        mask, count = torch.ones_like(inputs), dict(min_new_tokens=tokens, max_new_tokens=tokens)
        settings = dict(do_sample=False, use_cache=True, pad_token_id=0, **count)
        if options.compile:  # for one length after another it would have to be compiled anew
            settings["cache_implementation"] = "static"
        return without_gradients(options, model, lambda: model.generate(inputs, attention_mask=mask, **settings))

    return prepare


def bert_inference(options):
    from transformers import BertConfig, BertModel

    model = BertModel(BertConfig(), add_pooling_layer=False)
    tokens = torch.randint(model.config.vocab_size, (8, 128))
    return without_gradients(options, model, lambda: model(tokens))


def minilm_embed(options):
    """As sentence-transformers does it: sorted by length, in batches of 32."""
    from transformers import BertConfig, BertModel

    shape = dict(hidden_size=384, num_hidden_layers=6, intermediate_size=1536)
    model = BertModel(BertConfig(**shape), add_pooling_layer=False)
    lengths = sorted(4 + i * 37 % 61 for i in range(1000))
    batches = []
    for first in range(0, len(lengths), 32):
        length = torch.tensor(lengths[first : first + 32])
        mask = (torch.arange(length[-1])[None] < length[:, None]).long()
        batches.append((torch.randint(model.config.vocab_size, mask.shape), mask))

    def embed():
        for tokens, mask in batches:
            states, visible = model(tokens, attention_mask=mask).last_hidden_state, mask[..., None].float()
            F.normalize((states * visible).sum(1) / visible.sum(1).clamp(min=1e-9), dim=1)

    return without_gradients(options, model, embed)


LINES = {
    "gpt2_step": gpt2_step,
    "gpt2_step_bf16": gpt2_step_bf16,
    "gpt2_step_t1024": gpt2_step_t1024,
    "char_gpt_step": char_gpt_step,
    "bert_inference_bf16": bert_inference_bf16,
    **{f"attention_t{length}": attention(length) for length in (256, 1024, 4096, 16384)},
    "gpt2_generate_b1": generation(1, 64, 64),
    "gpt2_generate_b8": generation(8, 64, 64),
    "gpt2_generate_b1_bf16": generation(1, 64, 64, torch.bfloat16),
    "gpt2_generate_b8_bf16": generation(8, 64, 64, torch.bfloat16),
    "gpt2_prefill_t512": generation(1, 512, 1),
    "bert_inference": bert_inference,
    "minilm_embed": minilm_embed,
    "layer_norm": layer_norm,
    "softmax": softmax,
    "gelu": gelu,
    "cross_entropy": cross_entropy,
    "embedding_backward": embedding_backward,
    "adamw": adamw,
    "chained_adds": chained_adds,
    "mlp_adam_step": mlp_adam_step,
}
# Lines that --fused makes a difference to, and those that --compile makes none to.
WITH_OPTIMIZER = {"gpt2_step", "gpt2_step_bf16", "gpt2_step_t1024", "char_gpt_step", "adamw", "mlp_adam_step"}
EAGER_ONLY = {"embedding_backward", "chained_adds"}


def options_of(name):
    fused, compiled = ["--fused"] * (name in WITH_OPTIMIZER), ["--compile"] * (name not in EAGER_ONLY)
    return [*fused, *compiled]


def warm_up(step):
    """As in bench/serve.h; torch.compile works in the first."""
    end = time.perf_counter() + 2
    step()
    for _ in range(2):
        if time.perf_counter() < end:
            step()


def measure(step, seconds):
    times, processor = [], []
    while not times or sum(times) < seconds:
        start, processor_start = time.perf_counter(), time.process_time()
        step()
        times.append(time.perf_counter() - start)
        processor.append(time.process_time() - processor_start)
    return {
        "min_ms": 1e3 * min(times),
        "median_ms": 1e3 * median(times),
        "cpu_ms": 1e3 * min(processor),
        "repeats": len(times),
        "peak_mb": peak_mb(),
    }


def peak_mb():
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1.024e-3 for line in status if line.startswith("VmHWM"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("line", nargs="?")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--fused", action="store_true", help="the fused optimizer instead of the default one")
    parser.add_argument("--compile", action="store_true", help="through torch.compile instead of eagerly")
    parser.add_argument("--serve", action="store_true", help="answer 'run SECONDS' lines on stdin")
    parser.add_argument("--list", action="store_true", help="name the lines, each with its options")
    options = parser.parse_args()
    if options.list:
        return print("\n".join(" ".join([name, *options_of(name)]) for name in LINES))
    if options.line not in LINES:
        parser.error(f"no line {options.line!r}; --list names them")
    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    step = LINES[options.line](options)
    warm_up(step)
    if not options.serve:
        return print(json.dumps(measure(step, options.seconds)))
    print(json.dumps({"version": torch.__version__}), flush=True)
    for command in sys.stdin:
        print(json.dumps(measure(step, float(command.split()[1]))), flush=True)


if __name__ == "__main__":
    main()
