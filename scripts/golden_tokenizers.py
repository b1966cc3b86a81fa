#!/usr/bin/env python3
"""Trains small tokenizers with Hugging Face's library and writes down what they make of texts.

    python3 scripts/golden_tokenizers.py [FOLDER [VOCABULARY_SIZE [TEXT_FILE...]]]

Writes NAME.json, a tokenizer.json, for every kind of pipeline that is supported, and cases.json: the
texts (as hexadecimal bytes, since some are not UTF-8) and for each tokenizer and text its ids, types,
offsets in bytes and what they decode to. Needs `tokenizers`.
"""
import json
import pathlib
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers
from tokenizers import pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).resolve().parent.parent / "tests/golden/tokenizers"
FOLDER = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
SIZE = int(sys.argv[2]) if len(sys.argv) > 2 else 420
TEXT = "".join(pathlib.Path(path).read_text() for path in sys.argv[3:] or [HERE / "text.txt"])

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + REST
QWEN2 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + REST
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
GPT4O = "|".join([rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{CONTRACTIONS}?",
                  rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{CONTRACTIONS}?",
                  r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
CLIP = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def save(name, tokenizer):
    path = FOLDER / f"{name}.json"
    text = json.loads(tokenizer.to_str())
    path.write_text(json.dumps(text, ensure_ascii=False, separators=(",", ":")) + "\n")
    return name


def train_bpe(tokenizer, special, alphabet=(), **options):
    trainer = trainers.BpeTrainer(vocab_size=SIZE, special_tokens=special, show_progress=False,
                                  initial_alphabet=list(alphabet), **options)
    tokenizer.train_from_iterator(TEXT.splitlines(keepends=True), trainer)


def byte_level(name, pre_tokenizer, prefix=False, special=("<|endoftext|>",), **model):
    tokenizer = Tokenizer(models.BPE(**model))
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True, add_prefix_space=prefix)
    train_bpe(tokenizer, list(special), pre_tokenizers.ByteLevel.alphabet())
    return tokenizer


def split_then_bytes(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), behavior, invert=invert),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def gpt2():
    tokenizer = byte_level("gpt2", pre_tokenizers.ByteLevel(add_prefix_space=False))
    tokenizer.add_tokens([AddedToken("neural network", single_word=True),
                          AddedToken("<lstrip>", lstrip=True), AddedToken("<rstrip>", rstrip=True),
                          AddedToken("<r>", lstrip=True, rstrip=True, single_word=True),
                          AddedToken("\n\n"), AddedToken("<"), AddedToken("<lst")])
    return tokenizer


def roberta():
    tokenizer = byte_level("roberta", pre_tokenizers.ByteLevel(add_prefix_space=True), prefix=True,
                           special=["<s>", "<pad>", "</s>", "<unk>", AddedToken("<mask>", lstrip=True)])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return tokenizer


def llama3():
    tokenizer = byte_level("llama3", split_then_bytes(LLAMA3), ignore_merges=True,
                           special=["<|begin_of_text|>", "<|end_of_text|>"])
    # A token that no merges lead to: only ignore_merges finds it.
    data = json.loads(tokenizer.to_str())
    data["model"]["vocab"].setdefault("Ġthreshold", len(data["model"]["vocab"]))
    tokenizer = Tokenizer.from_str(json.dumps(data))
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single="<|begin_of_text|> $A",
                                      pair="<|begin_of_text|> $A <|begin_of_text|>:1 $B:1",
                                      special_tokens=[("<|begin_of_text|>", 0)])])
    return tokenizer


def qwen2():
    tokenizer = byte_level("qwen2", split_then_bytes(QWEN2))
    tokenizer.normalizer = normalizers.NFC()
    return tokenizer


def clip():
    tokenizer = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = split_then_bytes(CLIP, "removed", invert=True)
    tokenizer.decoder = decoders.Sequence([decoders.ByteLevel(), decoders.Replace("</w>", " ")])
    train_bpe(tokenizer, ["<|startoftext|>", "<|endoftext|>"],
              pre_tokenizers.ByteLevel.alphabet(), end_of_word_suffix="</w>")
    tokenizer.post_processor = processors.RobertaProcessing(
        ("<|endoftext|>", 1), ("<|startoftext|>", 0), trim_offsets=False, add_prefix_space=False)
    return tokenizer


def sentencepiece(normalizer, pre_tokenizer, decoder, special=("<unk>", "<s>", "</s>")):
    """BPE as LLaMA 2, Gemma and Mistral have it: characters, then bytes for those outside."""
    options = dict(unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    tokenizer = Tokenizer(models.BPE(**options))
    tokenizer.normalizer, tokenizer.pre_tokenizer, tokenizer.decoder = normalizer, pre_tokenizer, decoder
    train_bpe(tokenizer, [*special, *(f"<0x{byte:02X}>" for byte in range(256))], limit_alphabet=60)
    data = json.loads(tokenizer.to_str())
    data["added_tokens"] = data["added_tokens"][:len(special)]  # the bytes are tokens like others
    tokenizer = Tokenizer.from_str(json.dumps(data))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])
    return tokenizer


def llama2():
    return sentencepiece(
        normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), None,
        decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                           decoders.Strip(content=" ", left=1, right=0)]))


def metaspace(scheme, split):
    return sentencepiece(
        None, pre_tokenizers.Metaspace(prepend_scheme=scheme, split=split),
        decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(prepend_scheme=scheme)]))


def unknown_characters(fuse):
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]", fuse_unk=fuse, continuing_subword_prefix="@@"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Strip(), normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=fuse)])
    train_bpe(tokenizer, ["[UNK]"], limit_alphabet=80, continuing_subword_prefix="@@")
    return tokenizer


def bert(pieces="##", **options):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=30))
    tokenizer.normalizer = normalizers.BertNormalizer(**options)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=2 * SIZE, special_tokens=special, show_progress=False,
                                        limit_alphabet=200)
    tokenizer.train_from_iterator(TEXT.splitlines(keepends=True), trainer)
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def bert_uncased():
    tokenizer = bert(lowercase=True)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokenizer.add_tokens(["Frau Müller", AddedToken("İstanbul", normalized=False)])
    return tokenizer


def bert_cased():
    tokenizer = bert(lowercase=False, strip_accents=False, handle_chinese_chars=False)
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tokenizer


TOKENIZERS = {
    "gpt2": gpt2, "roberta": roberta, "llama3": llama3, "qwen2": qwen2, "clip": clip,
    "gpt4o": lambda: byte_level("gpt4o", split_then_bytes(GPT4O)),
    "llama2": llama2, "metaspace_first": lambda: metaspace("first", True),
    "metaspace_whole": lambda: metaspace("always", False),
    "unknown": lambda: unknown_characters(False), "unknown_fused": lambda: unknown_characters(True),
    "bert_uncased": bert_uncased, "bert_cased": bert_cased,
}

TEXTS = [text.encode() for text in TEXT.splitlines(keepends=True)[::2]] if FOLDER == HERE else []
TEXTS += [text.encode() for text in [
    "", " ", "\n", "  leading and trailing  ", "a\t\r\n \n\nb  \n", "\x00\x01\x7f\x85\xad\u200b\u200d\ufeff",
    "'S 'Re'VE 'ſ I'M you'LL", "neural networks and a neural network, neural network",
    "<|endoftext|>x<|endoftext|> <s></s>[CLS][SEP] [MASK]. <mask> \n<mask>x <|begin_of_text|>",
    " <lstrip> <rstrip> \n<r> a<r> <r>b <lst> < <l\n\n\n", "FRAU MÜLLER und İstanbul istanbul frau muller",
    "e\u0301 o\u0323\u0302 \u0301a \u212b \u1100\u1161\u11a8 \uac00\u11a8 か\u3099 \u0344 \ufb2c",
    "12345 1,234 ١٢٣٤ ४५ Ⅷ½² 1a2b", "do not can't . , ! ? ' s 'm n't", "日本語abc한국어 漢字\u3000かな",
    "a" * 29 + " " + "b" * 31 + " " + "ab" * 40, "�", "fox\u00a0\u2003\u2028jumps", "the threshold",
]] + [b"\xff", b"caf\xe9 \xe2\x82 \xf0\x9f\x98 \xed\xa0\x80\xc0\xaf \xf4\x90\x80\x80end\xc3", b"\x80" * 5]


def in_bytes(text, raw, offsets):
    """Character offsets as offsets in bytes; None where the bytes were not UTF-8."""
    if text.encode() != raw:
        return None
    starts = [0]
    for character in text:
        starts.append(starts[-1] + len(character.encode()))
    return [starts[place] for span in offsets for place in span]


def cases(tokenizer):
    results = []
    for i, raw in enumerate(TEXTS):
        text = raw.decode("utf-8", "replace")
        encoding = tokenizer.encode(text)
        pair = tokenizer.encode(text, TEXTS[i - 1].decode("utf-8", "replace"))
        results.append({
            "ids": encoding.ids, "offsets": in_bytes(text, raw, encoding.offsets),
            "bare": len(tokenizer.encode(text, add_special_tokens=False).ids),
            "pair": pair.ids[-8:], "types": pair.type_ids[-8:],
            "text": tokenizer.decode(encoding.ids),
            "all_text": tokenizer.decode(encoding.ids, skip_special_tokens=False)})
    return results


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    results = {}
    for name, make in TOKENIZERS.items():
        save(name, make())
        results[name] = cases(Tokenizer.from_file(str(FOLDER / f"{name}.json")))
    golden = {"texts": [raw.hex() for raw in TEXTS], "tokenizers": results}
    (FOLDER / "cases.json").write_text(json.dumps(golden, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
